"""A whole study, from photos to effects: Ablatrix beside the usual glue of Hydra, PyTorch, albumentations, scikit-learn and MLflow.

    cargo xtask build
    python3 benches/study/run.py [--photos DIR] [--weights FILE] [--forms ablatrix basic joblib tuned] [--quick]

8 variants x 3 seeds of mobilenet_v3_small at 96 x 96, 3 epochs, on TrashNet (study.toml; conf/config.yaml has the same recipe). All read the
same images for training, validation and test (the table of parts is Ablatrix's) and begin with the same weights: those of FILE (safetensors under the
names of timm's mobilenetv3_small_100), else random ones that timm draws once. The classifier is drawn anew for each seed.

ablatrix      `ablatrix run` in an empty cache, defaults: one worker per core.
basic         glue.py by Hydra's own launcher, run after run, then compare.py; the DataLoader has as many processes as are fastest here (0, 1, 2
              are tried for an epoch, outside of the measured time).
joblib        the same by Hydra's joblib launcher: two runs at once, of one thread each, that load for themselves.
tuned         as `joblib`, with photos decoded once and kept in memory, channels_last and the fused Adam.
tuned-basic   as `tuned`, run after run on all cores.

Of each: wall time, processor time, and the largest memory of all its processes together (PSS: what they share counts once), looked at once a second.
Then one parameter of one op is changed, and the study wanted anew: `ablatrix run` again; of the glue the three runs of that variant, which its user picks
by hand, and compare.py. Who does not pick runs all again.

On a machine that others use too, set OMP_WAIT_POLICY=PASSIVE: otherwise threads of PyTorch wait for each other spinning, and `basic`, which has two, measures
that alone.

Without photos it says that it skips. --quick is --variants none noise --seeds 1 --epochs 1: whether all works. --python names an interpreter that has
requirements.txt already; otherwise target/study/peers is made (6 GB).
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT.parent / "shared/data"
VARIANTS = ["none", "flip", "rotate", "crop", "colour", "noise", "blur", "cutout"]
LOOK_S = 1.0
# Loading by the training's own process: two trainings have the two cores.
PAIR = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "threads=1", "num_workers=0"]
FORMS = {"basic": None, "joblib": PAIR, "tuned": [*PAIR, "tuned=true"], "tuned-basic": ["tuned=true", "num_workers=0"]}
# The second use: what is changed, where.
CHANGE = {"study.toml": ("std = [0.05, 0.11]", "std = [0.1, 0.2]"), "conf/augment/noise.yaml": ("[0.05, 0.11]", "[0.1, 0.2]")}
CHANGED = "noise"


class Measured:
    """What commands took, one after the other."""

    def __init__(self):
        self.wall_s = self.cpu_s = self.peak_mib = 0.0
        self.output = ""

    def run(self, command, folder, env):
        """Runs a command to its end; one that fails ends the benchmark with what it said."""
        log = folder / "log.txt"
        start = time.perf_counter()
        with open(log, "w") as out:
            process = subprocess.Popen(command, cwd=folder, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT)
        done = threading.Event()
        looker = threading.Thread(target=self.look, args=(process.pid, done))
        looker.start()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall_s += time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        looker.join()
        self.cpu_s += usage.ru_utime + usage.ru_stime
        self.output = log.read_text()
        if process.returncode != 0:
            sys.exit(f"{command} ended with {process.returncode}:\n{self.output[-4000:]}")
        return self

    def look(self, root, done):
        while not done.wait(LOOK_S):
            self.peak_mib = max(self.peak_mib, sum(map(pss_kib, tree(root))) / 1024)

    def cells(self, beside=None):
        ratio = f"{self.wall_s / beside.wall_s:.2f}" if beside else ""
        return f"{self.wall_s:,.0f} s | {ratio} | {self.cpu_s:,.0f} s | {self.peak_mib:,.0f} MiB"


def tree(root):
    """The process, its children, theirs, and so on; one that ends meanwhile is left out."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # Behind the name, which may hold anything: state, parent.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def pss_kib(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


class Study:
    """What all sides are given: sizes, photos, the table of parts, initial weights."""

    def __init__(self, given, python, program):
        self.python, self.program, self.photos = python, program, given.photos.resolve()
        self.variants, self.seeds, self.epochs = given.variants, list(range(1, given.seeds + 1)), given.epochs
        self.folder = given.out / "given"
        self.folder.mkdir(parents=True)
        self.weights = given.weights.resolve() if given.weights else self.draw_weights()
        self.table = self.folder / "study.csv"

    def draw_weights(self):
        path = self.folder / "initial.safetensors"
        script = (
            "import sys, timm, torch; from safetensors.torch import save_file; torch.manual_seed(0);"
            " save_file(timm.create_model('mobilenetv3_small_100').state_dict(), sys.argv[1])"
        )
        subprocess.run([self.python, "-c", script, path], check=True)
        return path

    def write_table(self, ours):
        """Paths, parts and labels, as Ablatrix's stages before the pixels find them."""
        tables = {name: {row["image_id"]: row for row in ours.table(name)} for name in ["images", "split", "labels"]}
        labels = [name for name in next(iter(tables["labels"].values())) if name != "image_id"]
        with open(self.table, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["path", "part", *labels])
            for image, row in tables["images"].items():
                marks = tables["labels"][image]
                rows.writerow([row["path"], tables["split"][image]["part"], *(marks[label] for label in labels)])


class Ablatrix:
    """The study by `ablatrix run`, in a folder and cache of its own."""

    def __init__(self, study, folder):
        self.study, self.folder = study, folder
        folder.mkdir(parents=True)
        shutil.copy(HERE / "study.toml", folder)
        settings = [f"dataset.images={study.photos}", f"model.weights={study.weights}"]
        settings += [f"seeds={len(study.seeds)}", f"train.epochs={study.epochs}"]
        policies = ", ".join(f'{name} = ["{name}"]' for name in study.variants if name != "none")
        settings += ["augment.grid.design=policies", f"augment.grid.policies={{ {policies} }}"]
        self.common = ["study.toml", "--cache", "cache", "--reports", "reports"]
        self.common += [part for setting in settings for part in ("--set", setting)]

    def run(self, *more):
        measured = Measured().run([self.study.program, "run", *self.common, *more], self.folder, {})
        self.planned = next((line for line in measured.output.splitlines() if " to do" in line), "")
        return measured

    def table(self, name):
        command = [self.study.program, "table", *self.common, name, "--out", f"{name}.csv"]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)
        with open(self.folder / f"{name}.csv", newline="") as lines:
            return list(csv.DictReader(lines))

    def again(self):
        change(self.folder, "study.toml")
        return self.run()

    def scores(self, path):
        found = {}
        for row in self.table("metrics"):
            if row["metric"] == "map_macro" and not row["label"]:
                found.setdefault(row["variant"], {})[int(row["seed"])] = row["value"]
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["variant", *self.study.seeds])
            rows.writerows([variant, *(found[variant][seed] for seed in self.study.seeds)] for variant in self.study.variants)

    def waited(self):
        """Seconds that trainings took, and the mean share of them in which a step had no batch."""
        rows = self.table("history")
        shares = [float(row["wait_share"]) for row in rows]
        return sum(float(row["seconds"]) for row in rows), sum(shares) / len(shares)


class Glue:
    """The scripts, copied to a folder of their own, where what is configured can be edited."""

    # MLflow asks for this where runs are files. albumentations would ask the network for its newest version.
    env = {"MLFLOW_ALLOW_FILE_STORE": "true", "NO_ALBUMENTATIONS_UPDATE": "1"}

    def __init__(self, study, folder, settings):
        self.study, self.folder = study, folder
        folder.mkdir(parents=True)
        for name in ["glue.py", "photos.py", "compare.py"]:
            shutil.copy(HERE / name, folder)
        shutil.copytree(HERE / "conf", folder / "conf")
        self.command = [study.python, "glue.py", "--multirun", f"photos={study.photos}", f"table={study.table}"]
        self.command += [f"weights={study.weights}", f"epochs={study.epochs}", *settings]

    def multirun(self, variants, seeds, *more):
        sweep = [f"augment={','.join(variants)}", f"seed={','.join(map(str, seeds))}", *more]
        return Measured().run([*self.command, *sweep], self.folder, self.env)

    def study_of(self, variants):
        measured = self.multirun(variants, self.study.seeds)
        return measured.run([self.study.python, "compare.py"], self.folder, self.env)

    def run(self):
        return self.study_of(self.study.variants)

    def again(self):
        change(self.folder, "conf/augment/noise.yaml")
        return self.study_of([CHANGED])

    def scores(self, path):
        shutil.copy(self.folder / "scores.csv", path)


def change(folder, name):
    """The edit of the second use."""
    old, new = CHANGE[name]
    text = (folder / name).read_text()
    if text.count(old) != 1:
        sys.exit(f"{folder / name} has `{old}` {text.count(old)} times; it must stand there once")
    (folder / name).write_text(text.replace(old, new))


def environment():
    """The interpreter of target/study-peers, made from requirements.txt where it is missing or made from another."""
    place = ROOT / "target/study-peers"
    pinned, mark = (HERE / "requirements.txt").read_text(), place / "requirements.txt"
    if not (mark.exists() and mark.read_text() == pinned):
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin/pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
        mark.write_text(pinned)
    return place / "bin/python"


def best_processes(study, folder):
    """How many processes of the DataLoader are fastest for an epoch of one training. The first of all warms the files' cache."""
    glue = Glue(study, folder, [])
    took = {}
    for number in [0, 0, 1, 2]:
        took[number] = glue.multirun(["none"], [1], f"num_workers={number}", "epochs=1").wall_s
    print("processes of the DataLoader: " + ", ".join(f"{number} {s:.1f} s" for number, s in took.items()), flush=True)
    return min(took, key=took.get)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/ablatrix", help="with ablatrix-worker beside it")
    parser.add_argument("--photos", type=Path, default=DATA / "trashnet")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--forms", nargs="+", choices=["ablatrix", *FORMS], default=["ablatrix", "basic", "joblib", "tuned"])
    parser.add_argument("--num-workers", type=int, help="processes of the DataLoader of `basic`, not to be tried out")
    parser.add_argument("--python")
    parser.add_argument("--out", type=Path, default=ROOT / "target/study", help="emptied before")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.variants, given.seeds, given.epochs = ["none", CHANGED], 1, 1
    if "none" not in given.variants or CHANGED not in given.variants:
        parser.error(f"--variants must have `none`, which effects are measured against, and `{CHANGED}`, which is changed")
    if not given.photos.is_dir():
        return print(f"skipped: no photos at {given.photos}; name their folder by --photos")
    program = given.program.resolve()
    if not program.exists():
        parser.error(f"{program} is not there; build it by `cargo xtask build`, or name it by --program")
    given.out = given.out.resolve()
    shutil.rmtree(given.out, ignore_errors=True)
    study = Study(given, given.python or environment(), program)
    before = Ablatrix(study, given.out / "before")
    before.run("--until", "split")
    study.write_table(before)
    runs = len(study.variants) * len(study.seeds)
    print(f"{len(study.variants)} variants x {len(study.seeds)} seeds, {study.epochs} epochs; Python {platform.python_version()}"
          f", {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")

    if "basic" in given.forms:
        processes = best_processes(study, given.out / "processes") if given.num_workers is None else given.num_workers
        FORMS["basic"] = [f"num_workers={processes}"]
    sides, first, second = {}, {}, {}
    for form in given.forms:
        folder = given.out / form
        sides[form] = side = Ablatrix(study, folder) if form == "ablatrix" else Glue(study, folder, FORMS[form])
        first[form] = side.run()
        side.scores(given.out / f"{form}.csv")
        print(f"{form}: {first[form].cells()}; load {os.getloadavg()[0]:.1f}", flush=True)
        if form == "ablatrix":
            trained_s, share = side.waited()
            print(f"  {side.planned}; trainings {trained_s:,.0f} s, of which {100 * share:.1f} % without a batch", flush=True)
        second[form] = side.again()
        print(f"  changed: {second[form].cells()}; load {os.getloadavg()[0]:.1f}", flush=True)
        if form == "ablatrix":
            print(f"  {side.planned}", flush=True)

    for title, measured in [(f"whole study, {runs} runs", first), (f"`{CHANGED}` changed, {len(study.seeds)} runs", second)]:
        print(f"\n| {title} | wall | times Ablatrix's | processor | peak memory |\n|---|---:|---:|---:|---:|")
        for form, found in measured.items():
            print(f"| {form} | {found.cells(measured.get('ablatrix'))} |")
    for form in given.forms:
        if form != "ablatrix" and "ablatrix" in given.forms:
            print(f"\nscores, Ablatrix and `{form}`", flush=True)
            subprocess.run([study.python, HERE / "agree.py", given.out / "ablatrix.csv", given.out / f"{form}.csv"], check=True)


if __name__ == "__main__":
    main()
