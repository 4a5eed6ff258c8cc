"""Writes balance.json: loss weights and draw chances by numpy.

Run: python make_balance.py   (numpy 2.4.6, scipy 1.17.1)

A row of a group of n images counts (largest / n) ^ exponent times. Loss weights are normalised to mean 1, chances to
sum 1: what PyTorch's WeightedRandomSampler (torch.multinomial) makes of its weights. `frequencies` holds chances
and the value that Pearson's statistic of the counts stays below in 999 of 1,000 experiments.
"""
import json
import pathlib

import numpy as np
from scipy import stats

CASES = [(n_rows, n_labels, exponent) for n_rows, n_labels in [(40, 3), (200, 6)] for exponent in (0.0, 0.7, 1.0)]


def groups_of(labels, by):
    if by == "combination":
        return np.unique(labels, axis=0, return_inverse=True)[1].ravel()
    counts = labels.sum(axis=0)
    rarest = np.where(labels, counts, np.iinfo(np.int64).max).argmin(axis=1)
    return np.where(labels.any(axis=1), rarest, -1)


def factors_of(labels, by, exponent):
    _, inverse, sizes = np.unique(groups_of(labels, by), return_inverse=True, return_counts=True)
    return (sizes.max() / sizes[inverse]) ** exponent


def case(rng, n_rows, n_labels, by, exponent):
    labels = rng.random((n_rows, n_labels)) < rng.uniform(0.05, 0.5, n_labels)
    factors = factors_of(labels, by, exponent)
    return {
        "by": by, "exponent": exponent, "labels": labels.tolist(),
        "weights": (factors / factors.mean()).tolist(), "chances": (factors / factors.sum()).tolist(),
    }


def main():
    rng = np.random.default_rng(17)
    cases = [case(rng, *shape, by, exponent) for *shape, exponent in CASES for by in ("combination", "label")]
    weights = rng.uniform(0.2, 9.0, 50)
    frequencies = {"chances": (weights / weights.sum()).tolist(), "most": float(stats.chi2.ppf(0.999, 49))}
    text = json.dumps({"cases": cases, "frequencies": frequencies}, separators=(",", ":"))
    pathlib.Path(__file__).with_name("balance.json").write_text(text + "\n")


main()
