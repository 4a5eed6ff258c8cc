"""Inputs of the golden pictures, and how cases are written.

Each `FAMILY.py` beside this file yields `(op, parameters, function of a picture)` and writes `FAMILY.json` (the
cases) and `FAMILY.bin` (raw [height, width, 3] pictures one after the other; the cases say where each begins).
Pinned: see requirements.txt; Python 3.11. Run: python FAMILY.py
"""

import json
import pathlib

import numpy as np
import skimage.data

HERE = pathlib.Path(__file__).parent


def drawing(width, height, seed):
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


def photo():
    """64 x 64 of NASA's portrait of Eileen Collins (public domain), as scikit-image ships it: every fourth pixel."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:256:4, 96:352:4])


def pictures():
    """One-pixel sides, odd sizes, a square, a photo."""
    for i, (width, height) in enumerate(((1, 1), (1, 7), (9, 1), (33, 20), (64, 64))):
        yield drawing(width, height, i)
    yield photo()


def write(family, cases):
    """Applies every case to every picture. `cases` gives (op, parameters, function); a function of a
    picture that is too small for it gives None."""
    blob, rows = bytearray(), []

    def store(image):
        start = len(blob)
        blob.extend(np.ascontiguousarray(image).tobytes())
        return start

    for source in pictures():
        height, width = source.shape[:2]
        start = store(source)
        for op, params, function in cases():
            result = function(source.copy())
            if result is None:
                continue
            assert result.size == source.size and result.dtype == np.uint8, (op, result.shape, result.dtype)
            rows.append(
                {"op": op, "params": params, "width": width, "height": height, "source": start, "result": store(result)}
            )
    (HERE / f"{family}.bin").write_bytes(blob)
    text = ",\n".join(json.dumps(row) for row in rows)
    (HERE / f"{family}.json").write_text(f"[\n{text}\n]\n")
    print(family, len(rows), "cases,", len(blob), "bytes")
