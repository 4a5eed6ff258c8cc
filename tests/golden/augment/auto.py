"""Published policies, by torchvision's own classes (`transforms.v2`) on 8-bit tensors.

What they draw is put in their way: `torch.randint`, `torch.rand` and AugMix's Dirichlet draws answer from lists, so that
choices, magnitudes, signs and weights are those of the case. `auto_magnitudes.json` holds all magnitudes of all spaces.
"""

import json
from unittest import mock

import numpy as np
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import AutoAugmentPolicy, InterpolationMode

from pictures import HERE, write

torch.set_num_threads(1)

SIGNED = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness")
LEVELS = ("Posterize", "Solarize")
PLAIN = ("Identity", "AutoContrast", "Equalize")
POLICIES = {
    "imagenet": AutoAugmentPolicy.IMAGENET,
    "cifar10": AutoAugmentPolicy.CIFAR10,
    "svhn": AutoAugmentPolicy.SVHN,
}


def call(op, integers=(), uniforms=(), weights=()):
    """The op with these draws."""

    def function(image):
        whole, real, shares = list(integers), list(uniforms), list(weights)
        tensor = torch.from_numpy(image).permute(2, 0, 1).contiguous()

        def dirichlet(_):
            return torch.tensor([shares.pop(0)], dtype=torch.float32)

        with (
            mock.patch("torch.randint", lambda *_, **__: torch.tensor(whole.pop(0))),
            mock.patch("torch.rand", lambda *_, **__: torch.tensor(real.pop(0))),
            mock.patch("torch._sample_dirichlet", dirichlet),
        ):
            result = op(tensor)
        assert not whole and not real and not shares, (whole, real, shares)
        return np.ascontiguousarray(result.permute(1, 2, 0).numpy())

    return function


def chosen(space, kind, bin=None, negative=None):
    """What is drawn for one change: which, on which step, with which sign."""
    integers = [list(space).index(kind)] + ([bin] if bin is not None else [])
    return integers, [0.25 if negative else 0.75] if negative is not None else []


def trivial(kind, bin=None, negative=None, bins=31, interpolation="nearest"):
    mode = InterpolationMode(interpolation)
    op = v2.TrivialAugmentWide(num_magnitude_bins=bins, interpolation=mode)
    params = {"kind": kind, "bins": bins, "bin": bin or 0, "negative": bool(negative), "interpolation": interpolation}
    return "trivial_augment_wide", params, call(op, *chosen(op._AUGMENTATION_SPACE, kind, bin, negative))


def cases():
    for kind in SIGNED:
        # 8 and 24 are those of the shears on which places lie in the middle between pixels.
        for bin, negative in ((3, False), (11, True), (21, False), (30, True)):
            yield trivial(kind, bin, negative)
    for kind in LEVELS:
        for bin in (0, 9, 17, 30):
            yield trivial(kind, bin)
    for kind in PLAIN:
        yield trivial(kind)
    for kind in ("ShearX", "ShearY", "Rotate"):
        for bin, negative in ((8, False), (19, True)):
            yield trivial(kind, bin, negative, interpolation="bilinear")
    for bin in (8, 24):
        yield trivial("ShearX", bin, False)

    # Steps that depend on the sides of the picture, two changes one after the other.
    op = v2.RandAugment(num_ops=2, magnitude=9)
    for first, second in (("TranslateX", "Rotate"), ("Color", "TranslateY"), ("Sharpness", "Solarize")):
        integers, uniforms = [], []
        kinds = []
        for kind, negative in ((first, True), (second, False)):
            which, sign = chosen(op._AUGMENTATION_SPACE, kind, None, negative if kind in SIGNED else None)
            integers += which
            uniforms += sign
            kinds.append({"kind": kind, "negative": negative and kind in SIGNED})
        yield "rand_augment", {"bins": 31, "bin": 9, "kinds": kinds}, call(op, integers, uniforms)

    for name, pair in (("imagenet", 7), ("imagenet", 16), ("imagenet", 17), ("cifar10", 3), ("cifar10", 12), ("svhn", 6)):
        op = v2.AutoAugment(policy=POLICIES[name])
        uniforms = []
        for kind, _, _ in op._policies[pair]:
            uniforms += [0.0] + ([0.25] if kind in SIGNED else [])
        params = {"policy": name, "pair": pair}
        yield "auto_augment", params, call(op, [pair], uniforms)

    for severity, depth, all_ops, halves, shares, chains in (
        (3, 2, True, (0.4, 0.6), (0.5, 0.3, 0.2), ((("Rotate", 2, True), ("Posterize", 0)),
         (("Equalize",), ("Sharpness", 1, False)), (("ShearX", 2, False), ("TranslateY", 1, True)))),
        (10, 1, False, (0.7, 0.3), (0.05, 0.95), ((("TranslateX", 9, False),), (("Solarize", 6),))),
        (10, 1, True, (0.1, 0.9), (1.0,), ((("Contrast", 5, True),),)),
    ):
        op = v2.AugMix(severity=severity, mixture_width=len(shares), chain_depth=depth, all_ops=all_ops)
        space = op._AUGMENTATION_SPACE if all_ops else op._PARTIAL_AUGMENTATION_SPACE
        integers, uniforms, told = [], [], []
        for chain in chains:
            for change in chain:
                which, sign = chosen(space, *change)
                integers += which
                uniforms += sign
            told.append([{"kind": c[0], "bin": c[1] if len(c) > 1 else 0, "negative": len(c) > 2 and c[2]} for c in chain])
        params = {"halves": halves, "shares": shares, "chains": told}
        yield "aug_mix", params, call(op, integers, uniforms, [list(halves), list(shares)])


def magnitudes():
    """Every magnitude of every space, for some numbers of steps and sides."""
    spaces = {
        "rand": v2.RandAugment._AUGMENTATION_SPACE,
        "wide": v2.TrivialAugmentWide._AUGMENTATION_SPACE,
        "learnt": v2.AutoAugment._AUGMENTATION_SPACE,
        "mix": v2.AugMix._AUGMENTATION_SPACE,
        "mix_part": v2.AugMix._PARTIAL_AUGMENTATION_SPACE,
    }
    for name, space in spaces.items():
        for bins in (10,) if name.startswith("mix") or name == "learnt" else (2, 9, 31, 100):
            for kind, (steps, signed) in space.items():
                for width, height in ((224, 224), (33, 20)):
                    found = steps(bins, height, width)
                    values = None if found is None else [float(value) for value in found]
                    if (width, height) == (224, 224) or kind.startswith("Translate"):
                        yield {"space": name, "bins": bins, "kind": kind, "signed": signed, "width": width,
                               "height": height, "values": values}


if __name__ == "__main__":
    rows = ",\n".join(json.dumps(row) for row in magnitudes())
    (HERE / "auto_magnitudes.json").write_text(f"[\n{rows}\n]\n")
    write("auto", cases)
