"""Mixup and cutmix by torchvision's own classes (`transforms.v2`), for given draws: makes `batch.json`.

The beta draw and the centre of the rectangle are put in the way of `make_params`. Versions as in `requirements.txt`.
"""

import json
from unittest import mock

import torch
from torchvision.transforms import v2

from pictures import HERE


class Answer:
    def __init__(self, value):
        self.value = value

    def sample(self, _):
        return torch.tensor([self.value], dtype=torch.float64)


def patch(own, centre, size):
    width, height = size
    op = v2.CutMix(num_classes=2)
    op._dist = Answer(own)
    places = [int(centre[0] * width), int(centre[1] * height)]
    with mock.patch("torch.randint", lambda *_, **__: torch.tensor(places.pop(0))):
        params = op.make_params([torch.zeros(2, 3, height, width)])
    return {
        "own": own,
        "centre": centre,
        "size": size,
        "patch": list(params["box"]),
        "own_adjusted": params["lam_adjusted"],
    }


def targets(own, rows, labels, seed):
    generator = torch.Generator().manual_seed(seed)
    before = torch.randint(0, 2, (rows, labels), generator=generator).float()
    op = v2.MixUp(num_classes=labels)
    after = op._mixup_label(before.clone(), lam=own)
    return {"own": own, "rows": rows, "before": before.flatten().tolist(), "after": after.flatten().tolist()}


def main():
    sizes = [(1, 1), (1, 7), (7, 7), (32, 32), (33, 20), (224, 224)]
    shares = [0.0, 1e-6, 0.1, 0.3, 0.5, 0.75, 0.9, 0.999, 1.0]
    centres = [(0.0, 0.0), (0.5, 0.5), (0.999, 0.001), (0.25, 0.9), (0.1, 0.1), (0.7, 0.3)]
    golden = {
        "patches": [patch(own, centre, size) for size in sizes for own in shares for centre in centres],
        "targets": [
            targets(own, rows, labels, seed)
            for seed, (own, rows, labels) in enumerate(
                [(0.0, 3, 2), (1.0, 3, 2), (0.3, 2, 4), (0.62, 5, 3), (0.5, 1, 3), (0.9, 8, 6)]
            )
        ],
    }
    (HERE / "batch.json").write_text(json.dumps(golden) + "\n")


main()
