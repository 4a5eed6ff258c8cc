"""Makes the TorchScript modules of `worker/tests/models/scripts.rs`, and what PyTorch computes with them.

Versions: torch 2.11.0, numpy 2.4.6.

    python make_scripts.py

Weights and pictures are filled by the formula of `make_models.py`, under the names that the test sees.
"""

import json
import pathlib

import torch

from make_models import fill, numbers

HERE = pathlib.Path(__file__).parent
SIDE = 16


class Net(torch.nn.Module):
    """Two convolutions with batch norms; a counter and a table that do not train, and two names for one factor."""

    def __init__(self, gives: str):
        super().__init__()
        self.gives = gives
        self.stem = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.conv = torch.nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.bn2 = torch.nn.BatchNorm2d(6)
        self.drop = torch.nn.Dropout(0.5)
        self.fc = torch.nn.Linear(6, 3) if gives == "logits" else torch.nn.Identity()
        self.register_buffer("order", torch.arange(5, -1, -1))
        self.factor = torch.nn.Parameter(torch.ones(6))
        self.again = self.factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.stem(x)))
        x = torch.relu(self.bn2(self.conv(x)))[:, self.order] * self.again.view(1, -1, 1, 1)
        if self.gives == "map":
            return x
        x = self.drop(x.mean([2, 3])) if self.gives == "features" else x.mean([2, 3])
        return self.fc(x)


class Pair(torch.nn.Module):
    def forward(self, x: torch.Tensor):
        return x, x


class Picky(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == 32, "only pictures of 32 x 32"
        return x.mean([2, 3])


def filled(gives):
    net = Net(gives)
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = fill(name, tuple(tensor.shape)).float()
    net.load_state_dict(state)
    return net


def save(net, name):
    torch.jit.script(net.eval()).save(str(HERE / f"script_{name}.pt"))


if __name__ == "__main__":
    result = {}
    pictures = fill("pictures", (4, 3, SIDE, SIDE)).float()
    for gives in ["features", "map", "logits"]:
        net = filled(gives)
        save(net, gives)
        with torch.no_grad():
            result[gives] = {"eval": numbers(net.eval()(pictures))}
    net = filled("logits").train()
    logits = net(pictures)
    (logits * fill("cotangent", tuple(logits.shape)).float()).sum().backward()
    result["logits"]["train"] = numbers(logits)
    result["logits"]["gradients"] = {n: numbers(p.grad.norm())[0] for n, p in net.named_parameters()}
    result["logits"]["running_mean"] = numbers(net.bn1.running_mean)
    save(filled("features").half(), "half")
    save(Pair(), "pair")
    save(Picky(), "picky")
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())
    (HERE / "scripts.json").write_text("{\n" + lines + "\n}\n")
