"""What syncing costs a whole study: `ablatrix run` in an empty cache as it is, and with fsync and its kin made to do nothing.

    cargo xtask build
    python3 benches/syncing.py [--ablatrix target/release/ablatrix] [--images 400] [--size 96] [--rounds 5]

A study of drawn pictures, 2 variants x 2 seeds of one epoch each, is run from nothing, in turns with and without syncing; medians over rounds of the wall time of
all of it and of its data stages alone. The library that makes syncing do nothing is compiled by `cc` from the tests' own `tests/faults/power.c`.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPEC = """
name     = "syncing"
question = "What does syncing cost?"
seeds    = 2
[dataset]
format      = "coco"
annotations = "scenes/annotations.json"
images      = "scenes"
[labels]
from          = "supercategory"
min_positives = 0
[split]
method = "iterative"
[images]
size = {size}
[train]
epochs = 1
[augment.ops]
flip = {{ op = "horizontal_flip", p = 0.5 }}
[augment.grid]
design = "add_one"
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablatrix", default=ROOT / "target/release/ablatrix", type=pathlib.Path)
    parser.add_argument("--images", default=400, type=int)
    parser.add_argument("--size", default=96, type=int)
    parser.add_argument("--rounds", default=5, type=int)
    args = parser.parse_args()
    # Beside the program: a disk, where temporary folders may be memory.
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as name:
        folder = pathlib.Path(name)
        shim = folder / "nosync.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, ROOT / "tests/faults/power.c"], check=True)
        (folder / "study.toml").write_text(SPEC.format(size=args.size))
        ablatrix = args.ablatrix.resolve()
        draw = [ablatrix, "data", "generate", "scenes", "--images", str(args.images), "--side", str(2 * args.size)]
        subprocess.run(draw, cwd=folder, check=True, capture_output=True)
        seconds = {}
        for _ in range(args.rounds):
            for syncs in (True, False):
                for what, words in (("data stages", ["--until", "balance"]), ("whole study", [])):
                    shutil.rmtree(folder / "cache", ignore_errors=True)
                    os.sync()
                    env = os.environ | ({} if syncs else {"LD_PRELOAD": str(shim)})
                    begun = time.monotonic()
                    run = [ablatrix, "run", "study.toml", "--quiet", *words]
                    subprocess.run(run, cwd=folder, env=env, check=True, capture_output=True)
                    seconds.setdefault((what, syncs), []).append(time.monotonic() - begun)
    for what in ("data stages", "whole study"):
        with_, without = (statistics.median(seconds[what, syncs]) for syncs in (True, False))
        print(f"{what}: {with_:.2f} s with syncing, {without:.2f} s without: {100 * (with_ / without - 1):+.1f} %")


if __name__ == "__main__":
    main()
