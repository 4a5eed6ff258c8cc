"""Writes calibration.json: 100 random and 12 hand-made cases of calibration and of the other rules for thresholds.

Run: python make_calibration.py   (numpy 2.4.6, scikit-learn 1.9.1, scipy 1.17.1)

- Temperature: scipy's minimize_scalar on the log loss, and scipy's brentq on its slope, which ends nearer; both are compared.
- Platt: scikit-learn's _SigmoidCalibration (of CalibratedClassifierCV), and scipy's root on the gradient of the same loss,
  which ends nearer; both are compared. `null` where scores are all alike, do not rise with the label, or there is one class only.
- Thresholds: every probability that occurs tried, with exact fractions.
"""
import json
import pathlib
import warnings
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq, minimize_scalar, root
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration

from make_metrics import ece, log_loss

warnings.filterwarnings("ignore")
LOWEST = 0.01


def temperature(x, y):
    x, y = x.ravel(), y.ravel().astype(float)
    slope = lambda s: float(((expit(s * x) - y) * x).sum())
    low, high = LOWEST, 1 / LOWEST
    if not x.any():
        return 1.0
    if slope(low) >= 0 or slope(high) <= 0:
        return 1 / low if slope(low) >= 0 else 1 / high
    s = brentq(slope, low, high, xtol=1e-15, rtol=1e-15, maxiter=1000)
    loss = lambda t: float(np.logaddexp(0, x / t).mean() - (y * x / t).mean())
    found = minimize_scalar(loss, bounds=(LOWEST, 1 / LOWEST), method="bounded", options={"xatol": 1e-10})
    # A bounded search may stop at another end of a flat stretch; never at a lower loss.
    assert loss(1 / s) <= found.fun + 1e-12, (1 / s, found.x)
    if abs(found.fun - loss(1 / s)) < 1e-13:
        assert abs(np.log(found.x * s)) < 1e-3, (1 / s, found.x)
    return 1 / s


def platt(x, y):
    """(slope, shift, whether scikit-learn's own end was as near as its tolerance promises)"""
    n = int(y.sum())
    if n in (0, len(y)) or np.ptp(x) == 0:
        return None
    target = np.where(y, (n + 1) / (n + 2), 1 / (len(y) - n + 2))
    scale = x.std()

    def gradient(v):
        gap = expit(v[0] * x / scale + v[1]) - target
        return [(gap * x / scale).sum(), gap.sum()]

    def curvature(v):
        p = expit(v[0] * x / scale + v[1])
        w = p * (1 - p)
        u = x / scale
        return [[(w * u * u).sum(), (w * u).sum()], [(w * u).sum(), w.sum()]]

    theirs = _SigmoidCalibration().fit(x, y.astype(int))
    found = root(gradient, [-theirs.a_ * scale, -theirs.b_], jac=curvature, method="hybr", options={"xtol": 1e-15})
    assert max(map(abs, gradient(found.x))) < 1e-10, (x, y, found)
    slope, shift = found.x[0] / scale, found.x[1]
    # scikit-learn's search ends at a gradient of 1e-6.
    gap = np.abs(expit(slope * x + shift) - theirs.predict(x)).max()
    assert gap < 1e-4, gap
    return [float(slope), float(shift)] if slope > 0 else None


def f(hits, said, positives, beta):
    b = Fraction(beta) ** 2
    return (1 + b) * hits / (said + b * positives)


def best_f(p, y, beta):
    """By candidate from high to low: the mean over labels that have positives; only a better one replaces the one found."""
    labels = [l for l in range(y.shape[1]) if y[:, l].any()]
    best = None
    for t in np.unique(p[:, labels])[::-1] if labels else []:
        said = p >= t
        value = sum(f(int((said & y)[:, l].sum()), int(said[:, l].sum()), int(y[:, l].sum()), beta) for l in labels)
        if best is None or value > best[0]:
            best = (value, float(t))
    return best and (best[1], True)


def best_recall(p, y, floor):
    p, y = p.ravel(), y.ravel()
    if not y.any():
        return None
    reaching = purest = None
    for t in np.unique(p)[::-1]:
        said = p >= t
        hits, n = int((said & y).sum()), int(said.sum())
        if hits and hits / n >= floor and (reaching is None or hits > reaching[0]):
            reaching = (hits, float(t))
        if purest is None or Fraction(hits, n) >= purest[0]:
            purest = (Fraction(hits, n), float(t))
    return (reaching[1], True) if reaching else (purest[1], False)


def rules(p, y, beta, floor, least):
    """Of each rule the thresholds, the labels that fell back, and those below the floor."""
    n = y.shape[1]
    found = {}
    for name, best in [("f_beta", lambda a, b: best_f(a, b, beta)), ("precision", lambda a, b: best_recall(a, b, floor))]:
        whole = best(p, y)
        chosen = {f"global_{name}": [None] * n}
        chosen[f"per_label_{name}"] = [
            best(p[:, [l]], y[:, [l]]) if y[:, l].sum() >= least else None for l in range(n)
        ]
        for rule, own in chosen.items():
            used = [o or whole for o in own]
            is_fallback = rule.startswith("per_label") or whole is None
            found[rule] = {
                "values": [u[0] if u else 0.5 for u in used],
                "fallbacks": [l for l in range(n) if own[l] is None and is_fallback],
                "below_floor": [l for l in range(n) if used[l] and not used[l][1]],
            }
    return found


def scores(z, y):
    return {
        "log_loss": log_loss(z, y),
        "brier": float(((expit(z) - y) ** 2).mean()),
        "ece_macro": float(np.mean([ece(expit(z[:, l]), y[:, l]) for l in range(y.shape[1])])),
    }


def case(name, val_x, val_y, x, y, beta, floor, least):
    # What is written is what was scored: four digits, as f32.
    texts = [[f"{v:.4g}" for v in np.ravel(part)] for part in (val_x, x)]
    val_x, x = (np.array(t, dtype=np.float32).astype(np.float64).reshape(-1, y.shape[1]) for t in texts)
    t = temperature(val_x, val_y)
    lines = [platt(val_x[:, l], val_y[:, l]) for l in range(y.shape[1])]
    lined = np.stack([x[:, l] if v is None else v[0] * x[:, l] + v[1] for l, v in enumerate(lines)], axis=1)
    return {
        "name": name, "n_labels": y.shape[1], "beta": beta, "floor": floor, "min_positives": least,
        "val_logits": [float(v) for v in texts[0]], "val_targets": np.ravel(val_y).astype(int).tolist(),
        "logits": [float(v) for v in texts[1]], "targets": np.ravel(y).astype(int).tolist(),
        "temperature": t, "lines": lines, "rules": rules(expit(val_x), val_y, beta, floor, least),
        "none_scores": scores(x, y), "temperature_scores": scores(x / t, y), "platt_scores": scores(lined, y),
    }


def random_case(rng, idx):
    n_labels = int(rng.integers(1, 5))
    parts = []
    for _ in range(2):
        n = int(rng.integers(4, 41))
        y = rng.random((n, n_labels)) < rng.uniform(0.1, 0.7, n_labels)
        x = rng.normal(0, 2, (n, n_labels)) * (1, 4, 0.2)[idx % 3] + rng.uniform(0, 3) * y - 1
        if idx % 4 == 1:
            x = np.round(x)  # many ties
        parts += [x, y]
    beta, floor = (2.0, 0.5, 4.0)[idx % 3], (0.5, 0.75, 0.9, 1.0)[idx // 3 % 4]
    return case(f"random {idx}", *parts, beta, floor, int(rng.integers(1, 8)))


def hand_made():
    def one(name, x, y, beta=2.0, floor=0.75, least=1):
        x, y = np.array(x, dtype=float), np.array(y, dtype=bool)
        x, y = (x[:, None], y[:, None]) if x.ndim == 1 else (x, y)
        return case(name, x, y, x, y, beta, floor, least)

    yield one("one image", [0.5], [1])
    yield one("all have it", [1, 2, 3], [1, 1, 1])
    yield one("none has it", [1, 2, 3], [0, 0, 0])
    yield one("without fault", [3, 2, -2, -3], [1, 1, 0, 0])
    yield one("the wrong way round", [-3, -2, 2, 3], [1, 1, 0, 0])
    yield one("constant", [0.7] * 5, [1, 0, 1, 0, 0])
    yield one("zero", [0.0] * 4, [1, 0, 1, 0])
    yield one("large scores", [500, 40, 30, -20, -300, -400, 10], [1, 1, 0, 1, 0, 0, 0])
    yield one("too sure", [6, 6, 6, -6, -6, -6], [1, 1, 0, 0, 0, 1])
    yield one("a precision out of reach", [3, 2, 1, 0], [0, 1, 1, 0], floor=0.9)
    yield one("a precision of one half, twice", [3, 3, 2, 2, 1], [1, 0, 1, 0, 0], floor=0.5)
    yield one("one of three labels empty", [[1, 0, 2], [0, 1, 0], [-1, 2, 1]], [[1, 0, 0], [0, 0, 1], [1, 0, 1]], least=2)


def main():
    rng = np.random.default_rng(20250302)
    cases = [random_case(rng, i) for i in range(100)] + list(hand_made())
    out = pathlib.Path(__file__).with_name("calibration.json")
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    out.write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
