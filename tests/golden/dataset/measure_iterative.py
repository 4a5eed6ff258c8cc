"""How evenly the reference implementations divide TACO's 60 categories, over 20 seeds.

Writes iterative.json beside itself: for each implementation by how many images a part misses its share of a label, on average and
at worst over the seeds, [label][part]; of a pair of labels (mean and worst over all); and of all images. Labels and pairs
that no image has are left out. Made with Python 3.11, numpy 2.4.6, pandas 3.1.1, scikit-learn 1.9.1, scikit-multilearn 0.2.0,
iterative-stratification 0.1.9:

    python measure_iterative.py ../shared/data/taco_mjs/labels.csv
"""

import itertools
import json
import pathlib
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from iterstrat.ml_stratifiers import IterativeStratification as first_order
from skmultilearn.model_selection.iterative_stratification import IterativeStratification

SHARES = np.array([0.7, 0.15, 0.15])
SEEDS = 20
table = pd.read_csv(sys.argv[1]).iloc[:, 1:]
labels = table.to_numpy().astype(bool)


def skmultilearn(order, seed):
    # Its own random state cannot be set for more than two parts; it draws from numpy's global one.
    np.random.seed(seed)
    rows = np.random.permutation(len(labels))
    folds = IterativeStratification(n_splits=3, order=order, sample_distribution_per_fold=list(SHARES))
    parts = np.empty(len(labels), int)
    for part, (_, held_out) in enumerate(folds.split(np.zeros((len(labels), 1)), labels[rows].astype(int))):
        parts[rows[held_out]] = part
    return parts


def iterstrat(seed):
    state = np.random.RandomState(seed)
    rows = state.permutation(len(labels))
    parts = np.empty(len(labels), int)
    parts[rows] = first_order(labels=labels[rows], r=SHARES, random_state=state)
    return parts


def missed(sets, parts):
    """|found - share x count|, [set, part]."""
    return np.stack([abs((sets & (parts == part)).sum(1) - SHARES[part] * sets.sum(1)) for part in range(3)], 1)


occurring = labels.any(0)
singles = labels.T[occurring]
pairs = np.array([a & b for a, b in itertools.combinations(labels.T, 2) if (a & b).any()])
everything = np.ones((1, len(labels)), bool)
tidy = lambda values: np.round(values, 4).tolist()
references = {}
for name, package, divide in [
    ("scikit-multilearn, order 1", "scikit-multilearn", lambda seed: skmultilearn(1, seed)),
    ("scikit-multilearn, order 2", "scikit-multilearn", lambda seed: skmultilearn(2, seed)),
    ("iterative-stratification", "iterative-stratification", iterstrat),
]:
    seeds = [divide(seed) for seed in range(SEEDS)]
    of = {what: np.array([missed(sets, parts) for parts in seeds])
          for what, sets in [("labels", singles), ("pairs", pairs), ("sizes", everything)]}
    references[name] = {
        "version": version(package),
        "labels": {"mean": tidy(of["labels"].mean(0)), "worst": tidy(of["labels"].max(0))},
        "pairs": {"mean": tidy(of["pairs"].mean()), "worst": tidy(of["pairs"].max())},
        "sizes": {"mean": tidy(of["sizes"].mean()), "worst": tidy(of["sizes"].max())},
    }
    print(name, *(f"{what}: mean {values.mean():.3f} max {values.max():.2f}" for what, values in of.items()), sep="\n  ")

made = {"shares": SHARES.tolist(), "seeds": SEEDS, "labels": table.columns[occurring].tolist(), "references": references}
pathlib.Path(__file__).with_name("iterative.json").write_text(json.dumps(made) + "\n")
