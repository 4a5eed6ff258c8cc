"""Golden pictures for `src/augment`, made by albumentations with given parameters.

Pinned: albumentations 2.0.8, albucore 0.0.24, opencv-python-headless 5.0.0.93, numpy 2.4.6; Python 3.11.
Run:    python make_augment.py       (writes cases.json and pixels.bin beside itself)

Parameters are fixed by ranges of no width, so that only albumentations' public interface is used.
`pixels.bin` holds raw [height, width, 3] pictures one after the other; `cases.json` says where each begins.
"""

import json
import pathlib

import albumentations as A
import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent
BORDERS = {"reflect101": cv2.BORDER_REFLECT_101, "constant": cv2.BORDER_CONSTANT}


def picture(width, height, seed):
    """Waves, a hard-edged disc, a fine texture, grey and black patches: what a photo has, in little."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [120 + 90 * np.sin((x * (c + 1) + 3 * y) / 11.0) + 30 * np.cos(y / (4.0 + c)) for c in range(3)]
    image = np.stack(waves, -1) + rng.normal(0, 10, (height, width, 3))
    disc = (x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (min(width, height) * 0.25) ** 2
    image[disc] = (230, 40, 25)
    image[: height // 6, : width // 6] = 128
    image[-(height // 8) - 1 :, : width // 5] = 0
    return image.clip(0, 255).astype(np.uint8)


def cases():
    """(op, parameters, function)."""
    yield "horizontal_flip", {}, A.HorizontalFlip(p=1.0)
    yield "vertical_flip", {}, A.VerticalFlip(p=1.0)
    for angle in (-45.0, -7.3, 0.4, 30.0, 90.0, 180.0, 217.5):
        for name, mode in BORDERS.items():
            op = A.Rotate(limit=(angle, angle), border_mode=mode, interpolation=cv2.INTER_LINEAR, fill=0, p=1.0)
            yield "rotate", {"angle": angle, "border": name}, op
    for brightness, contrast in ((0.2, 0.2), (-0.2, -0.2), (0.13, -0.37), (-0.71, 0.9), (0.0, 0.05)):
        for by_max in (True, False):
            op = A.RandomBrightnessContrast(
                brightness_limit=(brightness, brightness),
                contrast_limit=(contrast, contrast),
                brightness_by_max=by_max,
                ensure_safe_range=False,
                p=1.0,
            )
            yield "random_brightness_contrast", {"brightness": brightness, "contrast": contrast, "by_max": by_max}, op
    for hue, sat, val in ((20, 30, 20), (-20, -30, -20), (0, 15.7, 0), (133.3, 0, -40.9), (-180, 255, 3.2), (0, 0, 0)):
        op = A.HueSaturationValue((hue, hue), (sat, sat), (val, val), p=1.0)
        yield "hue_saturation_value", {"hue": hue, "saturation": sat, "value": val}, op
    shuffle = A.ChannelShuffle(p=1.0)
    for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        # The order is drawn by a shuffle, which no range can fix: here `apply` is called with it.
        yield "channel_shuffle", {"from": order}, lambda image, order=order: {
            "image": shuffle.apply(image, channels_shuffled=list(order))
        }


def main():
    blob, rows = bytearray(), []

    def store(image):
        start = len(blob)
        blob.extend(np.ascontiguousarray(image).tobytes())
        return start

    for i, (width, height) in enumerate(((1, 1), (1, 7), (9, 1), (33, 20), (64, 64))):
        source = picture(width, height, i)
        start = store(source)
        for op, params, function in cases():
            result = function(image=source.copy())["image"]
            assert result.shape == source.shape and result.dtype == np.uint8
            rows.append(
                {"op": op, "params": params, "width": width, "height": height, "source": start, "result": store(result)}
            )
    (HERE / "pixels.bin").write_bytes(blob)
    text = ",\n".join(json.dumps(row) for row in rows)
    (HERE / "cases.json").write_text(f"[\n{text}\n]\n")
    print(len(rows), "cases,", len(blob), "bytes")


if __name__ == "__main__":
    main()
