"""Run-length masks with their compressed strings and areas, by pycocotools: `rle.json`.

Pinned: pycocotools 2.0.11, numpy 2.4.6.
Run: pip install pycocotools==2.0.11 numpy==2.4.6 && python tests/golden/dataset/make_rle.py
"""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask


def runs(picture):
    """Lengths of the runs in column-major order, beginning with background."""
    counts, value = [], 0
    for pixel in picture.flatten(order="F"):
        if not counts or pixel != value:
            counts += [0] if not counts and pixel else []
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return counts


def case(picture):
    rle = mask.encode(np.asfortranarray(picture.astype(np.uint8)))
    found = runs(picture)
    # The uncompressed form, as COCO's crowd annotations have it, read by the same library.
    again = mask.frPyObjects({"size": list(picture.shape), "counts": found}, *picture.shape)
    assert again["counts"] == rle["counts"]
    assert (mask.decode(rle) == picture).all()
    return {
        "size": list(picture.shape),
        "runs": found,
        "counts": rle["counts"].decode(),
        "area": int(mask.area(rle)),
    }


draw = np.random.default_rng(7)
pictures = [np.zeros((3, 4)), np.ones((3, 4)), np.eye(5), np.array([[0, 1], [1, 0]])]
for height, width, share in [(1, 1, 0.5), (9, 7, 0.2), (9, 7, 0.8), (40, 30, 0.01), (40, 30, 0.99), (300, 200, 0.001)]:
    pictures += [draw.random((height, width)) < share for _ in range(3)]
for height, width in [(480, 640), (2000, 1500)]:
    y, x = np.mgrid[:height, :width]
    pictures.append((y - height / 2) ** 2 + (x - width / 3) ** 2 < (height / 5) ** 2)
    pictures.append(np.ones((height, width)))
cases = [case(np.asarray(picture)) for picture in pictures]
# Long runs of whole columns: the differences need several groups of bits.
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
Path(__file__).with_name("rle.json").write_text(f"[\n{lines}\n]\n")
