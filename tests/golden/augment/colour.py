"""Changed colours, by albumentations with given parameters: ranges of no width fix them."""

import albumentations as A
import numpy as np

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

    # Each change alone, then all four in drawn orders, which no range can fix.
    jitter = A.ColorJitter(p=1.0)
    for values, order in (
        ((1.37, 1.0, 1.0, 0.0), (0, 1, 2, 3)),
        ((0.0, 1.0, 1.0, 0.0), (3, 2, 1, 0)),
        ((1.0, 0.43, 1.0, 0.0), (0, 1, 2, 3)),
        ((1.0, 1.8, 1.0, 0.0), (2, 1, 0, 3)),
        ((1.0, 0.0, 1.0, 0.0), (0, 1, 2, 3)),
        ((1.0, 1.0, 0.31, 0.0), (0, 1, 2, 3)),
        ((1.0, 1.0, 2.7, 0.0), (0, 1, 2, 3)),
        ((1.0, 1.0, 0.0, 0.0), (0, 1, 2, 3)),
        ((1.0, 1.0, 1.0, -0.37), (0, 1, 2, 3)),
        ((1.13, 0.87, 1.2, 0.21), (0, 1, 2, 3)),
        ((0.8, 1.2, 0.8, -0.45), (2, 0, 3, 1)),
        ((0.93, 0.81, 1.17, 0.5), (3, 1, 0, 2)),
    ):
        names = ("brightness", "contrast", "saturation", "hue")
        params = dict(zip(names, values, strict=True))
        yield "color_jitter", {**params, "order": order}, lambda image, params=params, order=order: jitter.apply(
            image, order=list(order), **params
        )
    for method in ("weighted_average", "from_lab", "desaturation", "average", "max"):
        # One channel, since three of a picture with a side of 1 come without that side.
        op = A.ToGray(num_output_channels=1, method=method, p=1.0)
        yield "to_gray", {"method": method}, lambda image, op=op: np.repeat(
            op.apply(image).reshape(*image.shape[:2], 1), 3, axis=2
        )
    for limit, tiles in ((1.0, 8), (2.7, 8), (4.0, 8), (4.0, 1), (40.0, 3), (3.0, 7)):
        op = A.CLAHE(clip_limit=(limit, limit), tile_grid_size=(tiles, tiles), p=1.0)
        yield "clahe", {"clip_limit": limit, "tiles": tiles}, call(op)
    for percent in (80.0, 100.0, 120.0, 37.5, 250.0, 1.0):
        yield "random_gamma", {"gamma": percent / 100.0}, call(A.RandomGamma((percent, percent), p=1.0))
    shift = A.RGBShift(p=1.0)
    for levels in ((20.0, -20.0, 0.0), (-3.7, 3.7, 0.9), (255.0, -255.0, 127.5), (0.0, 0.0, 0.0)):
        yield "rgb_shift", {"shift": levels}, lambda image, levels=levels: shift.apply(image, noise_map=np.array(levels))
    for by_channels in (True, False):
        yield "equalize", {"by_channels": by_channels}, call(A.Equalize(mode="cv", by_channels=by_channels, p=1.0))
    for bits in range(1, 8):
        yield "posterize", {"bits": bits}, call(A.Posterize((bits, bits), p=1.0))
    for threshold in (0.0, 0.25, 0.5, 128 / 255, 0.999, 1.0):
        yield "solarize", {"threshold": threshold}, call(A.Solarize((threshold, threshold), p=1.0))
    yield "invert", {}, call(A.InvertImg(p=1.0))
    for alpha, lightness in ((0.2, 0.5), (0.5, 1.0), (1.0, 0.0), (0.0, 3.0), (0.37, 0.81), (1.0, 5.0)):
        op = A.Sharpen(alpha=(alpha, alpha), lightness=(lightness, lightness), p=1.0)
        yield "sharpen", {"alpha": alpha, "lightness": lightness}, call(op)
    curve = A.RandomToneCurve(p=1.0)
    for low, high in ((0.25, 0.75), (0.1, 0.9), (1.0, 0.0), (0.31, 0.66)):
        params = {"low": [low] * 3, "high": [high] * 3}
        yield "random_tone_curve", params, lambda image, low=low, high=high: curve.apply(image, low, high)
    low, high = (0.2, 0.0, 0.43), (0.8, 1.0, 0.61)
    yield "random_tone_curve", {"low": low, "high": high}, lambda image: curve.apply(
        image, np.array(low), np.array(high)
    ).reshape(image.shape)
    for cutoff, method in ((0.0, "cdf"), (0.0, "pil"), (3.0, "cdf"), (2.5, "pil"), (60.0, "pil")):
        yield "auto_contrast", {"cutoff": cutoff, "method": method}, call(
            A.AutoContrast(cutoff=cutoff, method=method, p=1.0)
        )


if __name__ == "__main__":
    write("colour", cases)
