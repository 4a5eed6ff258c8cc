"""Makes `training.json` for `worker/tests/training.rs`: what PyTorch's Adam, loss and training loop compute.

Versions: torch 2.11.0, timm 1.0.31, numpy 2.4.6.

    python make_training.py

Tensors, gradients and pictures are filled by the formula of `../models/make_models.py`, which the test repeats.
"""

import json
import pathlib
import sys

import numpy as np
import timm
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "models"))
from make_models import fill, filled, uniform  # noqa: E402

SIDE = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def adam(weight_decay):
    """Twenty steps on three tensors; the rate falls to a tenth in the middle."""
    shapes = {"a.weight": (3, 2, 2, 2), "b.bias": (5,), "c.weight": (4, 3)}
    parameters = {n: torch.nn.Parameter(fill(n, s).float()) for n, s in shapes.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=1e-2, weight_decay=weight_decay)
    for step in range(20):
        optimizer.param_groups[0]["lr"] = 1e-2 if step < 10 else 1e-3
        for name, parameter in parameters.items():
            gradient = 2.0 * uniform(f"{name} gradient {step}", parameter.numel()) - 0.9
            parameter.grad = torch.from_numpy(gradient.astype(np.float32)).reshape(parameter.shape)
        optimizer.step()
    return {name: numbers(parameter) for name, parameter in parameters.items()}


def bce():
    logits = fill("cotangent", (7, 3)).float().requires_grad_()
    targets = torch.from_numpy((uniform("targets", 21) < 0.4).astype(np.float32)).reshape(7, 3)
    weights = torch.from_numpy(uniform("weights", 7).astype(np.float32)).reshape(7, 1)
    loss = binary_cross_entropy_with_logits(logits, targets, weight=weights)
    loss.backward()
    return {"loss": loss.item(), "gradient": numbers(logits.grad)}


def loss_curve():
    """resnet18, 3 epochs of 24 pictures in fixed order, no augmentation: the mean loss of each epoch.

    In 64-bit floats. Adam's first steps follow the sign of a gradient, however small, so that two 32-bit runs of
    PyTorch itself (another memory layout) drift apart; at this rate by less than 2e-4.
    """
    model = filled(timm.create_model("resnet18", num_classes=3)).train()
    bytes_ = np.floor(256.0 * uniform("photos", 24 * SIDE * SIDE * 3))
    images = torch.from_numpy(bytes_).reshape(24, SIDE, SIDE, 3).permute(0, 3, 1, 2) / 255.0
    images = (images - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)
    targets = torch.from_numpy((uniform("labels", 72) < 0.4).astype(np.float64)).reshape(24, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    curve = []
    for _ in range(3):
        total = 0.0
        for start in range(0, 24, 8):
            loss = binary_cross_entropy_with_logits(model(images[start : start + 8]), targets[start : start + 8])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * 8
        curve.append(total / 24)
    return curve


def main():
    golden = {"adam": {"0": adam(0.0), "0.01": adam(0.01)}, "bce": bce(), "loss_curve": loss_curve()}
    (HERE / "training.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
