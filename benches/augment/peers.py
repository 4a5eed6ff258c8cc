"""Augmentation ops of Ablatrix beside those of albumentations, torchvision and kornia: pictures per second on one core.

Every library gets the same 8 photos as it likes them: Ablatrix and albumentations [side, side, 3] uint8, torchvision [3, side,
side] uint8, kornia batches of 16 float32 (its policies: of 1, since they draw once a batch). An op is applied to up to 64
pictures in a pass, each with draws of its own; passes of all libraries take turns, five times with the same draws. Of each
picture the fastest time counts, and of these the mean: so neither lucky draws nor whatever else the machine does decides. All
run on one core. Ablatrix changes pictures in place; its time includes a copy of the picture, since the others leave theirs.

The peers come from PyPI as requirements.txt pins them; one that is not installed is left out with a note.

    cargo bench --bench augment --no-run                   (tells the path of PROGRAM)
    pip install -r benches/augment/requirements.txt
    python3 benches/augment/peers.py PROGRAM [PHOTOS] [--side 224 400] [--only TEXT ...]

Without PHOTOS (a folder), those of ../shared/data/trashnet-384x512 are taken where they are, else drawn pictures. `--only study`
measures the whole policy of experiments/taco-augmentation.toml.
"""

import argparse
import gc
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import libraries
import numpy as np

PHOTOS = Path(__file__).resolve().parents[2] / "../shared/data/trashnet-384x512"
PASSES = 5
CALLS = 64
# A pass of slow calls is cut down to so many seconds, and after so many there are no more passes.
PASS_S = 0.3
BUDGET_S = 2.0
# How many times as fast as the fastest peer an op is meant to be, where it is not once.
GOALS = {"gauss_noise": 5, "iso_noise": 5, "pixel_dropout": 5, "glass_blur": 5, "study": 5}


class Ours:
    """The program, which is asked for one pass after the other."""

    name = "Ablatrix"

    def __init__(self, program, photos, side):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pictures"
            command = [program, "--side", str(side), "--serve", file, *(["--photos", photos] if photos else [])]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.ops = self.process.stdout.readline().split()
            if not self.ops:
                sys.exit(f"{program} ended with {self.process.wait()}")
            self.pictures = np.frombuffer(file.read_bytes(), np.uint8).reshape(-1, side, side, 3).copy()
        self.copy_s = float("inf")

    def passed(self, op, calls):
        self.process.stdin.write(f"{op} {calls}\n")
        self.process.stdin.flush()
        copies, times = ([float(word) for word in self.process.stdout.readline().split()] for _ in range(2))
        self.copy_s = min(self.copy_s, *copies)
        return [copy + time for copy, time in zip(copies, times, strict=True)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Other:
    """A library of `libraries`, measured call by call."""

    def __init__(self, library):
        self.library, self.name, self.ops = library, library.name, library.ops

    def passed(self, op, calls):
        call, inputs, pictures = self.ops[op]
        self.library.seed(op)
        times = []
        for i in range(max(1, calls // pictures)):
            given = inputs[i % len(inputs)]
            cpu, start = time.process_time(), time.perf_counter()
            call(given)
            elapsed = time.perf_counter() - start
            # A long call is interrupted on a busy machine: then the processor's time is the shorter one.
            times.append(min(elapsed, time.process_time() - cpu) / pictures)
        return times


def installed(pictures, side):
    """The peers that are there."""
    peers = []
    for make in libraries.PEERS:
        try:
            peers.append(Other(make(pictures, side)))
        except ImportError as error:
            print(f"without {make.name}: {error}")
    return peers


def measure(op, everyone):
    """Seconds for a picture, for each library that can do it."""
    calls, best = {}, {}
    for library in everyone:
        try:
            library.passed(op, 1)
            first = library.passed(op, 4)
        except Exception as error:  # They fail in ways of their own.
            print(f"not measured: `{op}` of {library.name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        calls[library] = max(1, min(CALLS, int(PASS_S * len(first) / sum(first))))
    spent = dict.fromkeys(calls, 0.0)
    for _ in range(PASSES):
        for library, n in calls.items():
            if spent[library] < BUDGET_S:
                start = time.perf_counter()
                times = library.passed(op, n)
                spent[library] += time.perf_counter() - start
                best[library.name] = list(map(min, best.get(library.name, times), times))
    return {name: sum(times) / len(times) for name, times in best.items()}


def table(side, ours, peers, wanted):
    """Prints the rows of one size; gives the ops that fall short."""
    heads = [f"{side} x {side}", "Ablatrix", *(peer.name for peer in peers), "Ablatrix / fastest peer"]
    print(f"\n| {' | '.join(heads)} |\n|---|{'---:|' * (len(heads) - 1)}", flush=True)
    short = []
    for op in filter(wanted, ours.ops):
        seconds = measure(op, [ours, *(peer for peer in peers if op in peer.ops)])
        mine = seconds.pop(ours.name)
        ratio = min(seconds.values()) / mine if seconds else None
        goal = GOALS.get(op, 1)
        if ratio is not None and round(ratio, 2) < goal:
            short.append(f"`{op}` at {side}: {ratio:.2f}" + (f" instead of {goal}" if goal > 1 else ""))
        rates = [f"{1 / mine:,.0f}", *(f"{1 / seconds[p.name]:,.0f}" if p.name in seconds else "-" for p in peers)]
        print(f"| `{op}` | {' | '.join(rates)} | {'-' if ratio is None else f'{ratio:.2f}'} |", flush=True)
    print(f"\nA copy of a picture, which Ablatrix's figures include: {1e6 * ours.copy_s:.1f} us.", flush=True)
    return short


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("photos", type=Path, nargs="?", default=PHOTOS if PHOTOS.is_dir() else None)
    parser.add_argument("--side", type=int, nargs="+", default=[224, 400])
    parser.add_argument("--only", nargs="+", default=[""], help="parts of names of ops")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    # The program inherits the core.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.disable()
    names = ["albumentations", "opencv-python-headless", "torch", "torchvision", "kornia"]
    versions = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    print(", ".join(f"{name} {versions[name]}" for name in names if name in versions))
    print(f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}; {asked.photos or 'drawn pictures'}")
    short = []
    for side in asked.side:
        ours = Ours(asked.program, asked.photos, side)
        peers = installed(ours.pictures, side)
        short += table(side, ours, peers, lambda op: any(text in op for text in asked.only))
        ours.close()
        gc.collect()
    print("\nOps that fall short:", *(short or ["none"]), sep="\n- ")


if __name__ == "__main__":
    main()
