"""Writes metrics.json: 200 random and 27 hand-made cases with scikit-learn's answers.

Run: python make_metrics.py   (numpy 2.4.6, scikit-learn 1.9.1, scipy 1.17.1)

Averages are over labels that have positives (weighted: by their number); of images without labels scikit-learn's answer with
zero_division=0 stands, but for AUROC, which leaves them out. Where scikit-learn has no function the definition is written out: log loss from logits (scikit-learn clips
probabilities), the calibration error (from the bins of sklearn.calibration.calibration_curve, weighted), and the
choice of thresholds (every candidate tried with f1_score; of equal F1 the highest).
"""
import json
import pathlib
import warnings
from fractions import Fraction

import numpy as np
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")
N_BINS = 15
BETAS = (2.0, 0.5, 1.5)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def f1_exact(truth, said):
    hits = int((truth & said).sum())
    whole = int(truth.sum() + said.sum())
    return Fraction(2 * hits, whole) if whole else Fraction(0)


def best_per_label(p, truth):
    """Candidates from high to low; only a better F1 replaces the one found. None without positives."""
    if not truth.any():
        return None
    best = None
    for t in np.unique(p)[::-1]:
        f1 = f1_exact(truth, p >= t)
        assert abs(float(f1) - sk.f1_score(truth, p >= t, zero_division=0)) < 1e-12
        if best is None or f1 > best[0]:
            best = (f1, float(t))
    return best[1]


def best_global(p, truth):
    labels = [l for l in range(truth.shape[1]) if truth[:, l].any()]
    best = None
    for t in np.unique(p[:, labels])[::-1] if labels else []:
        f1 = sum(f1_exact(truth[:, l], p[:, l] >= t) for l in labels) / len(labels)
        if best is None or f1 > best[0]:
            best = (f1, float(t))
    return best[1] if best else None


def thresholds(rule, p, truth):
    n = truth.shape[1]
    if rule == "fixed":
        return [0.4] * n
    fallback = best_global(p, truth)
    fallback = 0.5 if fallback is None else fallback
    if rule == "global_f1":
        return [fallback] * n
    own = [best_per_label(p[:, l], truth[:, l]) for l in range(n)]
    return [fallback if t is None else t for t in own]


def ece(p, truth):
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    bins = np.searchsorted(edges[1:-1], p)
    total = 0.0
    for b in range(N_BINS):
        inside = bins == b
        if inside.any():
            total += inside.sum() * abs(p[inside].mean() - truth[inside].mean())
    value = total / len(p)
    true_share, mean_p = calibration_curve(truth, p, n_bins=N_BINS) if len(set(truth)) > 1 else (None, None)
    if true_share is not None:
        counts = np.bincount(bins, minlength=N_BINS)
        counts = counts[counts > 0]
        assert abs(value - float((counts * np.abs(true_share - mean_p)).sum() / len(p))) < 1e-12
    return value


def bins(p, truth):
    """[bin, images, mean probability, share of positives] of each bin that has images."""
    at = np.searchsorted(np.linspace(0.0, 1.0, N_BINS + 1)[1:-1], p)
    found = [(b, at == b) for b in range(N_BINS) if (at == b).any()]
    if 0 < truth.sum() < len(truth):
        share, mean = calibration_curve(truth, p, n_bins=N_BINS)
        assert np.allclose(share, [truth[i].mean() for _, i in found], atol=1e-12)
        assert np.allclose(mean, [p[i].mean() for _, i in found], atol=1e-12)
    return [[b, int(i.sum()), float(p[i].mean()), float(truth[i].mean())] for b, i in found]


def log_loss(x, truth):
    return float(np.mean(np.logaddexp(0.0, x) - np.where(truth, x, 0.0)))


def defined_mean(values):
    values = [v for v in values if v is not None]
    return float(np.mean(values)) if values else None


def weighted_mean(values, weights):
    kept = [(v, w) for v, w in zip(values, weights) if v is not None and w > 0]
    return float(sum(v * w for v, w in kept) / sum(w for _, w in kept)) if kept else None


def averaged(y, x, said, beta, per_label):
    """Averages over pairs, over labels by weight, and over images ("samples")."""
    n_labels, positives = y.shape[1], y.sum(axis=0)
    flat = {
        "precision": lambda a, b: sk.precision_score(a, b, zero_division=0),
        "recall": lambda a, b: sk.recall_score(a, b, zero_division=0),
        "f1": lambda a, b: sk.f1_score(a, b, zero_division=0),
        "f_beta": lambda a, b: sk.fbeta_score(a, b, beta=beta, zero_division=0),
        "jaccard": lambda a, b: sk.jaccard_score(a, b, zero_division=0),
    }
    whole = {
        "precision": lambda **k: sk.precision_score(y, said, zero_division=0, **k),
        "recall": lambda **k: sk.recall_score(y, said, zero_division=0, **k),
        "f1": lambda **k: sk.f1_score(y, said, zero_division=0, **k),
        "f_beta": lambda **k: sk.fbeta_score(y, said, beta=beta, zero_division=0, **k),
        "jaccard": lambda **k: sk.jaccard_score(y, said, zero_division=0, **k),
    }
    found = {}
    for name, of in flat.items():
        found[f"{name}_macro"] = defined_mean(v[name] for v in per_label)
        found[f"{name}_micro"] = float(of(y.ravel(), said.ravel())) if y.any() else None
        found[f"{name}_weighted"] = weighted_mean([v[name] for v in per_label], positives)
        found[f"{name}_samples"] = float(np.mean([of(a, b) for a, b in zip(y, said)]))
        if n_labels > 1:  # one column would be taken for a plain binary problem
            assert abs(whole[name](average="samples") - found[f"{name}_samples"]) < 1e-12
            if y.any():
                assert abs(whole[name](average="micro") - found[f"{name}_micro"]) < 1e-12
                assert abs(whole[name](average="weighted") - found[f"{name}_weighted"]) < 1e-12
    found["map_weighted"] = weighted_mean([v["ap"] for v in per_label], positives)
    found["map_samples"] = float(np.mean([sk.average_precision_score(a, b) for a, b in zip(y, x)]))
    found["auroc_weighted"] = weighted_mean([v["auroc"] for v in per_label], positives)
    found["auroc_micro"] = float(sk.roc_auc_score(y.ravel(), x.ravel())) if 0 < y.sum() < y.size else None
    rows = [(a, b) for a, b in zip(y, x) if a.any() and not a.all()]
    found["auroc_samples"] = float(np.mean([sk.roc_auc_score(a, b) for a, b in rows])) if rows else None
    if n_labels > 1:
        assert abs(found["map_samples"] - sk.average_precision_score(y, x, average="samples")) < 1e-12
        if y.any():
            assert abs(found["map_weighted"] - sk.average_precision_score(y, x, average="weighted")) < 1e-12
        if len(rows) == len(y):
            assert abs(found["auroc_samples"] - sk.roc_auc_score(y, x, average="samples")) < 1e-12
        if 0 < positives.min() and positives.max() < len(y):
            assert abs(found["auroc_weighted"] - sk.roc_auc_score(y, x, average="weighted")) < 1e-12
            assert abs(found["auroc_micro"] - sk.roc_auc_score(y, x, average="micro")) < 1e-12
        found["ranking_loss"] = float(sk.label_ranking_loss(y, x))
        found["coverage_error"] = float(sk.coverage_error(y, x))
        found["lrap"] = float(sk.label_ranking_average_precision_score(y, x))
    else:  # refused by scikit-learn, and plain
        found |= {"ranking_loss": 0.0, "coverage_error": float(y.mean()), "lrap": 1.0}
    return found


def errors_together(y, said):
    """[missed label, label said wrongly, images] of each pair that occurs."""
    matrix = (y & ~said).astype(int).T @ (said & ~y).astype(int)
    return [[int(a), int(b), int(matrix[a, b])] for a, b in zip(*np.nonzero(matrix))]


def answers(rule, beta, val_x, val_y, x, y):
    n_labels = y.shape[1]
    t = thresholds(rule, sigmoid(val_x), val_y)
    p = sigmoid(x)
    said = p >= np.array(t)
    per_label = []
    for l in range(n_labels):
        truth, has = y[:, l], bool(y[:, l].any())
        both = has and not y[:, l].all()
        per_label.append({
            "ap": float(sk.average_precision_score(truth, x[:, l])) if has else None,
            "auroc": float(sk.roc_auc_score(truth, x[:, l])) if both else None,
            "precision": float(sk.precision_score(truth, said[:, l], zero_division=0)) if has else None,
            "recall": float(sk.recall_score(truth, said[:, l])) if has else None,
            "f1": float(sk.f1_score(truth, said[:, l], zero_division=0)) if has else None,
            "f_beta": float(sk.fbeta_score(truth, said[:, l], beta=beta, zero_division=0)) if has else None,
            "jaccard": float(sk.jaccard_score(truth, said[:, l], zero_division=0)) if has else None,
            "log_loss": log_loss(x[:, l], truth),
            "brier": float(np.mean((p[:, l] - truth) ** 2)),
            "ece": ece(p[:, l], truth),
            "prevalence": float(truth.mean()),
            "n_positives": float(truth.sum()),
            "threshold": t[l],
        })
        if x[:, l].min() > -30 and x[:, l].max() < 30:
            want = sk.log_loss(truth, p[:, l], labels=[False, True])
            assert abs(per_label[-1]["log_loss"] - want) < 1e-9, (per_label[-1], want)
        want = sk.brier_score_loss(truth.astype(int), p[:, l], labels=[0, 1], pos_label=1)
        assert abs(per_label[-1]["brier"] - want) < 1e-12
    keep = [l for l in range(n_labels) if y[:, l].any()]
    any_positive = bool(y.any())
    # One column would be taken for a plain binary problem: subset accuracy and micro F1 are ravelled by hand.
    aggregate = {
        "map_macro": float(sk.average_precision_score(y[:, keep], x[:, keep], average="macro")) if keep else None,
        "map_micro": float(sk.average_precision_score(y.ravel(), x.ravel())) if any_positive else None,
        "auroc_macro": defined_mean(v["auroc"] for v in per_label),
        "subset_accuracy": float((y == said).all(axis=1).mean()),
        "hamming_loss": float((y != said).mean()),
        "log_loss": log_loss(x, y),
        "ece_macro": defined_mean(v["ece"] for v in per_label),
        "brier": float(np.mean((p - y) ** 2)),
        "n_images": float(len(y)),
        **averaged(y, x, said, beta, per_label),
    }
    if n_labels > 1:
        assert aggregate["subset_accuracy"] == sk.accuracy_score(y, said)
        assert abs(aggregate["hamming_loss"] - sk.hamming_loss(y, said)) < 1e-12
        if any_positive:
            micro = sk.average_precision_score(y, x, average="micro")
            assert abs(aggregate["map_micro"] - micro) < 1e-12
        if keep:
            macro = sk.f1_score(y[:, keep], said[:, keep], average="macro", zero_division=0)
            assert abs(aggregate["f1_macro"] - (macro if len(keep) > 1 else per_label[keep[0]]["f1"])) < 1e-12
    counts = [sk.confusion_matrix(y[:, l], said[:, l], labels=[True, False]) for l in range(n_labels)]
    details = {
        # Hits, misses, false alarms, and what is rightly not said.
        "counts": [[int(n) for n in c.ravel()] for c in counts],
        "bins": [bins(p[:, l], y[:, l]) for l in range(n_labels)],
        "errors": errors_together(y, said),
    }
    return aggregate, per_label, details


def weighted(rng, x, y):
    """Average precision of label 0 with whole sample weights, as a bootstrap gives them."""
    w = rng.multinomial(len(y), np.full(len(y), 1 / len(y)))
    defined = bool((w * y[:, 0]).sum() > 0)
    value = float(sk.average_precision_score(y[:, 0], x[:, 0], sample_weight=w)) if defined else None
    return {"multiplicities": w.tolist(), "ap": value}


def case(rng, name, rule, val_x, val_y, x, y):
    # What is written is what was scored: four decimals, as f32.
    texts = [[f"{v:.4g}" for v in np.ravel(part)] for part in (val_x, x)]
    val_x, x = (np.array(t, dtype=np.float32).astype(np.float64).reshape(-1, y.shape[1]) for t in texts)
    beta = BETAS[len(y) % len(BETAS)]
    aggregate, per_label, details = answers(rule, beta, val_x, val_y, x, y)
    return {
        "name": name, "rule": rule, "beta": beta, "n_labels": y.shape[1],
        "val_logits": [float(t) for t in texts[0]], "val_targets": np.ravel(val_y).astype(int).tolist(),
        "logits": [float(t) for t in texts[1]], "targets": np.ravel(y).astype(int).tolist(),
        "aggregate": aggregate, "per_label": per_label, **details, "weighted": weighted(rng, x, y),
    }


def random_case(rng, idx):
    n_labels = int(rng.integers(1, 6))
    parts = []
    for _ in range(2):
        n = int(rng.integers(2, 31))
        y = rng.random((n, n_labels)) < rng.uniform(0.02, 0.7, n_labels)
        x = rng.normal(0, 2, (n, n_labels)) + rng.uniform(-1, 3) * y - 1
        kind = idx % 4
        if kind == 1:
            x = np.round(x)  # many ties
        elif kind == 2:
            x = np.round(x * 2) / 2
        elif kind == 3:
            x[:, 0] = 0.25  # one label constant
        parts += [x, y]
    rule = ("fixed", "global_f1", "per_label_f1")[idx % 3]
    return case(rng, f"random {idx}", rule, *parts)


def hand_made(rng):
    def one(name, x, y, rule="per_label_f1", val=None):
        x, y = np.array(x, dtype=float), np.array(y, dtype=bool)
        x, y = (x[:, None], y[:, None]) if x.ndim == 1 else (x, y)
        vx, vy = (x, y) if val is None else (np.array(val[0], dtype=float), np.array(val[1], dtype=bool))
        vx, vy = (vx[:, None], vy[:, None]) if vx.ndim == 1 else (vx, vy)
        return case(rng, name, rule, vx, vy, x, y)

    yield one("one image with the label", [0.5], [1])
    yield one("one image without", [0.5], [0])
    yield one("all have it", [1, 2, 3], [1, 1, 1])
    yield one("none has it", [1, 2, 3], [0, 0, 0])
    yield one("perfect order", [3, 2, 1, 0], [1, 1, 0, 0])
    yield one("reversed order", [0, 1, 2, 3], [1, 1, 0, 0])
    yield one("constant scores", [0.7] * 6, [1, 0, 0, 1, 0, 0])
    yield one("constant scores at a half", [0.0] * 5, [1, 0, 0, 1, 0], "global_f1")
    yield one("two groups of ties", [1, 1, 1, -1, -1, -1], [1, 0, 1, 0, 1, 0])
    yield one("tie at the top without a positive", [2, 2, 1, 0], [0, 0, 1, 1])
    yield one("last of many", list(range(20)), [1] + [0] * 19)
    yield one("first of many", list(range(20)), [0] * 19 + [1])
    yield one("sure and right", [50, 60, -50, -60], [1, 1, 0, 0], "fixed")
    yield one("sure and wrong", [50, 60, -50, -60], [0, 0, 1, 1], "fixed")
    yield one("hopelessly sure", [800, -800, 500, -500], [0, 1, 1, 0], "fixed")
    yield one("zero and minus zero", [0.0, -0.0, 0.0, 1.0], [1, 0, 0, 0])
    yield one("nothing said", [-9, -8, -7], [1, 0, 1], "fixed")
    yield one("everything said", [9, 8, 7], [1, 0, 1], "fixed")
    yield one("equal F1 at two thresholds", [3, 2, 1.5, 1], [1, 0, 0, 1])
    yield one("one of three labels empty", [[1, 0, 2], [0, 1, 0], [-1, 2, 1]], [[1, 0, 0], [0, 0, 1], [1, 0, 1]])
    yield one("all labels empty", [[1, 0], [0, 1]], [[0, 0], [0, 0]])
    yield one("label empty on validation only", [[1, 0], [0, 1], [2, -1]], [[1, 0], [0, 1], [1, 1]],
              val=([[1, 0], [0, 1], [-2, 3]], [[1, 0], [0, 0], [1, 0]]))
    yield one("always plastic", [[3, -2, -3]] * 6,
              [[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]], "fixed")
    yield one("images without labels", [[1, -1], [2, 1], [-1, 1]], [[0, 0], [0, 0], [1, 1]], "fixed")
    yield one("one row, three labels tied", [[0.5, 0.5, 0.5]], [[1, 0, 1]])
    yield one("ties across labels", [[1, 1, 0, 0], [0, 1, 0, 1], [2, 2, 2, 2]],
              [[1, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0]], "fixed")
    yield one("same set for two images of three", [[1, -1], [1, -1], [-1, 1]], [[1, 0], [0, 1], [0, 1]], "global_f1")


def main():
    rng = np.random.default_rng(20240611)
    cases = [random_case(rng, i) for i in range(200)] + list(hand_made(rng))
    out = pathlib.Path(__file__).with_name("metrics.json")
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    out.write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
