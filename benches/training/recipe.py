"""The recipe of experiments/trashnet.toml in plain PyTorch, beside Ablatrix: do both learn the same?

    pip install -r benches/training/requirements.txt
    python benches/training/recipe.py ABLATRIX TRASHNET WEIGHTS [--seeds 3] [--epochs 8] [--weights pretrained scratch]

SqueezeNet 1.1 on TRASHNET (a folder of photos per material), from torchvision's ImageNet WEIGHTS (safetensors) and from random ones,
without augmentation and with horizontal flips. Ablatrix runs the experiment itself, with these two arms alone. PyTorch takes the numbers
of the recipe from the experiment's file, and from Ablatrix the tables of labels and parts, so that the same images are for training, validation and
test. The rest is its own: Pillow decodes and shrinks, torchvision has the network (without its last ReLU, as docs/reference/models.md says) and the initial
values, `torch.optim` Adam; draws and order are other ones. Pictures are kept in memory, the layout is channels_last, the optimizer fused.

Prints the mean average precision over labels on the test part, by scikit-learn for both: mean and standard deviation over seeds, the
difference of the means with its 95 % interval (Welch), and the same of what flips change. Both train one run after the other on two threads; a run's
seconds are those of Ablatrix's stage `train` and of PyTorch's training, best weights and validation included.
"""

import argparse
import csv
import io
import pathlib
import statistics
import subprocess
import tempfile
import time
import tomllib

import numpy
import PIL.Image
import torch
import torchvision
from safetensors.torch import load_file
from scipy.stats import t as student
from sklearn.metrics import average_precision_score
from torch.nn.functional import binary_cross_entropy_with_logits as bce

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments/trashnet.toml"
THREADS = 2
ARMS = ["none", "flip"]
SPEC = """
extends = "{experiment}"
name = "recipe"
seeds = {seeds}

[dataset]
images = "{photos}"

[model]
weights = "{weights}"

[train]
epochs = {epochs}

[augment.grid]
design = "policies"
policies = {{ flip = ["flip"] }}

[workers]
slots = 1
threads = {threads}
device = "cpu"
"""


class Ours:
    """The experiment by `ablatrix run`, in a cache of its own."""

    def __init__(self, given, weights, root):
        self.program = str(given.program.resolve())
        spec = root / f"{'scratch' if weights == 'none' else 'pretrained'}.toml"
        spec.write_text(
            SPEC.format(
                experiment=EXPERIMENT, photos=given.photos.resolve(), weights=weights, seeds=given.seeds,
                epochs=given.epochs, threads=THREADS,
            )
        )
        self.common = [str(spec), "--cache", str(root / "cache"), "--reports", str(root / "reports")]

    def run(self):
        start = time.perf_counter()
        subprocess.run([self.program, "run", *self.common, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    def table(self, name):
        path = pathlib.Path(self.common[0]).with_suffix(f".{name}.csv")
        subprocess.run([self.program, "table", *self.common, name, "--out", str(path)], check=True, stdout=subprocess.DEVNULL)
        return list(csv.DictReader(io.StringIO(path.read_text())))

    def scores(self, data):
        """The runs' scores on the test part, by arm, in the order of seeds."""
        logits = {}
        for row in self.table("predictions"):
            if row["part"] == "test":
                logits.setdefault(row["run"], {})[row["image_id"]] = [float(row[label]) for label in data.labels]
        found = {arm: [] for arm in ARMS}
        for run in sorted(logits, key=lambda run: int(run.rsplit("seed=", 1)[1])):
            of_image = logits[run]
            if sorted(of_image) != sorted(data.images["test"]):
                raise SystemExit(f"`{run}` was not scored on the images of the part `test`")
            found[run.split("/")[0]].append(score(data, [of_image[image] for image in data.images["test"]]))
        return found

    def seconds(self):
        """Training and validation of each run, all epochs together."""
        total = {}
        for row in self.table("history"):
            total[row["run"]] = total.get(row["run"], 0.0) + float(row["seconds"])
        return statistics.mean(total.values())


class Data:
    """The pictures, decoded here; labels and parts are those of Ablatrix's tables."""

    def __init__(self, ours, photos, side):
        labels = {row.pop("image_id"): row for row in ours.table("labels")}
        paths = {row["image_id"]: photos / row["path"] for row in ours.table("images")}
        parts = {row["image_id"]: row["part"] for row in ours.table("split")}
        self.labels = list(next(iter(labels.values())))
        self.images = {name: [image for image, part in parts.items() if part == name] for name in ["train", "val", "test"]}
        self.parts = {}
        for name, images in self.images.items():
            pictures = [PIL.Image.open(paths[image]).convert("RGB").resize((side, side), PIL.Image.BILINEAR) for image in images]
            pictures = torch.from_numpy(numpy.stack([numpy.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)
            targets = torch.tensor([[float(labels[image][label]) for label in self.labels] for image in images])
            self.parts[name] = pictures.contiguous(memory_format=torch.channels_last), targets


def score(data, logits):
    return float(average_precision_score(data.parts["test"][1].numpy(), numpy.asarray(logits), average="macro"))


def rate(train, epoch):
    """The learning rate of an epoch, from 0: a line to the peak, the peak, then down to the least."""
    schedule, peak = train["schedule"], train["optimizer"]["lr"]
    if epoch < schedule["warmup_epochs"]:
        return schedule["start_lr"] + (peak - schedule["start_lr"]) * epoch / schedule["warmup_epochs"]
    since = max(0, epoch - schedule["warmup_epochs"] - schedule["hold_epochs"])
    return schedule["min_lr"] + (peak - schedule["min_lr"]) * schedule["decay"] ** since


def network(weights, n_labels):
    model = torchvision.models.squeezenet1_1()
    if weights is not None:
        model.load_state_dict(load_file(weights))
    # torchvision's own initial values of a classifier; logits are not cut at 0.
    last = torch.nn.Conv2d(512, n_labels, 1)
    torch.nn.init.normal_(last.weight, std=0.01)
    torch.nn.init.zeros_(last.bias)
    model.classifier = torch.nn.Sequential(last, torch.nn.AdaptiveAvgPool2d(1))
    return model.to(memory_format=torch.channels_last)


MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)


def normalised(pictures):
    return pictures.float().div_(255).sub_(MEAN).div_(STD)


def logits_of(model, pictures, batch_size):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(normalised(batch)) for batch in pictures.split(batch_size)])


def train(data, recipe, weights, arm, seed, epochs):
    """Logits of the test part, seconds of the training, and epochs that were run."""
    settings, flips = recipe["train"], recipe["augment"]["ops"]["flip"]["p"] if arm == "flip" else 0.0
    stopping, batch_size = settings["early_stopping"], settings["batch_size"]
    start = time.perf_counter()
    torch.manual_seed(seed)
    model = network(weights, len(data.labels))
    adam = torch.optim.Adam(model.parameters(), lr=settings["optimizer"]["lr"], fused=True)
    pictures, targets = data.parts["train"]
    val_pictures, val_targets = data.parts["val"]
    best, best_epoch, best_state = float("inf"), 0, None
    for epoch in range(epochs):
        adam.param_groups[0]["lr"] = rate(settings, epoch)
        model.train()
        for rows in torch.randperm(len(pictures)).split(batch_size):
            batch = pictures[rows]
            if flips:
                chosen = (torch.rand(len(rows)) < flips).reshape(-1, 1, 1, 1)
                batch = torch.where(chosen, batch.flip(3), batch)
            loss = bce(model(normalised(batch)), targets[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
        val_loss = bce(logits_of(model, val_pictures, batch_size), val_targets).item()
        if val_loss < best:
            best, best_epoch = val_loss, epoch
            best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        elif epoch - best_epoch >= stopping["patience"]:
            break
    elapsed = time.perf_counter() - start
    model.load_state_dict(best_state)
    return logits_of(model, data.parts["test"][0], batch_size), elapsed, epoch + 1


def difference(ours, theirs):
    """Ablatrix minus PyTorch in points, half of its 95 % interval, and whether 0 lies within."""
    variances = [statistics.variance(scores) / len(scores) for scores in (ours, theirs)]
    freedom = sum(variances) ** 2 / sum(v**2 / (len(s) - 1) for v, s in zip(variances, (ours, theirs)))
    half = 100 * float(student.ppf(0.975, freedom)) * sum(variances) ** 0.5
    apart = 100 * (statistics.mean(ours) - statistics.mean(theirs))
    return f"{apart:+.1f} +- {half:.1f}: {'agree' if abs(apart) <= half else 'DIFFER'}"


def text(scores):
    return f"{100 * statistics.mean(scores):5.1f} (sd {100 * statistics.stdev(scores):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path, metavar="weights")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--weights", nargs="+", choices=["pretrained", "scratch"], default=["pretrained", "scratch"])
    given = parser.parse_args()
    if given.seeds < 2:
        parser.error("--seeds must be at least 2: there is no spread over one")
    torch.set_num_threads(THREADS)
    recipe = tomllib.loads(EXPERIMENT.read_text())
    given.epochs = given.epochs or recipe["train"]["epochs"]
    print(f"mAP of the test part x 100, {given.seeds} seeds, at most {given.epochs} epochs", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for weights in given.weights:
            file = given.file.resolve() if weights == "pretrained" else None
            ours = Ours(given, file or "none", pathlib.Path(folder))
            whole = ours.run()
            data = Data(ours, given.photos, recipe["images"]["size"])
            mine, theirs, runs = ours.scores(data), {}, []
            for arm in ARMS:
                theirs[arm] = []
                for seed in range(1, given.seeds + 1):
                    logits, elapsed, epochs = train(data, recipe, file, arm, seed, given.epochs)
                    theirs[arm].append(score(data, logits))
                    runs.append(elapsed)
                    print(
                        f"  {weights} {arm} seed {seed}: Ablatrix {100 * mine[arm][seed - 1]:.1f},"
                        f" PyTorch {100 * theirs[arm][-1]:.1f} ({epochs} epochs)",
                        flush=True,
                    )
                print(
                    f"{weights:10} {arm:9} Ablatrix {text(mine[arm])}  PyTorch {text(theirs[arm])}"
                    f"  difference {difference(mine[arm], theirs[arm])}",
                    flush=True,
                )
            gains = [[b - a for a, b in zip(scores["none"], scores["flip"])] for scores in (mine, theirs)]
            print(
                f"{weights:10} flip-none Ablatrix {text(gains[0])}  PyTorch {text(gains[1])}  difference {difference(*gains)}",
                flush=True,
            )
            print(
                f"{weights:10} seconds   Ablatrix {ours.seconds():.0f} a run, {whole:.0f} for the whole command"
                f"  PyTorch {statistics.mean(runs):.0f} a run",
                flush=True,
            )


if __name__ == "__main__":
    main()
