"""Which hash distance tells a changed copy of a photo from another photo: recall and false pairs per threshold.

Takes 50 photos of a folder, makes four slightly changed copies of each (JPEG quality 60; 80 % of the size; 10 % brighter; 3 % cut
off the sides), lets `ablatrix` hash photos and copies as its `pixels` stage does, and counts. Copies must be found for
their own photo. Pairs of photos of the folder itself are listed by distance: whether those that are close are false is for
eyes to say. Needs Python 3.11, Pillow 13.0.0 and numpy 2.4.6:

    python benches/near_duplicates.py PHOTOS WORK_FOLDER [ABLATRIX]
"""

import json
import pathlib
import random
import subprocess
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

THRESHOLDS = [0, 8, 16, 24, 31, 40, 48, 56, 63]
LEAST_DETAIL = 10
photos, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
ablatrix = sys.argv[3] if len(sys.argv) > 3 else "ablatrix"


def smaller(image):
    return image.resize((round(image.width * 0.8), round(image.height * 0.8)), Image.LANCZOS)


def cut(image):
    x, y = round(image.width * 0.015), round(image.height * 0.015)
    return image.crop((x, y, image.width - x, image.height - y))


CHANGES = {
    "JPEG quality 60": (lambda image: image, 60),
    "80 % of the size": (smaller, 90),
    "10 % brighter": (lambda image: ImageEnhance.Brightness(image).enhance(1.1), 90),
    "3 % cut off": (cut, 90),
}

files = sorted(p for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
names = [str(p.relative_to(photos)) for p in files]
chosen = random.Random(1).sample(range(len(files)), 50)
(work / "images" / "photos").mkdir(parents=True, exist_ok=True)
(work / "images" / "copies").mkdir(parents=True, exist_ok=True)
for i, file in enumerate(files):
    target = work / "images" / "photos" / f"{i:05}{file.suffix.lower()}"
    target.write_bytes(file.read_bytes())
for i in chosen:
    image = ImageOps.exif_transpose(Image.open(files[i])).convert("RGB")
    for n, (change, quality) in enumerate(CHANGES.values()):
        change(image).save(work / "images" / "copies" / f"{i:05}_{n}.jpg", quality=quality)
(work / "spec.toml").write_text(
    'name = "near-duplicates"\n[dataset]\nformat = "folders"\nimages = "images"\n[labels]\nfrom = "folder"\n'
    '[images]\nsize = 32\n[augment.grid]\ndesign = "none"\n'
)


def table(name):
    command = [ablatrix, "table", "spec.toml", name, "--format", "json", "--cache", "cache"]
    lines = subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


run = [ablatrix, "run", "spec.toml", "--until", "pixels", "--cache", "cache"]
subprocess.run(run, cwd=work, check=True)
paths = {row["image_id"]: row["path"] for row in table("images")}
bits, details = {}, {}
for row in table("picture-hashes"):
    path = paths[row["image_id"]]
    bits[path] = np.unpackbits(np.frombuffer(bytes.fromhex(row["hash"]), np.uint8)).astype(np.float32)
    details[path] = row["detail"]

originals = [f"photos/{i:05}{file.suffix.lower()}" for i, file in enumerate(files)]
head = "".join(f"{t:>7}" for t in THRESHOLDS)
print(f"{len(files)} photos, {sum(details[p] < LEAST_DETAIL for p in originals)} too flat to be compared\n{'bits':<20}{head}")
for n, name in enumerate(CHANGES):
    found = []
    for i in chosen:
        copy = f"copies/{i:05}_{n}.jpg"
        flat = min(details[originals[i]], details[copy]) < LEAST_DETAIL
        found.append(1000 if flat else int(abs(bits[originals[i]] - bits[copy]).sum()))
    print(f"{name:<20}" + "".join(f"{sum(d <= t for d in found):>7}" for t in THRESHOLDS))
kept = [k for k, p in enumerate(originals) if details[p] >= LEAST_DETAIL]
matrix = np.stack([bits[originals[k]] for k in kept])
distances = matrix @ (1 - matrix.T) + (1 - matrix) @ matrix.T
first, second = np.triu_indices(len(kept), 1)
apart = distances[first, second].astype(int)
print(f"{'pairs of photos':<20}" + "".join(f"{(apart <= t).sum():>7}" for t in THRESHOLDS))
for pair in np.argsort(apart, kind="stable")[:45]:
    print(f"  {apart[pair]:>4}  {names[kept[first[pair]]]} = {names[kept[second[pair]]]}")
