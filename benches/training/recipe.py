"""The recipe of experiments/trashnet.toml in plain PyTorch, beside Ablatrix: do both learn the same?

    pip install -r benches/training/requirements.txt
    python benches/training/recipe.py ABLATRIX TRASHNET WEIGHTS [--seeds 3] [--epochs 8]

SqueezeNet 1.1 on TrashNet (a folder of photos per material) at 96 pixels, from torchvision's ImageNet WEIGHTS (safetensors) and from
random ones, without augmentation and with horizontal flips: Adam, the same learning rates, batches of 32, binary
cross-entropy, the best epoch by validation loss. `ablatrix run` makes split and pixels, which PyTorch reads from its
cache; both train on each seed. Prints the mean average precision on the test part, mean and standard deviation over seeds,
and how many standard errors apart the means are.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import pyarrow.parquet
import torch
import torchvision
from safetensors.torch import load_file
from sklearn.metrics import average_precision_score
from torch.nn.functional import binary_cross_entropy_with_logits

THREADS, BATCH, SIDE = 2, 32, 96
PEAK, START, LEAST, WARMUP, HOLD, DECAY, PATIENCE = 3e-4, 1e-4, 1e-6, 1, 3, 0.6, 4
SPEC = """
name = "recipe"
seeds = {seeds}

[dataset]
format = "folders"
images = "{photos}"

[labels]
from = "folder"

[split]
method = "combination"
train = 0.7
val = 0.15
test = 0.15
seed = 42

[images]
size = {side}

[model]
name = "squeezenet1_1"
dropout = 0.0

[train]
epochs = {epochs}
batch_size = {batch}
optimizer = {{ name = "adam", lr = {peak} }}
schedule = {{ name = "exponential", start_lr = {start}, min_lr = {least}, warmup_epochs = {warmup}, hold_epochs = {hold}, decay = {decay} }}
early_stopping = {{ metric = "val_loss", patience = {patience}, restore_best = true }}

[augment.ops]
flip = {{ op = "horizontal_flip", p = 0.5 }}

[augment.grid]
design = "add_one"

[matrix]
"model.weights" = ["none", "{weights}"]

[workers]
slots = 1
threads = {threads}
device = "cpu"
"""


def ours(given, root):
    """Runs the study; gives test scores by (weights, arm), and the stages' outputs by stage and file."""
    spec = root / "spec.toml"
    spec.write_text(
        SPEC.format(
            seeds=given.seeds, photos=given.photos.resolve(), weights=given.weights.resolve(), epochs=given.epochs,
            side=SIDE, batch=BATCH, peak=PEAK, start=START, least=LEAST, warmup=WARMUP, hold=HOLD, decay=DECAY,
            patience=PATIENCE, threads=THREADS,
        )
    )
    cache = root / "cache"
    common = [str(spec), "--cache", str(cache)]
    subprocess.run([str(given.program.resolve()), "run", *common, "--reports", str(root / "reports")], check=True)
    table = root / "metrics.json"
    subprocess.run([str(given.program.resolve()), "table", *common, "metrics", "--out", str(table)], check=True)
    scores = {}
    for row in map(json.loads, table.read_text().splitlines()):
        if row["metric"] == "map_macro" and row["label"] is None:
            arm, _, point = row["variant"].partition("/")
            weights = "scratch" if point.endswith("=none") else "pretrained"
            scores.setdefault((weights, arm), []).append(row["value"])
    files = {}
    for path in (cache / "entries").glob("*/*.json"):
        entry = json.loads(path.read_text().splitlines()[1])
        for name, output in entry["outputs"].items():
            files[entry["fingerprint"]["stage"], name] = cache / "objects" / output["digest"][:2] / output["digest"][2:]
    return scores, files


class Data:
    """The pixels, labels and parts that Ablatrix made."""

    def __init__(self, files):
        read = lambda stage, name: pyarrow.parquet.read_table(files[stage, name]).to_pydict()
        rows, labels, split = read("pixels", "pixel_rows.parquet"), read("label", "labels.parquet"), read("split", "split.parquet")
        pixels = np.fromfile(files["pixels", "pixels.u8"], np.uint8).reshape(-1, SIDE, SIDE, 3)
        row_of = dict(zip(rows["image_id"], rows["row"]))
        names = [name for name in labels if name != "image_id"]
        truth = {image: [float(labels[name][i]) for name in names] for i, image in enumerate(labels["image_id"])}
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.parts = {}
        for part in ["train", "val", "test"]:
            images = [image for image, its in zip(split["image_id"], split["part"]) if its == part]
            pictures = torch.from_numpy(pixels[[row_of[image] for image in images]]).float().div_(255)
            pictures = pictures.sub_(mean).div_(std).permute(0, 3, 1, 2)
            self.parts[part] = pictures, torch.tensor([truth[image] for image in images])
        self.n_labels = len(names)


def rate(epoch):
    """The learning rate of an epoch, from 0: the study's warm-up, hold and exponential decay."""
    if epoch < WARMUP:
        return START + (PEAK - START) * epoch / WARMUP
    if epoch < WARMUP + HOLD:
        return PEAK
    return (PEAK - LEAST) * DECAY ** (epoch - WARMUP - HOLD) + LEAST


def network(weights, n_labels):
    model = torchvision.models.squeezenet1_1()
    if weights is not None:
        model.load_state_dict(load_file(weights))
    # Logits are not cut at 0, as torchvision's last ReLU would.
    last = torch.nn.Conv2d(512, n_labels, 1)
    torch.nn.init.zeros_(last.bias)
    model.classifier = torch.nn.Sequential(last, torch.nn.AdaptiveAvgPool2d(1))
    return model.to(memory_format=torch.channels_last)


def scored(model, pictures):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(batch) for batch in pictures.split(BATCH)])


def train(data, weights, flips, seed, epochs):
    """Mean average precision on the test part."""
    torch.manual_seed(seed)
    model = network(weights, data.n_labels)
    adam = torch.optim.Adam(model.parameters(), lr=PEAK, fused=True)
    pictures, targets = data.parts["train"]
    best, best_state, waited = math.inf, None, 0
    for epoch in range(epochs):
        for group in adam.param_groups:
            group["lr"] = rate(epoch)
        model.train()
        for rows in torch.randperm(len(pictures)).split(BATCH):
            batch = pictures[rows]
            if flips:
                flipped = torch.rand(len(batch)) < 0.5
                batch[flipped] = batch[flipped].flip(3)
            loss = binary_cross_entropy_with_logits(model(batch.to(memory_format=torch.channels_last)), targets[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
        val_pictures, val_targets = data.parts["val"]
        val_loss = binary_cross_entropy_with_logits(scored(model, val_pictures), val_targets).item()
        if val_loss < best:
            best, waited = val_loss, 0
            best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    model.load_state_dict(best_state)
    test_pictures, test_targets = data.parts["test"]
    return average_precision_score(test_targets.numpy(), scored(model, test_pictures).numpy(), average="macro")


def text(scores):
    return f"{100 * statistics.mean(scores):.1f} +- {100 * statistics.stdev(scores):.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        scores, files = ours(given, pathlib.Path(folder))
        ours_s = time.perf_counter() - start
        data = Data(files)
    start = time.perf_counter()
    for weights in ["pretrained", "scratch"]:
        for arm in ["none", "flip"]:
            file = given.weights if weights == "pretrained" else None
            theirs = [train(data, file, arm == "flip", seed, given.epochs) for seed in range(1, given.seeds + 1)]
            mine = scores[weights, arm]
            error = math.sqrt((statistics.variance(mine) + statistics.variance(theirs)) / given.seeds)
            apart = abs(statistics.mean(mine) - statistics.mean(theirs)) / error
            print(f"{weights:10} {arm:4}  Ablatrix {text(mine)}, PyTorch {text(theirs)}: {apart:.1f} standard errors apart", flush=True)
    print(f"whole study: Ablatrix {ours_s:.0f} s, PyTorch {time.perf_counter() - start:.0f} s (without split and pixels)")


if __name__ == "__main__":
    main()
