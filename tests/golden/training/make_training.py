"""Makes `training.json` for `worker/tests/worker/numbers.rs` and `worker/src/train/schedule/mod.rs`: what PyTorch's optimizers,
schedules and losses, torchvision's focal loss, timm's asymmetric loss and average of weights, and a training loop compute.

Versions: torch 2.11.0, torchvision 0.26.0, timm 1.0.31, numpy 2.4.6.

    python make_training.py

Tensors, gradients and pictures are filled by the formula of `../models/make_models.py`, which the test repeats. Settings are
written as the job's JSON has them.
"""

import json
import pathlib
import sys

import numpy as np
import timm
import torch
from timm.loss import AsymmetricLossMultiLabel
from timm.utils import ModelEmaV2
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import lr_scheduler
from torchvision.ops import sigmoid_focal_loss

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "models"))
from make_models import fill, filled, uniform  # noqa: E402

SIDE = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# Name, shape, and layers to the head.
PARAMETERS = {"a.weight": ((3, 2, 2, 2), 2), "b.bias": ((5,), 1), "c.weight": ((4, 3), 0)}


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def optimizer(rule, weight_decay=0.0, decay_norms_and_biases=False, layer_decay=1.0, clip_norm=0.0):
    """Twenty steps on three tensors; the rate falls to a tenth in the middle."""
    parameters = {n: torch.nn.Parameter(fill(n, shape).float()) for n, (shape, _) in PARAMETERS.items()}
    groups = []
    for name, parameter in parameters.items():
        decays = parameter.ndim > 1 or decay_norms_and_biases
        factor = layer_decay ** PARAMETERS[name][1]
        groups.append({"params": [parameter], "factor": factor, "weight_decay": weight_decay if decays else 0.0})
    own = dict(rule)
    name = own.pop("name")
    if "epsilon" in own:
        own["eps"] = own.pop("epsilon")
    optimizer = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "rmsprop": torch.optim.RMSprop,
    }[name](groups, lr=1e-2, **own)
    for step in range(20):
        for group in optimizer.param_groups:
            group["lr"] = (1e-2 if step < 10 else 1e-3) * group["factor"]
        for name, parameter in parameters.items():
            gradient = 2.0 * uniform(f"{name} gradient {step}", parameter.numel()) - 0.9
            parameter.grad = torch.from_numpy(gradient.astype(np.float32)).reshape(parameter.shape)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(parameters.values(), clip_norm)
        optimizer.step()
    settings = {
        "rule": rule,
        "lr": 1e-2,
        "weight_decay": weight_decay,
        "decay_norms_and_biases": decay_norms_and_biases,
        "layer_decay": layer_decay,
    }
    values = {name: numbers(parameter) for name, parameter in parameters.items()}
    return {"settings": settings, "clip_norm": clip_norm, "parameters": values}


def optimizers():
    adam = {"name": "adam", "betas": [0.9, 0.999], "epsilon": 1e-8}
    adamw = {**adam, "name": "adamw"}
    sgd = {"name": "sgd", "momentum": 0.9, "nesterov": False}
    rmsprop = {"name": "rmsprop", "alpha": 0.99, "epsilon": 1e-8, "momentum": 0.0, "centered": False}
    return [
        optimizer(adam),
        optimizer(adam, weight_decay=0.01, decay_norms_and_biases=True),
        optimizer(adam, weight_decay=0.01),
        optimizer({**adam, "betas": [0.8, 0.95], "epsilon": 1e-3}),
        optimizer(adamw, weight_decay=0.1),
        optimizer(adamw, weight_decay=0.1, decay_norms_and_biases=True),
        optimizer(adamw, weight_decay=0.1, layer_decay=0.5),
        optimizer({**sgd, "momentum": 0.0}),
        optimizer({**sgd, "momentum": 0.0}, clip_norm=0.5),
        optimizer(sgd, weight_decay=0.1),
        optimizer({**sgd, "nesterov": True}, weight_decay=0.1, decay_norms_and_biases=True, layer_decay=0.75),
        optimizer(rmsprop),
        optimizer({**rmsprop, "momentum": 0.9}, weight_decay=0.1),
        optimizer({**rmsprop, "alpha": 0.9, "momentum": 0.5, "centered": True}, clip_norm=1.0),
    ]


def loss(settings, function):
    """A batch of seven weighted rows with targets between 0 and 1, and the same as a part: no weights, 0 or 1."""
    logits = fill("cotangent", (7, 3)).float().requires_grad_()
    targets = torch.from_numpy((uniform("targets", 21) < 0.4).astype(np.float32)).reshape(7, 3)
    mixed = torch.from_numpy(uniform("mixed", 21).astype(np.float32)).reshape(7, 3)
    weights = torch.from_numpy(uniform("weights", 7).astype(np.float32)).reshape(7, 1)
    mean = (function(logits, torch.lerp(targets, mixed, 0.25), True) * weights).mean()
    mean.backward()
    part = function(logits.detach().double(), targets.double(), False).mean()
    return {**settings, "loss": mean.item(), "gradient": numbers(logits.grad), "part": part.item()}


def losses():
    def bce(smoothing, positive_weights):
        def function(logits, targets, training):
            if training:
                targets = targets * (1.0 - smoothing) + smoothing / 2.0
            weight = torch.tensor(positive_weights).to(logits.dtype) if positive_weights else None
            return binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")

        settings = {"name": "bce", "positive_weights": "none", "smoothing": smoothing}
        return loss({"settings": settings, "positive_weights": positive_weights}, function)

    def focal(gamma, alpha):
        def function(logits, targets, _):
            return sigmoid_focal_loss(logits, targets, alpha=-1 if alpha is None else alpha, gamma=gamma)

        return loss({"settings": {"name": "focal", "gamma": gamma, "alpha": alpha}, "positive_weights": []}, function)

    def asymmetric(gamma_negative, gamma_positive, clip):
        # timm computes in 32-bit floats always. The authors let no gradient through the focusing weights.
        module = AsymmetricLossMultiLabel(
            gamma_negative, gamma_positive, clip, disable_torch_grad_focal_loss=True, reduction="none"
        )
        settings = {"gamma_negative": gamma_negative, "gamma_positive": gamma_positive, "clip": clip}
        settings = {"settings": {"name": "asymmetric", **settings}, "positive_weights": []}
        return loss(settings, lambda logits, targets, _: module(logits, targets))

    return [
        bce(0.0, []),
        bce(0.1, []),
        bce(0.2, [0.5, 2.0, 7.0]),
        focal(2.0, 0.25),
        focal(1.5, None),
        asymmetric(4.0, 1.0, 0.05),
        asymmetric(2.0, 0.0, 0.0),
        asymmetric(1.5, 0.5, 0.2),
    ]


def schedule(settings, peak, epochs, make, epoch_steps=1, per_step=False, losses=()):
    """The rate of every step; `make` gives the scheduler of an optimizer."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=peak)
    scheduler = make(optimizer)
    rates = []
    for epoch in range(epochs):
        for _ in range(epoch_steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_step:
                scheduler.step()
        if losses:
            scheduler.step(losses[epoch])
        elif not per_step:
            scheduler.step()
    result = {"schedule": settings, "peak": peak, "epochs": epochs, "epoch_steps": epoch_steps, "rates": rates}
    return {**result, "losses": list(losses)} if losses else result


def study_rate(epoch, lr_start, lr_max, lr_min, lr_ramp_ep, lr_sus_ep, lr_decay):
    """The study's `lr_function`."""
    if epoch < lr_ramp_ep:
        return (lr_max - lr_start) / lr_ramp_ep * epoch + lr_start
    if epoch < lr_ramp_ep + lr_sus_ep:
        return lr_max
    return (lr_max - lr_min) * lr_decay ** (epoch - lr_ramp_ep - lr_sus_ep) + lr_min


def schedules():
    def exponential(start_lr, peak, min_lr, warmup, hold, decay, epochs):
        settings = {"name": "exponential", "start_lr": start_lr, "min_lr": min_lr, "warmup_epochs": warmup}
        settings |= {"hold_epochs": hold, "decay": decay}
        rates = [study_rate(epoch, start_lr, peak, min_lr, warmup, hold, decay) for epoch in range(epochs)]
        return {"schedule": settings, "peak": peak, "epochs": epochs, "epoch_steps": 1, "rates": rates}

    def cosine(peak, min_lr, epochs, cycle, factor):
        settings = {"name": "cosine", "warmup_epochs": 0, "start_lr": 0.0, "min_lr": min_lr}
        settings |= {"cycle_epochs": cycle, "cycle_factor": factor}
        length = cycle or epochs

        def make(optimizer):
            return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, length, factor, eta_min=min_lr)

        return schedule(settings, peak, epochs, make)

    def one_cycle(peak, epochs, epoch_steps, rise, start, end):
        settings = {"name": "one_cycle", "rise": rise, "start_divisor": start, "end_divisor": end}

        def make(optimizer):
            return lr_scheduler.OneCycleLR(
                optimizer, peak, total_steps=epochs * epoch_steps, pct_start=rise,
                cycle_momentum=False, div_factor=start, final_div_factor=end,
            )

        return schedule(settings, peak, epochs, make, epoch_steps, per_step=True)

    def polynomial(peak, epochs, power):
        settings = {"name": "polynomial", "power": power, "min_lr": 0.0}
        return schedule(settings, peak, epochs, lambda optimizer: lr_scheduler.PolynomialLR(optimizer, epochs, power))

    def plateau(metric, mode, peak, factor, patience, threshold, min_lr, losses):
        settings = {"name": "plateau", "metric": metric, "factor": factor, "patience": patience}
        settings |= {"threshold": threshold, "min_lr": min_lr}

        def make(optimizer):
            return lr_scheduler.ReduceLROnPlateau(optimizer, mode, factor, patience, threshold, min_lr=min_lr)

        return schedule(settings, peak, len(losses), make, epoch_steps=2, losses=losses)

    step = {"name": "step", "step_epochs": 3, "gamma": 0.3}
    falling = [1.0, 0.9, 0.89999, 0.89998, 0.7, 0.71, 0.72, 0.7, 0.7, 0.7, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]
    return [
        schedule(step, 1e-2, 10, lambda optimizer: lr_scheduler.StepLR(optimizer, 3, 0.3)),
        exponential(1e-6, 1e-4, 1e-6, 3, 0, 0.8, 20),
        exponential(1e-5, 1e-3, 1e-6, 5, 4, 0.7, 20),
        cosine(1e-3, 0.0, 12, 0, 1),
        cosine(1e-3, 1e-5, 20, 3, 2),
        cosine(1e-3, 1e-5, 20, 4, 1),
        one_cycle(1e-2, 5, 7, 0.3, 25.0, 1e4),
        one_cycle(1e-2, 4, 3, 0.25, 10.0, 100.0),
        polynomial(1e-3, 10, 1.0),
        polynomial(1e-3, 10, 2.5),
        plateau("val_loss", "min", 1e-2, 0.1, 1, 1e-4, 1e-5, falling),
        plateau("val_loss", "min", 1e-2, 0.5, 0, 0.05, 1e-3, falling),
    ]


def average():
    """Three updates of an average; the network's tensors are filled anew before each."""
    model = filled(timm.create_model("resnet18", num_classes=3)).float()
    average = ModelEmaV2(model, decay=0.9)
    state = model.state_dict()
    for update in range(3):
        for name, tensor in state.items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(fill(f"{update} {name}", tuple(tensor.shape)))
        average.update(model)
    names = ["conv1.weight", "bn1.weight", "bn1.running_var", "layer1.0.bn2.bias", "fc.weight", "fc.bias"]
    return {name: numbers(average.module.state_dict()[name])[:64] for name in names}


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
    golden = {
        "optimizers": optimizers(),
        "losses": losses(),
        "schedules": schedules(),
        "average": average(),
        "loss_curve": loss_curve(),
    }
    (HERE / "training.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
