"""Do two sides score alike? Reads two CSVs, a row per variant and a column per seed, and prints a table of their means.

    python agree.py OURS.csv THEIRS.csv

Per variant the difference of means with its 95 % interval (Welch). Over all variants the same of the mean of these differences, which is the
finer test: variants are trained on other draws each, and the noise of seeds averages out.
"""

import sys

import numpy as np
import pandas as pd
from scipy.stats import t as student

ours, theirs = (pd.read_csv(path, index_col=0) for path in sys.argv[1:3])
theirs = theirs.loc[ours.index]
gap = 100 * (ours.mean(axis=1) - theirs.mean(axis=1))
# The share of each side and variant in the variance of a difference of means.
shares = np.array([1e4 * side.var(axis=1, ddof=1) / side.shape[1] for side in (ours, theirs)])
freedoms = np.array([side.shape[1] - 1 for side in (ours, theirs)])


def half_width(shares, freedoms):
    """Half of the interval where the variance is the sum of these shares (Welch and Satterthwaite)."""
    total = shares.sum()
    return student.ppf(0.975, total**2 / (shares**2 / freedoms).sum()) * total**0.5


if min(freedoms) < 1 or not (shares > 0).all():
    print("one seed has no spread; scores (ours, theirs):")
    print(pd.DataFrame({"ours": ours.mean(axis=1), "theirs": theirs.mean(axis=1)}).to_string())
    sys.exit()
print("\n| test mAP x 100 | Ablatrix | glue | difference | |\n|---|---:|---:|---:|---|")
agreeing = 0
for at, variant in enumerate(ours.index):
    half = half_width(shares[:, at], freedoms)
    agrees = abs(gap.iloc[at]) <= half
    agreeing += agrees
    cells = [f"{100 * side.loc[variant].mean():.1f} ({100 * side.loc[variant].std():.1f})" for side in (ours, theirs)]
    print(f"| `{variant}` | {cells[0]} | {cells[1]} | {gap.iloc[at]:+.1f} +- {half:.1f} | {'' if agrees else 'differs'} |")
n = len(ours)
half = half_width(shares.ravel() / n**2, np.repeat(freedoms, n))
verdict = "agree" if abs(gap.mean()) <= half else "differ"
print(f"| mean of all | {100 * ours.values.mean():.1f} | {100 * theirs.values.mean():.1f} | {gap.mean():+.1f} +- {half:.1f} | {verdict} |")
print(f"\n{agreeing} of {n} variants agree within the seeds' spread")
