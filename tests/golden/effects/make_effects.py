"""Writes effects.json: Holm's adjustment by statsmodels; tails of a T + b Z, tests by flipped signs, standard errors of bootstraps and
the corrected t-test of Nadeau and Bengio by scipy; main effects and interactions by statsmodels.

Run: python make_effects.py   (numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0, scikit-learn 1.7.2)

The tail of the sum is computed another way than in the code under test: as the mean of the normal tail over
Student's t, by quantiles of t, with scipy.integrate.quad.
"""
import json
import pathlib

import numpy as np
import statsmodels.api as sm
from scipy import integrate, stats
from sklearn.metrics import average_precision_score, f1_score
from statsmodels.stats.multitest import multipletests


def holm(rng):
    for i in range(30):
        p = rng.random(int(rng.integers(1, 12))) ** (3 if i % 2 else 1)
        if i % 5 == 0:
            p[-1] = p[0]  # a tie
        yield {"p": p.tolist(), "adjusted": multipletests(p, method="holm")[1].tolist()}


def two_sided(x, df, a2, b2):
    a, b = np.sqrt(a2), np.sqrt(b2)
    if b == 0:
        return float(2 * stats.t.sf(x / a, df))
    if a == 0:
        return float(2 * stats.norm.sf(x / b))
    # Symmetric in t: P(|aT + bZ| > x) = 2 P(bZ > x - aT), averaged over both halves of t.
    def tails(t):
        density = stats.t.pdf(t, df)
        return density * 2 * (stats.norm.sf((x - a * t) / b) + stats.norm.sf((x + a * t) / b))
    turn = x / a
    pieces = [0.0, max(turn - 8 * b / a, 0.0), turn + 8 * b / a, (turn + 8 * b / a) * 100]
    total = sum(integrate.quad(tails, lo, hi, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
                for lo, hi in zip(pieces, pieces[1:]) if hi > lo)
    # Beyond the last piece the normal tail is 1 on one side and 0 on the other.
    return float(total + 2 * stats.t.sf(pieces[-1], df))


def tails():
    for df in (1, 2, 3, 4, 9, 49, 400):
        for a2, b2 in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.01), (0.04, 1.0), (2.5e-5, 1e-4)):
            for k in (0.3, 1.0, 2.0, 4.0):
                x = k * float(np.sqrt(a2 + b2))
                yield {"degrees": df, "t_variance": a2, "z_variance": b2, "x": x, "p": two_sided(x, df, a2, b2)}


def sign_flips(rng):
    for i in range(24):
        n = int(rng.integers(2, 11))
        deltas = rng.normal(0.3 if i % 2 else 0.0, 1.0, n)
        if i % 6 == 0:
            deltas = np.round(deltas, 1)  # ties
        found = stats.permutation_test((deltas,), np.mean, permutation_type="samples", n_resamples=np.inf)
        yield {"deltas": deltas.tolist(), "p": float(found.pvalue)}


def folds(rng):
    """As scikit-learn's example "Statistical comparison of models using grid search" computes it."""
    for k, seeds, n_test, n_train in ((5, 1, 30, 102), (5, 3, 30, 102), (2, 2, 50, 50), (10, 4, 20, 160), (3, 1, 100, 170)):
        deltas = rng.normal(0.02, 0.03, (k, seeds))
        of_folds = deltas.mean(axis=1)
        variance = np.var(of_folds, ddof=1) * (1 / k + n_test / n_train)
        t = of_folds.mean() / np.sqrt(variance)
        half = stats.t.ppf(0.975, k - 1) * np.sqrt(variance)
        yield {"deltas": deltas.tolist(), "test_to_train": n_test / n_train, "p": float(2 * stats.t.sf(abs(t), k - 1)),
               "half_width": float(half)}


def factorial(rng):
    """Effects of -1/+1 coding are twice its coefficients; seeds are blocks, so the error is that of each seed's contrast."""
    for n_ops in (2, 3, 4):
        arms = np.array([[i >> op & 1 for op in range(n_ops)] for i in range(2 ** n_ops)])
        signs = 2.0 * arms - 1.0
        values = rng.normal(0.6, 0.05, (4, len(arms)))
        pairs = [(a, b) for a in range(n_ops) for b in range(a + 1, n_ops)]
        design = np.column_stack([signs] + [signs[:, a] * signs[:, b] for a, b in pairs])
        by_seed = np.array([2 * sm.OLS(row, sm.add_constant(design)).fit().params[1:] for row in values])
        tests = [stats.ttest_1samp(by_seed[:, i], 0.0) for i in range(design.shape[1])]
        yield {"applies": arms.astype(bool).tolist(), "values": values.tolist(), "deltas": by_seed.mean(axis=0).tolist(),
               "p": [float(test.pvalue) for test in tests]}


def bootstraps(rng):
    """Standard errors over resampled images; average precision is scikit-learn's."""
    for n in (60, 150):
        truth = rng.random(n) < 0.3
        scores = (truth + rng.normal(0, 0.8, n)).astype(np.float32)
        said = scores > 0.5
        def ap(rows):
            rows = rows.astype(int)
            return average_precision_score(truth[rows], scores[rows]) if truth[rows].any() else np.nan
        def f1(rows):
            rows = rows.astype(int)
            return f1_score(truth[rows], said[rows], zero_division=0)
        errors = [float(stats.bootstrap((np.arange(n),), of, n_resamples=20_000, vectorized=False, method="percentile",
                                        rng=np.random.default_rng(1)).standard_error) for of in (ap, f1)]
        yield {"truth": truth.tolist(), "scores": scores.tolist(), "said": said.tolist(), "ap": errors[0], "f1": errors[1]}


def main():
    rng = np.random.default_rng(7)
    out = pathlib.Path(__file__).with_name("effects.json")
    out.write_text(json.dumps({"holm": list(holm(rng)), "tails": list(tails()), "sign_flips": list(sign_flips(rng)), "folds": list(folds(rng)),
                               "factorial": list(factorial(rng)), "bootstraps": list(bootstraps(rng))}) + "\n")
    print(out.stat().st_size, "bytes")


main()
