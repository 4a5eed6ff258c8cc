"""A whole epoch from photos on disk, with the TACO study's augmentations: Ablatrix beside a DataLoader with albumentations.

    pip install -r benches/training/requirements.txt
    python benches/training/epoch.py ABLATRIX PHOTOS [--sides 224 96] [--rounds 3] [--model mobilenet_v3_small] [--precision fp32]

ABLATRIX is the program `ablatrix`, with `ablatrix-worker` beside it; PHOTOS has a folder of photos per label. Both train
the same network from random weights on as many photos, in batches of 32, on two threads, in turns; images per second of
training rows. The median of the rounds counts.

default, tuned
       `DataLoader` with two processes and albumentations. `default` is what most scripts do: Pillow decodes and shrinks, the
       processes make normalised floats, the step is NCHW with Adam's loop over tensors. `tuned`: OpenCV decodes (at half the
       size where that is at least twice the side) and shrinks (INTER_AREA), batches travel as bytes and are normalised in the
       step, channels_last, fused Adam. Only the second epoch counts: imports, the model and the start of the processes come
       before.
warm   the second epoch of `ablatrix run`, from the table `history`.
cold   the first epoch of `ablatrix run` in an empty cache, with all that comes before it: the start of the programs, the look
       at the files, labels, split, the search for near duplicates, the pixel store. It is the time of the whole command less
       that of the second epoch, of validation, and of the arm without augmentation, which every design has.

Behind each rate stand the mean loss of the second epoch and the share of it in which the step waited for a batch: how much of
the epoch the data costs beyond what is done beside the step.
"""

import argparse
import csv
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BATCH, THREADS = 32, 2
MODELS = {
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "resnet18": "resnet18",
    "efficientnet_v2_b1": "tf_efficientnetv2_b1",
}
SPEC = """
name = "epoch"
seeds = [1]

[dataset]
format = "folders"
images = "{photos}"

[labels]
from = "folder"

[split]
method = "combination"
train = 0.8
val = 0.1
test = 0.1
seed = 1

[images]
size = {side}

[model]
name = "{model}"
dropout = 0.0

[train]
epochs = 2
batch_size = {batch}
precision = "{precision}"
optimizer = {{ name = "adam", lr = 1e-4 }}

[augment.ops]
colour    = {{ p = 0.5, one_of = [ {{ op = "hue_saturation_value" }}, {{ op = "channel_shuffle" }}, {{ op = "random_brightness_contrast" }} ] }}
flip      = {{ p = 0.5, one_of = [ {{ op = "horizontal_flip" }}, {{ op = "vertical_flip" }} ] }}
noise     = {{ p = 0.5, one_of = [ {{ op = "gauss_noise" }}, {{ op = "glass_blur" }}, {{ op = "iso_noise" }} ] }}
rotate    = {{ op = "rotate", limit = [-350, 350], p = 0.5 }}
transpose = {{ op = "transpose", p = 0.5 }}
dropout   = {{ op = "pixel_dropout", p = 0.5 }}
clahe     = {{ op = "clahe", p = 0.5 }}
grey      = {{ op = "to_gray", p = 0.2 }}

[augment.grid]
design = "policies"

[augment.grid.policies]
study = ["colour", "flip", "noise", "rotate", "transpose", "dropout", "clahe", "grey"]

[workers]
slots = 1
threads = {threads}
device = "cpu"
"""


class Ours:
    def __init__(self, program, photos, side, model, precision):
        self.program = program
        self.spec = SPEC.format(
            photos=photos, side=side, model=model, precision=precision, batch=BATCH, threads=THREADS
        )

    def run(self):
        """Trains in an empty cache. Gives images per second of the second epoch and of all that makes the first one, and the
        rows of an epoch."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            spec = root / "spec.toml"
            spec.write_text(self.spec)
            common = [str(spec), "--cache", str(root / "cache")]
            start = time.perf_counter()
            subprocess.run([self.program, "run", *common, "--until", "train", "--quiet"], check=True)
            elapsed = time.perf_counter() - start

            def table(name):
                path = root / f"{name}.csv"
                command = [self.program, "table", *common, name, "--out", str(path)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                with open(path, newline="") as lines:
                    return list(csv.DictReader(lines))

            rows = sum(int(row["copies"]) for row in table("train_index"))
            first, second = [row for row in table("history") if row["run"].startswith("study/")]
            other = sum(float(row["seconds"]) for row in table("history") if row["run"].startswith("none/"))
        epoch_s = lambda row: rows / float(row["images_per_second"])
        validation_s = float(first["seconds"]) - epoch_s(first)
        self.note = f"loss {float(second['train_loss']):.3f}, waited {100 * float(second['wait_share']):.0f} %"
        return rows / epoch_s(second), rows / (elapsed - other - float(second["seconds"]) - validation_s), rows


class Peer:
    """One process per measurement, so that nothing of an earlier one is left."""

    def __init__(self, style, photos, side, model, precision):
        self.arguments = [style, str(photos), str(side), model, precision]

    def run(self, rows):
        command = [sys.executable, __file__, "--peer", str(rows), *self.arguments]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        rate, loss, waited = map(float, lines[-1].split())
        self.note = f"loss {loss:.3f}, waited {100 * waited:.0f} %"
        return rate


def peer(rows, style, photos, side, name, precision):
    """Trains for two epochs on `rows` photos; prints images per second, mean loss and share of waiting of the second one."""
    import albumentations
    import cv2
    import timm
    import numpy
    import PIL.Image
    import torch
    from albumentations.pytorch import ToTensorV2

    sys.path.append(str(pathlib.Path(__file__).parents[1] / "augment"))
    from libraries import MEAN, STD, study

    tuned = style == "tuned"
    labels = sorted(folder.name for folder in pathlib.Path(photos).iterdir() if folder.is_dir())
    files = sorted(path for label in labels for path in (pathlib.Path(photos) / label).iterdir())
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(1)).tolist()
    files = [files[i] for i in order[:rows]]
    with PIL.Image.open(files[0]) as first:
        way = cv2.IMREAD_REDUCED_COLOR_2 if min(first.size) >= 4 * side else cv2.IMREAD_COLOR
    mean, std = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (MEAN, STD))

    class Photos(torch.utils.data.Dataset):
        def __init__(self):
            self.policy = study(albumentations, cv2)
            normalise = [] if tuned else [albumentations.Normalize(MEAN, STD)]
            self.pack = albumentations.Compose([*normalise, ToTensorV2()])

        def __len__(self):
            return len(files)

        def __getitem__(self, at):
            cv2.setNumThreads(0)
            if tuned:
                picture = cv2.cvtColor(cv2.imread(str(files[at]), way), cv2.COLOR_BGR2RGB)
                picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            else:
                picture = numpy.asarray(PIL.Image.open(files[at]).convert("RGB").resize((side, side)))
            picture = self.pack(image=self.policy(image=picture)["image"])["image"]
            target = torch.zeros(len(labels))
            target[labels.index(files[at].parent.name)] = 1.0
            return picture, target

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    layout = torch.channels_last if tuned else torch.contiguous_format
    model = timm.create_model(MODELS[name], num_classes=len(labels)).train().to(memory_format=layout)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=tuned or None)
    loader = torch.utils.data.DataLoader(
        Photos(), batch_size=BATCH, shuffle=True, num_workers=THREADS, persistent_workers=True
    )
    for _ in range(2):
        start, total, waited = time.perf_counter(), 0.0, 0.0
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            pictures, targets = next(batches, (None, None))
            waited += time.perf_counter() - asked
            if pictures is None:
                break
            pictures = pictures.to(memory_format=layout)
            if tuned:
                pictures = pictures.float().div_(255).sub_(mean).div_(std)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                logits = model(pictures)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), targets)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item() * len(targets)
        elapsed = time.perf_counter() - start
    print(rows / elapsed, total / rows, waited / elapsed)


def main():
    if sys.argv[1:2] == ["--peer"]:
        rows, style, photos, side, name, precision = sys.argv[2:]
        return peer(int(rows), style, photos, int(side), name, precision)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--sides", type=int, nargs="+", default=[224, 96])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", choices=MODELS, default="mobilenet_v3_small")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    given = parser.parse_args()
    program, photos = str(given.program.resolve()), given.photos.resolve()
    for side in given.sides:
        ours = Ours(program, photos, side, given.model, given.precision)
        peers = {style: Peer(style, photos, side, given.model, given.precision) for style in ["default", "tuned"]}
        found = {name: [] for name in [*peers, "warm", "cold"]}
        for _ in range(given.rounds):
            warm, cold, rows = ours.run()
            found["cold"].append(cold), found["warm"].append(warm)
            for style, theirs in peers.items():
                found[style].append(theirs.run(rows))
        rate = {name: statistics.median(rates) for name, rates in found.items()}
        print(f"{given.model}, {side} px, {given.precision}, {rows} rows; images/s:", end=" ")
        print(", ".join(f"{style} {rate[style]:.0f} ({theirs.note})" for style, theirs in peers.items()), end=", ")
        for name in ["warm", "cold"]:
            times = " and ".join(f"{rate[name] / rate[style]:.2f} x {style}" for style in peers)
            print(f"{name} {rate[name]:.0f} ({times})", end=", ")
        print(f"ours: {ours.note}", flush=True)


if __name__ == "__main__":
    main()
