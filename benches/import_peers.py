"""Seconds and memory of `json.load` and pandas DataFrames on the COCO file of `benches/import.rs`.

What a Python user does first with such a file: parse it, and make tables of its images, annotations and categories.

Pinned: pandas 3.1.1, numpy 2.4.6.
Run: python benches/import_peers.py FILE
"""

import json
import resource
import subprocess
import sys
import time

ROUNDS = 5


def once(path):
    import pandas

    start = time.perf_counter()
    with open(path) as file:
        root = json.load(file)
    loaded = time.perf_counter()
    tables = {name: pandas.DataFrame(root[name]) for name in ["images", "annotations", "categories"]}
    made = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    assert len(tables["annotations"]) == len(root["annotations"])
    print(f"{loaded - start:>10.2f}{made - loaded:>12.2f}{made - start:>10.2f}{cpu:>10.2f}{usage.ru_maxrss / 1000:>10.0f}")


def main():
    path = sys.argv[1]
    if "--once" in sys.argv:
        return once(path)
    print(f"{'round':<10}{'load s':>10}{'tables s':>12}{'both s':>10}{'CPU s':>10}{'peak MB':>10}")
    for number in range(1, ROUNDS + 1):
        output = subprocess.run([sys.executable, __file__, path, "--once"], check=True, capture_output=True, text=True)
        print(f"{number:<10}{output.stdout}", end="")


main()
