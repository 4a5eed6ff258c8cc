"""A study that is all cached: Ablatrix beside DVC, Snakemake and ninja on the same graph.

1,500 pictures; five stages of the data (index, labels, split, balance, pixels); per run train, predict and evaluate; one report
that reads all. Every peer gets commands that only write a small file, and is filled until it takes all for done. Then each tool
is timed as a process of its own, in turn, round by round:

- no-op: nothing has changed;
- one parameter changed, planned only: of the op that half of the runs have;
- planned, nothing changed;
- every picture touched, its bytes as they were.

The peers come from PyPI as requirements.txt pins them, into a virtual environment below target/. One that cannot be
installed is left out with a note. Ablatrix's study is laid out and filled by `cargo bench --bench noop`.

Run: python3 benches/orchestrators/peers.py [RUNS ...]          (multiples of 20; 100 and 1,000 where none is given)
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PLACE = ROOT / "target/tmp/orchestrators"
VENV = ROOT / "target/peers"
ROUNDS = 7
# A tool that has taken so long in one row gets no more rounds in it.
BUDGET_S = 60
# Longer than the clock's grain that Ablatrix assumes: then no file is young enough to be read again.
SETTLE_S = 2.5
DATA = ["index", "labels", "split", "balance", "pixels"]
NEEDS = {"index": [], "labels": ["index"], "split": ["labels"], "balance": ["split"], "pixels": ["index"]}


def run_names(n):
    """The second half has the op whose parameter changes."""
    return [f"r{i:04}" for i in range(n)]


class Ablatrix:
    name = "Ablatrix"
    all_done = "stages are cached"

    def __init__(self, n):
        self.folder = PLACE / str(n) / "ablatrix"
        self.program = ROOT / "target/release/ablatrix"
        self.run = [self.program, "run", "noop.toml", "--quiet"]
        self.plan = [self.program, "plan", "noop.toml"]
        self.changed_plan = [*self.plan, "--set", "augment.ops.flip.p=0.4"]
        # A cached study needs no worker, only the name of one.
        self.env = {"ABLATRIX_WORKER": "/bin/true"}
        self.n = n

    def fill(self, _):
        command = ["cargo", "bench", "--quiet", "--bench", "noop", "--", str(self.n), str(self.folder), "--fill"]
        subprocess.run(command, check=True, cwd=ROOT)

    def change(self, p):
        pass


class Ninja:
    name = "ninja"
    all_done = "no work to do"

    def __init__(self, n):
        self.folder = PLACE / str(n) / "ninja"
        self.run = [VENV / "bin/ninja", "--quiet"]
        self.plan = [VENV / "bin/ninja", "-n"]
        self.changed_plan = self.plan
        self.env = {}
        self.n = n

    def fill(self, pictures):
        self.pictures = pictures
        self.change(0.5)
        once(self, self.run)

    def change(self, p):
        lines = ["rule make", "  command = : $param; echo $out > $out", ""]
        pictures = " ".join(self.pictures)
        for stage in DATA:
            files = pictures if stage in ("index", "pixels") else ""
            needs = " ".join(f"out/{need}" for need in NEEDS[stage])
            lines.append(f"build out/{stage}: make {needs} {files}")
        runs = run_names(self.n)
        for i, run in enumerate(runs):
            lines += [f"build out/{run}.model: make out/pixels out/balance", f"  param = {i} {p if i >= self.n // 2 else ''}"]
            lines += [f"build out/{run}.scores: make out/{run}.model out/pixels"]
            lines += [f"build out/{run}.metrics: make out/{run}.scores out/split"]
        lines += ["build out/report: make " + " ".join(f"out/{run}.metrics" for run in runs), "default out/report", ""]
        (self.folder / "build.ninja").write_text("\n".join(lines))


class Snakemake:
    name = "Snakemake"
    all_done = "Nothing to be done"

    def __init__(self, n):
        self.folder = PLACE / str(n) / "snakemake"
        self.run = [VENV / "bin/snakemake", "--cores", "2", "--quiet", "all", "--config", "flip_p=0.5"]
        self.plan = [VENV / "bin/snakemake", "-n", "--quiet", "rules", "--config", "flip_p=0.5"]
        self.changed_plan = [*self.plan[:-1], "flip_p=0.4"]
        self.env = {"XDG_CACHE_HOME": str(self.folder / ".cache")}
        self.n = n

    def fill(self, _):
        rules = ["from pathlib import Path", 'PICTURES = sorted(str(p) for p in Path("pictures").glob("*/*.png"))']
        rules += [f"RUNS = [f'r{{i:04}}' for i in range({self.n})]", "rule report:"]
        rules += ["    input: expand('out/{run}.metrics', run=RUNS)", "    output: 'out/report'"]
        rules += ["    shell: 'echo {output} > {output}'"]
        for stage in DATA:
            inputs = [f"'out/{need}'" for need in NEEDS[stage]]
            inputs += ["PICTURES"] if stage in ("index", "pixels") else []
            rules += [f"rule {stage}:", f"    input: {', '.join(inputs)}", f"    output: 'out/{stage}'"]
            rules += ["    shell: 'echo {output} > {output}'"]
        rules += ["rule train:", "    input: 'out/pixels', 'out/balance'", "    output: 'out/{run}.model'"]
        rules += [f"    params: lambda w: [w.run, config['flip_p'] if int(w.run[1:]) >= {self.n // 2} else None]"]
        rules += ["    shell: 'echo {output} > {output}'"]
        for stage, suffix, needs in [
            ("predict", "scores", "'out/{run}.model', 'out/pixels'"),
            ("evaluate", "metrics", "'out/{run}.scores', 'out/split'"),
        ]:
            rules += [f"rule {stage}:", f"    input: {needs}", f"    output: 'out/{{run}}.{suffix}'"]
            rules += ["    shell: 'echo {output} > {output}'"]
        (self.folder / "Snakefile").write_text("\n".join(rules) + "\n")
        once(self, self.run)

    def change(self, p):
        pass


class Dvc:
    name = "DVC"
    all_done = "up to date"

    def __init__(self, n):
        self.folder = PLACE / str(n) / "dvc"
        self.run = [VENV / "bin/dvc", "repro", "--quiet"]
        self.plan = [VENV / "bin/dvc", "status"]
        self.changed_plan = self.plan
        self.env = {"DVC_SITE_CACHE_DIR": str(self.folder / ".site"), "DVC_NO_ANALYTICS": "1"}
        self.n = n

    def change(self, p):
        (self.folder / "params.yaml").write_text(f"flip_p: {p}\n")

    def fill(self, pictures):
        """Writes the lock and the cache with the hashes that DVC would find: `dvc repro` takes about a second a stage, since it
        writes the whole lock anew after each. That DVC takes all for done is checked, as with every tool."""
        env = {**os.environ, **self.env}
        for command in [["init", "--no-scm", "--quiet"], ["config", "core.check_update", "false"]]:
            subprocess.run([VENV / "bin/dvc", *command], check=True, cwd=self.folder, env=env)
        self.change(0.5)
        self.spec, self.lock = {}, {}
        listing = [{"md5": self.store((self.folder / name).read_bytes()), "relpath": name[len("pictures/") :]} for name in pictures]
        listing.sort(key=lambda file: Path(file["relpath"]).parts)
        self.known = {
            "pictures": {
                "path": "pictures",
                "hash": "md5",
                "md5": self.store(json.dumps(listing, sort_keys=True).encode(), ".dir"),
                "size": sum((self.folder / name).stat().st_size for name in pictures),
                "nfiles": len(pictures),
            }
        }
        for stage in DATA:
            files = ["pictures"] if stage in ("index", "pixels") else []
            self.stage(stage, None, [f"out/{need}" for need in NEEDS[stage]] + files, f"out/{stage}")
        runs = run_names(self.n)
        half = self.n // 2
        self.stage("train_plain", runs[:half], ["out/pixels", "out/balance"], "out/${item}.model")
        self.stage("train_flip", runs[half:], ["out/pixels", "out/balance"], "out/${item}.model", {"flip_p": 0.5})
        self.stage("predict", runs, ["out/${item}.model", "out/pixels"], "out/${item}.scores")
        self.stage("evaluate", runs, ["out/${item}.scores", "out/split"], "out/${item}.metrics")
        self.stage("report", None, [f"out/{run}.metrics" for run in runs], "out/report")
        # JSON is YAML.
        (self.folder / "dvc.yaml").write_text(json.dumps({"stages": self.spec}, indent=1))
        (self.folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": self.lock}, indent=1))

    def stage(self, name, items, deps, out, params=None):
        body = {"cmd": f"echo {out} > {out}", "deps": deps, "outs": [out]}
        if params:
            body["params"] = list(params)
        self.spec[name] = {"foreach": items, "do": body} if items else body
        for item in items or [None]:
            fill = lambda text: text.replace("${item}", item or "")
            path = fill(out)
            content = f"{path}\n".encode()
            (self.folder / path).write_bytes(content)
            self.known[path] = {"path": path, "hash": "md5", "md5": self.store(content), "size": len(content)}
            lock = {"cmd": fill(body["cmd"]), "deps": sorted((self.known[fill(dep)] for dep in deps), key=lambda dep: dep["path"])}
            if params:
                lock["params"] = {"params.yaml": params}
            lock["outs"] = [self.known[path]]
            self.lock[f"{name}@{item}" if items else name] = lock

    def store(self, content, suffix=""):
        digest = hashlib.md5(content).hexdigest() + suffix
        place = self.folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return digest


def install():
    """Puts the peers into target/peers; gives why not."""
    pinned = (HERE / "requirements.txt").read_text()
    mark = VENV / "requirements.txt"
    if mark.exists() and mark.read_text() == pinned:
        return None
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True, capture_output=True, text=True)
        pip = [VENV / "bin/pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(pip, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
    mark.write_text(pinned)
    return None


def once(tool, command):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=tool.folder, env={**os.environ, **tool.env}, capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{tool.name}: {command} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return elapsed, done.stdout + done.stderr


def peak_mib(tool, command):
    """The largest resident set of the process itself. In a round of its own: looking takes time. (`ru_maxrss` of a child begins
    with that of its parent, this script.)"""
    peak_kib = 0
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=tool.folder, env={**os.environ, **tool.env}, **quiet)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        # A process that has just ended has no memory any more.
        peak_kib = max([peak_kib, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))])
        time.sleep(0.0002)
    return peak_kib / 1024


def made(tool):
    """The files that a tool made, and when."""
    folders = [tool.folder / "out", tool.folder / "cache/entries"]
    return {str(file): file.stat().st_mtime_ns for folder in folders for file in folder.rglob("*") if file.is_file()}


def touch(tool):
    for file in (tool.folder / "pictures").glob("*/*.png"):
        os.utime(file)


def row(title, tools, command, before=lambda tool: None, budget=BUDGET_S):
    """Times each tool in turn; gives nothing, prints a table."""
    times = {tool.name: [] for tool in tools}
    notes = {}
    for number in range(ROUNDS):
        for tool in tools:
            if sum(times[tool.name]) > budget:
                continue
            before(tool)
            kept = made(tool)
            times[tool.name].append(once(tool, command(tool))[0])
            if number == 0:
                now = made(tool)
                again = sum(kept.get(file) != when for file, when in now.items())
                notes[tool.name] = f"made {again:,} files again" if again else "made nothing again"
    print(f"\n| {title} | best | median | rounds | median beside Ablatrix's | peak memory | |")
    print("|---|---:|---:|---:|---:|---:|---|")
    ours = statistics.median(times["Ablatrix"])
    for tool in tools:
        all_times = times[tool.name]
        median = statistics.median(all_times)
        before(tool)
        memory = peak_mib(tool, command(tool))
        print(
            f"| {tool.name} | {min(all_times):.3f} s | {median:.3f} s | {len(all_times)} | {median / ours:.2f} "
            f"| {memory:.0f} MiB | {notes[tool.name]} |",
            flush=True,
        )


def study(n, classes):
    tools = []
    for make in classes:
        tool = make(n)
        shutil.rmtree(tool.folder, ignore_errors=True)
        start = time.perf_counter()
        if not tools:
            tool.fill(None)
            source = tool.folder / "pictures"
            pictures = sorted(str(file.relative_to(tool.folder)) for file in source.glob("*/*.png"))
        else:
            shutil.copytree(source, tool.folder / "pictures")
            (tool.folder / "out").mkdir()
            tool.fill(pictures)
        print(f"{tool.name}: laid out and filled in {time.perf_counter() - start:.1f} s", flush=True)
        tools.append(tool)
    print(f"\n{n:,} runs, {len(pictures):,} pictures; load {os.getloadavg()[0]:.1f}")
    time.sleep(SETTLE_S)
    for tool in tools:
        # Each learns the files once; after that it must have nothing to do.
        once(tool, tool.run)
        kept = made(tool)
        once(tool, tool.run)
        assert made(tool) == kept, f"{tool.name} does not take all for done"

    row("no-op", tools, lambda tool: tool.run)
    row("planned, nothing changed", tools, lambda tool: tool.plan)
    for tool in tools:
        assert tool.all_done in once(tool, tool.plan)[1], f"{tool.name} takes something for stale"
        tool.change(0.4)
        assert tool.all_done not in once(tool, tool.changed_plan)[1], f"{tool.name} does not see the changed parameter"
    row("planned, one parameter changed", tools, lambda tool: tool.changed_plan)
    for tool in tools:
        tool.change(0.5)
    row("every picture touched", tools, lambda tool: tool.run, touch)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=int, default=[100, 1000])
    runs = parser.parse_args().runs
    if any(n <= 0 or n % 20 for n in runs):
        parser.error("runs must be a multiple of 20: ten seeds of two variants")
    classes = [Ablatrix]
    why_not = install()
    if why_not:
        print(f"the peers are left out, they cannot be installed: {why_not}")
    else:
        classes += [Ninja, Snakemake, Dvc]
        print(*(HERE / "requirements.txt").read_text().split("\n")[1:-1], sep=", ")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    for n in runs:
        study(n, classes)


if __name__ == "__main__":
    main()
