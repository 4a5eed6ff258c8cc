"""Changed colours, by albumentations with given parameters: ranges of no width fix them."""

import albumentations as A

from pictures import write


def call(op):
    return lambda image: op(image=image)["image"]


def cases():
    for brightness, contrast in ((0.2, 0.2), (-0.2, -0.2), (0.13, -0.37), (-0.71, 0.9), (0.0, 0.05)):
        for by_max in (True, False):
            op = A.RandomBrightnessContrast(
                brightness_limit=(brightness, brightness),
                contrast_limit=(contrast, contrast),
                brightness_by_max=by_max,
                ensure_safe_range=False,
                p=1.0,
            )
            params = {"brightness": brightness, "contrast": contrast, "by_max": by_max}
            yield "random_brightness_contrast", params, call(op)
    for hue, sat, val in ((20, 30, 20), (-20, -30, -20), (0, 15.7, 0), (133.3, 0, -40.9), (-180, 255, 3.2), (0, 0, 0)):
        op = A.HueSaturationValue((hue, hue), (sat, sat), (val, val), p=1.0)
        yield "hue_saturation_value", {"hue": hue, "saturation": sat, "value": val}, call(op)
    shuffle = A.ChannelShuffle(p=1.0)
    for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        # The order is drawn by a shuffle, which no range can fix: here `apply` is called with it.
        yield "channel_shuffle", {"from": order}, lambda image, order=order: shuffle.apply(
            image, channels_shuffled=list(order)
        )


if __name__ == "__main__":
    write("colour", cases)
