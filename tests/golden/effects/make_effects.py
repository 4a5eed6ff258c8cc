"""Writes effects.json: Holm's adjustment by statsmodels; tails of a T + b Z by scipy.

Run: python make_effects.py   (numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0)

The tail of the sum is computed another way than in the code under test: as the mean of the normal tail over
Student's t, by quantiles of t, with scipy.integrate.quad.
"""
import json
import pathlib

import numpy as np
from scipy import integrate, stats
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


def main():
    rng = np.random.default_rng(7)
    out = pathlib.Path(__file__).with_name("effects.json")
    out.write_text(json.dumps({"holm": list(holm(rng)), "tails": list(tails())}) + "\n")
    print(out.stat().st_size, "bytes")


main()
