"""How long a run takes to begin: a further job of a serving `ablatrix-worker`, beside new processes and beside PyTorch.

    pip install -r benches/training/requirements.txt
    python benches/training/start.py ABLATRIX PHOTOS [--rounds 5] [--jobs 4] [--side 96]

ABLATRIX is the program `ablatrix`, with `ablatrix-worker` beside it; PHOTOS has a folder of photos per label. `ablatrix run`
trains a small study once, which fills the pixel store and shows the jobs that a worker is given. Their results are then taken out
of the cache and the same jobs, one line each, given to workers by hand; in each round to a new one, Python's turn after it.

new process    from before the process is started: the first job of a worker; Python: imports of torch, timm and albumentations first.
same process   from the line of the second and each further job; Python: a further model, optimizer and DataLoader in one process.
to ready       until `started` comes, when the network and its optimizer are made and the pictures are open; Python: until model,
               optimizer and DataLoader are made.
to first batch Python: until the DataLoader (two processes, OpenCV, albumentations' flip) has brought the first 32 pictures. Of Ablatrix it is an
               upper bound: until the first epoch is over, less the epoch's own seconds; the checkpoint behind the epoch is counted.

Prints medians in seconds, and the slowest in brackets.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

BATCH, THREADS = 32, 2
SPEC = """
name = "start"
seeds = {jobs}

[dataset]
format = "folders"
images = "{photos}"

[labels]
from = "folder"

[split]
train = 0.6
val = 0.2
test = 0.2

[images]
size = {side}

[model]
name = "mobilenet_v3_small"

[train]
epochs = 1
batch_size = {batch}

[augment.ops]
flip = {{ op = "horizontal_flip", p = 0.5 }}

[augment.grid]
design = "policies"
policies = {{ flip = ["flip"] }}

[workers]
slots = 1
threads = {threads}
device = "cpu"
"""
COLUMNS = ["to ready", "to first batch"]


class Ours:
    """A cache with everything but trainings, and the jobs that train."""

    name = "Ablatrix"

    def __init__(self, program, photos, side, jobs, root):
        self.cache = root / "cache"
        self.worker = program.with_name("ablatrix-worker")
        spec, lines, wrapper = root / "spec.toml", root / "jobs", root / "worker"
        spec.write_text(SPEC.format(photos=photos, side=side, jobs=jobs, batch=BATCH, threads=THREADS))
        wrapper.write_text(f'#!/bin/sh\ntee -a {shlex.quote(str(lines))} | {shlex.quote(str(self.worker))} "$@"\n')
        wrapper.chmod(0o755)
        command = [program, "run", spec, "--cache", self.cache, "--until", "train", "--quiet"]
        subprocess.run(command, check=True, env={**os.environ, "ABLATRIX_WORKER": str(wrapper)})
        found = [json.loads(line) for line in lines.read_text().splitlines()]
        # The arm without augmentation, which comes with every study, makes as many jobs again.
        self.lines = [job for job in found if job["stage"] == "train" and job["run"].startswith("flip/")]

    def run(self):
        """Gives (to ready, to first batch) of each job."""
        for job in self.lines:
            key = job["fingerprint"]["key"]
            (self.cache / "entries" / key[:2] / f"{key[2:]}.json").unlink()
        start, times = time.perf_counter(), []
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([self.worker], **pipes) as worker:
            for job in self.lines:
                worker.stdin.write(json.dumps(job) + "\n")
                worker.stdin.flush()
                for line in worker.stdout:
                    event, now = json.loads(line), time.perf_counter() - start
                    if event["event"] == "started":
                        ready = now
                    elif event["event"] == "epoch":
                        batch = now - event["row"]["seconds"]
                    elif event["event"] == "finished":
                        break
                    elif event["event"] in ("failed", "refused", "interrupted"):
                        sys.exit(f"the worker's job `{job['run']}` ended otherwise: {line}")
                else:
                    sys.exit(f"the worker ended in job `{job['run']}`")
                times.append((ready, batch))
                start = time.perf_counter()
            worker.stdin.close()
        return times


class Peer:
    name = "PyTorch"

    def __init__(self, photos, side, jobs):
        self.command = [sys.executable, __file__, "--peer", str(photos), str(side), str(jobs)]
        # albumentations would ask the network for its newest version.
        self.env = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}

    def run(self):
        """Gives (to ready, to first batch) of each model."""
        start, times = time.perf_counter(), []
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, env=self.env) as process:
            for line in process.stdout:
                now = time.perf_counter() - start
                if line == "ready\n":
                    ready = now
                elif line == "batch\n":
                    times.append((ready, now))
                elif line == "next\n":
                    start = time.perf_counter()
        if process.returncode:
            sys.exit("the Python process failed")
        return times


def peer(photos, side, jobs):
    """Says `ready` where a model could make its first step, `batch` when it has pictures, `next` before the one after."""
    import albumentations
    import cv2
    import timm
    import torch
    from albumentations.pytorch import ToTensorV2

    sys.path.append(str(pathlib.Path(__file__).parents[1] / "augment"))
    from libraries import MEAN, STD

    class Photos(torch.utils.data.Dataset):
        def __init__(self):
            self.files = sorted(path for path in pathlib.Path(photos).glob("*/*") if path.is_file())
            self.labels = sorted({path.parent.name for path in self.files})
            flip, normalise = albumentations.HorizontalFlip(p=0.5), albumentations.Normalize(MEAN, STD)
            self.change = albumentations.Compose([flip, normalise, ToTensorV2()])

        def __len__(self):
            return len(self.files)

        def __getitem__(self, at):
            cv2.setNumThreads(0)
            picture = cv2.cvtColor(cv2.imread(str(self.files[at])), cv2.COLOR_BGR2RGB)
            picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            picture = self.change(image=picture)["image"]
            target = torch.zeros(len(self.labels))
            target[self.labels.index(self.files[at].parent.name)] = 1.0
            return picture, target

    torch.set_num_threads(THREADS)
    for seed in range(jobs):
        print("next" if seed else "first", flush=True)
        torch.manual_seed(seed)
        data = Photos()
        model = timm.create_model("mobilenetv3_small_100", num_classes=len(data.labels)).train()
        model = model.to(memory_format=torch.channels_last)
        adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
        loader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=THREADS)
        print("ready", flush=True)
        batches = iter(loader)
        next(batches)
        print("batch", flush=True)
        del batches, loader, adam, model


def main():
    if sys.argv[1:2] == ["--peer"]:
        photos, side, jobs = sys.argv[2:]
        return peer(photos, int(side), int(jobs))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=4, help="of a process; at least 2")
    parser.add_argument("--side", type=int, default=96)
    given = parser.parse_args()
    if given.jobs < 2 or given.rounds < 1:
        parser.error("--jobs must be at least 2 and --rounds at least 1")
    photos = given.photos.resolve()
    with tempfile.TemporaryDirectory() as folder:
        sides = [
            Ours(given.program.resolve(), photos, given.side, given.jobs, pathlib.Path(folder)),
            Peer(photos, given.side, given.jobs),
        ]
        found = {side.name: [] for side in sides}
        for _ in range(given.rounds):
            for side in sides:
                found[side.name].append(side.run())
    print(f"mobilenet_v3_small, {given.side} px, {given.rounds} rounds of {given.jobs} jobs; seconds, median (slowest)")
    for name, rounds in found.items():
        for process, pick in [("new process", slice(0, 1)), ("same process", slice(1, None))]:
            times = [pair for jobs in rounds for pair in jobs[pick]]
            cells = [
                f"{column} {statistics.median(values):.3f} ({max(values):.3f})"
                for column, values in zip(COLUMNS, zip(*times))
            ]
            print(f"{name:10}{process:14}", *cells, sep="  ", flush=True)


if __name__ == "__main__":
    main()
