"""What a trained network says of a folder of photos: `ablatrix predict` beside a PyTorch loop with a DataLoader.

    pip install -r benches/training/requirements.txt
    python benches/predict/compare.py ABLATRIX PHOTOS [--models mobilenet_v3_small resnet18] [--side 224] [--rounds 3]

ABLATRIX is the program `ablatrix`, with `ablatrix-worker` beside it; PHOTOS has a folder of photos per label. Of each network one is trained for one
epoch on a tenth of the photos and exported; PyTorch has timm's network with the weights of that export. Both go through all
photos in batches of 32 in 32-bit floats, on two threads, in turns; medians over rounds.

default   Pillow decodes, resizes and normalises in two processes of a `DataLoader`; NCHW.
tuned     OpenCV decodes and resizes (INTER_AREA) in two processes; batches travel as bytes, are normalised behind it, and are channels_last.

whole     seconds from the start of the command to its end: imports, libtorch, the model, the cache's checks.
running   photos per second without that. Of Ablatrix: the command's time less that of the same command on one photo. Of PyTorch: from the moment
          at which the model is loaded and the loader made.

The last column is the largest difference of a logit from Ablatrix's.
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

MODELS = {
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "resnet18": "resnet18",
    "efficientnet_v2_b1": "tf_efficientnetv2_b1",
    "resnet50": "resnet50",
}
STYLES = ["default", "tuned"]
BATCH, THREADS = 32, 2
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SPEC = """
name = "predict"
seeds = [1]

[dataset]
format = "folders"
images = "{photos}"

[labels]
from = "folder"

[split]
method = "combination"
train = 0.1
val = 0.1
test = 0.8
seed = 1

[images]
size = {side}

[model]
name = "{model}"

[train]
epochs = 1
batch_size = 32
precision = "fp32"

[workers]
threads = 2
device = "cpu"

[augment.grid]
design = "none"
"""


def photos_of(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})


class Ours:
    def __init__(self, program, photos, model, side, root):
        self.photos, self.root = photos, root
        spec = root / "spec.toml"
        spec.write_text(SPEC.format(photos=photos, model=model, side=side))
        self.base = [program, "{verb}", str(spec), "--cache", str(root / "cache"), "--reports", str(root / "reports")]
        self.call("run", "--quiet")
        self.call("export", "--out", str(root / "export"))

    def call(self, verb, *arguments):
        command = [part.format(verb=verb) if part == "{verb}" else part for part in self.base]
        done = subprocess.run([*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"`ablatrix {verb}` failed:\n{done.stderr}")

    def run(self):
        """Seconds for all photos and for one."""
        times = []
        for what in [self.photos, photos_of(self.photos)[0]]:
            start = time.perf_counter()
            self.call("predict", str(what), "--logits", "--threads", str(THREADS), "--out", str(self.root / "answers.csv"))
            times.append(time.perf_counter() - start)
            if what == self.photos:
                with open(self.root / "answers.csv", newline="") as lines:
                    rows = list(csv.DictReader(lines))
                names = [name for name in rows[0] if name.startswith("logit_")]
                self.logits = {row["path"]: [float(row[name]) for name in names] for row in rows}
        return times


def peer(started, style, photos, name, side, weights, out):
    """One process per measurement. Prints the whole time, the running time."""
    import numpy
    import timm
    import torch
    from safetensors.torch import load_file

    if style == "tuned":
        import cv2
    else:
        import PIL.Image
        from torchvision.transforms.v2.functional import normalize, to_dtype, pil_to_tensor
    files = photos_of(pathlib.Path(photos))

    class Photos(torch.utils.data.Dataset):
        def __len__(self):
            return len(files)

        def __getitem__(self, at):
            if style == "tuned":
                cv2.setNumThreads(0)
                picture = cv2.cvtColor(cv2.imread(str(files[at])), cv2.COLOR_BGR2RGB)
                return torch.from_numpy(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA))
            with PIL.Image.open(files[at]) as photo:
                square = photo.convert("RGB").resize((side, side), PIL.Image.BILINEAR)
            return normalize(to_dtype(pil_to_tensor(square), torch.float32, scale=True), MEAN, STD)

    torch.set_num_threads(THREADS)
    state = load_file(weights)
    classes = next(tensor for key, tensor in reversed(state.items()) if key.endswith(("classifier.bias", "fc.bias"))).numel()
    model = timm.create_model(MODELS[name], num_classes=classes).eval()
    model.load_state_dict(state)
    if style == "tuned":
        model = model.to(memory_format=torch.channels_last)
    loader = torch.utils.data.DataLoader(Photos(), batch_size=BATCH, num_workers=THREADS)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    start, found = time.perf_counter(), []
    with torch.inference_mode():
        for batch in loader:
            if style == "tuned":
                batch = batch.permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std)
            found.append(model(batch))
    numpy.save(out, torch.cat(found).numpy())
    print(time.time() - started, time.perf_counter() - start)


def main():
    if sys.argv[1:2] == ["--peer"]:
        started, style, photos, name, side, weights, out = sys.argv[2:]
        return peer(float(started), style, photos, name, int(side), weights, out)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["mobilenet_v3_small", "resnet18"])
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    import numpy

    photos = given.photos.resolve()
    files = photos_of(photos)
    for model in given.models:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            ours = Ours(str(given.program.resolve()), photos, model, given.side, root)
            times = {name: [] for name in ["ablatrix", *STYLES]}
            far = {"ablatrix": 0.0}
            for _ in range(given.rounds):
                whole, start = ours.run()
                times["ablatrix"].append((whole, whole - start))
                expected = numpy.array([ours.logits[str(path)] for path in files])
                for style in STYLES:
                    arguments = [style, photos, model, given.side, root / "export/model.safetensors", root / "peer.npy"]
                    command = [sys.executable, __file__, "--peer", str(time.time()), *map(str, arguments)]
                    env = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
                    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
                    times[style].append(tuple(map(float, done.stdout.splitlines()[-1].split())))
                    far[style] = float(numpy.abs(numpy.load(root / "peer.npy") - expected).max())
        print(f"{model}, {given.side} px, {len(files)} photos, {given.rounds} rounds (Ablatrix's times this)")
        middle = {name: [statistics.median(column) for column in zip(*rounds)] for name, rounds in times.items()}
        for name, (whole, running) in middle.items():
            of_whole, of_running = whole / middle["ablatrix"][0], running / middle["ablatrix"][1]
            print(
                f"  {name:9} whole {whole:6.1f} s ({of_whole:.2f})  running {len(files) / running:5.0f}/s ({of_running:.2f})"
                f"  difference {far[name]:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
