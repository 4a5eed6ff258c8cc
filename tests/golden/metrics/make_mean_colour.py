"""Writes mean_colour.json: 40 random and 6 hand-made cases of logistic regression on three standardised features.

Run: python make_mean_colour.py   (numpy 2.4, scikit-learn 1.7.2, scipy 1.17)

scikit-learn's StandardScaler (with sample_weight) and LogisticRegression with its defaults (C = 1, L2, lbfgs), one for each
label, with sample_weight. lbfgs ends at a gradient of `tol`, so `tol` is made small, and scipy's root on the gradient of the
same loss, which ends nearer, is what is written; both are compared. `null` where a label has one class, which
LogisticRegression refuses.
"""
import json
import pathlib
import warnings

import numpy as np
from scipy.optimize import root
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")


def regression(x, y, w):
    keep = w > 0
    x, y, w = x[keep], y[keep], w[keep]
    if y.all() or not y.any():
        return None
    theirs = LogisticRegression(tol=1e-10, max_iter=100_000).fit(x, y, sample_weight=w)
    plain = LogisticRegression().fit(x, y, sample_weight=w)
    a = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.array([1.0, 1.0, 1.0, 0.0])

    def gradient(v):
        return penalty * v + a.T @ (w * (expit(a @ v) - y))

    def curvature(v):
        p = expit(a @ v)
        return np.diag(penalty) + a.T @ (a * (w * p * (1 - p))[:, None])

    start = np.append(theirs.coef_[0], theirs.intercept_[0])
    found = root(gradient, start, jac=curvature, options={"xtol": 1e-15})
    assert np.abs(gradient(found.x)).max() < 1e-9 * max(1.0, w.sum()), gradient(found.x)
    assert np.abs(found.x - start).max() < 1e-4 * max(1.0, np.abs(start).max()), (found.x, start)
    # The defaults end where they end; what they say is the same but for their tolerance.
    assert np.abs(expit(a @ found.x) - plain.predict_proba(x)[:, 1]).max() < 1e-3
    return found.x


def case(name, colours, y, w, others):
    colours, others = np.round(colours, 4), np.round(others, 4)
    w = np.round(w, 4)
    scaler = StandardScaler().fit(colours, sample_weight=w)
    x = scaler.transform(colours)
    fits = [regression(x, y[:, l], w) for l in range(y.shape[1])]
    a = np.hstack([scaler.transform(others), np.ones((len(others), 1))])
    logits = np.stack([a @ v for v in fits if v is not None], axis=1) if any(v is not None for v in fits) else np.zeros((0, 0))
    return {
        "name": name, "n_labels": y.shape[1], "colours": colours.ravel().tolist(), "targets": y.astype(int).ravel().tolist(),
        "weights": w.tolist(), "mean": scaler.mean_.tolist(), "deviation": scaler.scale_.tolist(),
        "coefficients": [None if v is None else v.tolist() for v in fits],
        "others": others.ravel().tolist(), "logits": logits.ravel().tolist(),
    }


def random_case(rng, idx):
    n, n_labels = int(rng.integers(6, 60)), int(rng.integers(1, 5))
    colours = np.clip(rng.normal(0.5, 0.2, 3) + rng.normal(0, (0.2, 0.02, 0.5)[idx % 3], (n, 3)), 0, 1)
    if idx % 4 == 2:
        colours[:, 1] = colours[:, 0]  # two channels alike
    y = rng.random((n, n_labels)) < expit(rng.normal(0, 8, n_labels) * (colours[:, [0]] - 0.5) + rng.normal(0, 1, n_labels))
    w = (np.ones(n), rng.integers(1, 9, n).astype(float), rng.uniform(0.01, 4, n), rng.integers(0, 3, n) + 0.5 * (np.arange(n) == 0))[idx % 4]
    return case(f"random {idx}", colours, y, w, rng.random((4, 3)))


def hand_made(rng):
    n = 12
    side = np.arange(n) < 6
    grey = lambda v: np.repeat(np.asarray(v, dtype=float)[:, None], 3, axis=1)
    others = rng.random((3, 3))
    yield case("without fault", grey(np.where(side, 0.2, 0.8)), side[:, None], np.ones(n), others)
    yield case("without fault, heavy", grey(np.where(side, 0.2, 0.8)), side[:, None], np.full(n, 1000.0), others)
    yield case("all and none", rng.random((n, 3)), np.stack([np.ones(n, bool), np.zeros(n, bool), side], axis=1), np.ones(n), others)
    yield case("all alike", np.full((n, 3), 0.25), side[:, None], np.arange(1.0, n + 1), others)
    yield case("one class among the rows that count", rng.random((n, 3)), side[:, None], side.astype(float), others)
    yield case("one image of the label", rng.random((n, 3)), (np.arange(n) == 3)[:, None], np.ones(n), others)


def main():
    rng = np.random.default_rng(20261129)
    cases = [random_case(rng, i) for i in range(40)] + list(hand_made(rng))
    out = pathlib.Path(__file__).with_name("mean_colour.json")
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    out.write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
