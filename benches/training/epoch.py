"""A whole epoch from photos on disk, with the TACO study's augmentations: Ablatrix beside PyTorch with albumentations.

    pip install -r benches/training/requirements.txt
    python benches/training/epoch.py ABLATRIX PHOTOS [--sides 224 96] [--rounds 3] [--model mobilenet_v3_small]
                                     [--precision fp32]

ABLATRIX is the program `ablatrix`, with `ablatrix-worker` beside it; PHOTOS has a folder of photos per label. All train the
same network from random weights on as many photos, in batches of 32, on two threads, in turns. Their policy is that of
`experiments/taco-augmentation.toml`. Figures are images per second of training rows, without validation, the medians over rounds.

Of PyTorch each round is one process per style, of two epochs:

default   Pillow decodes and shrinks in two processes of a `DataLoader`, which make normalised floats; NCHW, Adam's loop over
          tensors: as most scripts have it.
tuned     OpenCV decodes (a half, a quarter or an eighth of the photo, where that is at least twice the side) and shrinks by
          INTER_AREA, in two processes too; batches travel as bytes and are normalised in the step; channels_last, fused Adam.
memory    as `tuned`, but decoded and shrunk photos are kept in memory, and the training's own process augments: what an own
          cache for one run would give.

warm      the second epoch. Of Ablatrix that is an epoch of any run whose pixel store is there.
cold      from the start of the command to the end of the first epoch. Of Ablatrix, in an empty cache: the look at the files,
          labels, split, the search for near duplicates, the pixel store, the worker's start, that epoch; the time of the whole command less
          the second epoch, validation, and the arm without augmentation, which every design has. Of PyTorch: imports,
          the model, the loader's start, that epoch.

`waited` is the share of a warm epoch in which the step had no batch; the loss is the mean of the warm epoch.
"""

import argparse
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments/taco-augmentation.toml"
BATCH, THREADS = 32, 2
MODELS = {
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "resnet18": "resnet18",
    "efficientnet_v2_b1": "tf_efficientnetv2_b1",
}
STYLES = ["default", "tuned", "memory"]
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

[train]
epochs = 2
batch_size = {batch}
precision = "{precision}"
optimizer = {{ name = "adam", lr = 1e-4 }}
schedule = "static"

[workers]
slots = 1
threads = {threads}
device = "cpu"

[augment.grid]
design = "policies"
policies = {{ study = {names} }}

[augment.ops]
{ops}
"""


class Ours:
    def __init__(self, program, photos, side, model, precision):
        self.program = program
        text = EXPERIMENT.read_text()
        names = list(tomllib.loads(text)["augment"]["ops"])
        ops = text.split("[augment.ops]")[1].split("\n[")[0]
        self.spec = SPEC.format(
            photos=photos, side=side, model=model, precision=precision, batch=BATCH, threads=THREADS, names=names, ops=ops
        )

    def run(self):
        """Trains in an empty cache. Gives the rows of an epoch, and (warm, cold, waited, loss)."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            spec = root / "spec.toml"
            spec.write_text(self.spec)
            common = [spec, "--cache", root / "cache"]
            start = time.perf_counter()
            subprocess.run([self.program, "run", *common, "--until", "train", "--quiet"], check=True)
            elapsed = time.perf_counter() - start

            def table(name):
                path = root / f"{name}.csv"
                command = [self.program, "table", *common, name, "--out", path]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                with open(path, newline="") as lines:
                    return list(csv.DictReader(lines))

            rows = sum(int(row["copies"]) for row in table("train_index"))
            history = table("history")
        first, second = [row for row in history if row["run"].startswith("study/")]
        other = sum(float(row["seconds"]) for row in history if row["run"].startswith("none/"))
        training_s = lambda epoch: rows / float(epoch["images_per_second"])
        validation_s = float(first["seconds"]) - training_s(first)
        cold_s = elapsed - other - float(second["seconds"]) - validation_s
        waited, loss = float(second["wait_share"]), float(second["train_loss"])
        return rows, (rows / training_s(second), rows / cold_s, waited, loss)


class Peer:
    """One process per measurement, so that nothing of an earlier one is left."""

    def __init__(self, style, photos, side, model, precision):
        self.arguments = [style, str(photos), str(side), model, precision]

    def run(self, rows):
        command = [sys.executable, __file__, "--peer", str(time.time()), str(rows), *self.arguments]
        # albumentations would ask the network for its newest version.
        env = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
        return tuple(map(float, done.stdout.splitlines()[-1].split()))


def reduction(cv2, path, side):
    """How OpenCV decodes a photo: the least that is at least twice as large as the side."""
    import PIL.Image

    with PIL.Image.open(path) as photo:
        short = min(photo.size)
    for part in [8, 4, 2]:
        if short // part >= 2 * side:
            return getattr(cv2, f"IMREAD_REDUCED_COLOR_{part}")
    return cv2.IMREAD_COLOR


def peer(started, rows, style, photos, side, name, precision):
    """Trains for two epochs on `rows` photos; prints warm, cold, waited, loss."""
    import albumentations
    import cv2
    import numpy
    import PIL.Image
    import timm
    import torch
    from albumentations.pytorch import ToTensorV2

    sys.path.append(str(ROOT / "benches/augment"))
    from libraries import MEAN, STD, study

    tuned = style != "default"
    labels = sorted(folder.name for folder in pathlib.Path(photos).iterdir() if folder.is_dir())
    files = sorted(path for label in labels for path in (pathlib.Path(photos) / label).iterdir() if path.is_file())
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(1)).tolist()
    files = [files[i] for i in order[:rows]]
    if len(files) < rows:
        sys.exit(f"{photos} has {len(files)} photos in its folders, fewer than the {rows} rows of Ablatrix's epoch")

    class Photos(torch.utils.data.Dataset):
        def __init__(self):
            self.policy = study(albumentations, cv2)
            normalise = [] if tuned else [albumentations.Normalize(MEAN, STD)]
            self.pack = albumentations.Compose([*normalise, ToTensorV2()])
            self.reductions = [reduction(cv2, path, side) for path in files] if tuned else None
            self.kept = {} if style == "memory" else None

        def __len__(self):
            return len(files)

        def picture(self, at):
            if not tuned:
                with PIL.Image.open(files[at]) as photo:
                    return numpy.asarray(photo.convert("RGB").resize((side, side), PIL.Image.BILINEAR))
            if self.kept is not None and at in self.kept:
                return self.kept[at]
            picture = cv2.cvtColor(cv2.imread(str(files[at]), self.reductions[at]), cv2.COLOR_BGR2RGB)
            picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            if self.kept is not None:
                self.kept[at] = picture
            return picture

        def __getitem__(self, at):
            # Threads of OpenCV and those of the step would fight for the cores.
            cv2.setNumThreads(0)
            picture = self.pack(image=self.policy(image=self.picture(at))["image"])["image"]
            target = torch.zeros(len(labels))
            target[labels.index(files[at].parent.name)] = 1.0
            return picture, target

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    mean, std = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (MEAN, STD))
    layout = torch.channels_last if tuned else torch.contiguous_format
    model = timm.create_model(MODELS[name], num_classes=len(labels)).train().to(memory_format=layout)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=tuned or None)
    workers = 0 if style == "memory" else THREADS
    loader = torch.utils.data.DataLoader(
        Photos(), batch_size=BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    for epoch in range(2):
        start, total, waited = time.perf_counter(), 0.0, 0.0
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            waited += time.perf_counter() - asked
            if batch is None:
                break
            pictures, targets = batch
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
        if epoch == 0:
            cold_s = time.time() - started
    print(rows / elapsed, rows / cold_s, waited / elapsed, total / rows)


def main():
    if sys.argv[1:2] == ["--peer"]:
        started, rows, style, photos, side, name, precision = sys.argv[2:]
        return peer(float(started), int(rows), style, photos, int(side), name, precision)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--sides", type=int, nargs="+", default=[224, 96])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", choices=MODELS, default="mobilenet_v3_small")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    program, photos = given.program.resolve(), given.photos.resolve()
    for side in given.sides:
        ours = Ours(program, photos, side, given.model, given.precision)
        peers = {style: Peer(style, photos, side, given.model, given.precision) for style in STYLES}
        found = {name: [] for name in ["ablatrix", *STYLES]}
        for _ in range(given.rounds):
            rows, result = ours.run()
            found["ablatrix"].append(result)
            for style, theirs in peers.items():
                found[style].append(theirs.run(rows))
        middle = {name: [statistics.median(column) for column in zip(*results)] for name, results in found.items()}
        print(f"{given.model}, {side} px, {given.precision}, {rows} rows, {given.rounds} rounds; images/s (Ablatrix's times this)")
        for name, (warm, cold, waited, loss) in middle.items():
            times = [f"({middle['ablatrix'][i] / rate:.2f})" for i, rate in enumerate((warm, cold))]
            print(
                f"  {name:9} warm {warm:5.0f} {times[0]:7} cold {cold:5.0f} {times[1]:7} waited {100 * waited:3.0f} %"
                f"  loss {loss:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
