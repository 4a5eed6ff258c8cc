"""Makes the golden files of `worker/tests/models.rs`: what timm and torchvision compute.

Versions: torch 2.11.0, timm 1.0.31, torchvision 0.26.0, safetensors 0.8.0, numpy 2.4.6.

    python make_models.py [../../../../shared/data/weights/squeezenet1_1_imagenet.safetensors]

No weights are stored. Every tensor, the pictures included, is filled by a formula of its name and shape, which
the test repeats. Everything is computed in 64-bit floats, so that the numbers do not depend on the kernels of the
machine that made them. With the path of real weights, `squeezenet1_1_imagenet.json` is made too.
"""

import json
import pathlib
import sys

import numpy as np
import timm
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
LABELS = 5
SIDE = 64


def uniform(name, count):
    """`count` numbers in [0, 1): SplitMix64 of (FNV-1a of the name) + index, the upper 24 bits."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    z = np.uint64(state) + np.arange(count, dtype=np.uint64)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24


def fill(name, shape):
    u = uniform(name, int(np.prod(shape)))
    if name in ("pictures", "cotangent"):
        values = 4.0 * u - 2.0
    elif len(shape) > 1:
        values = (2.0 * u - 1.0) * np.sqrt(6.0 / np.prod(shape[1:]))
    elif name.endswith("running_var") or name.endswith("weight"):
        values = 0.5 + u
    else:
        values = 0.2 * (u - 0.5)
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(shape)


def filled(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = fill(name, tuple(tensor.shape))
    model.double().load_state_dict(state)
    return model


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().reshape(-1).tolist()]


def golden(model, full, side=SIDE):
    pictures = fill("pictures", (4, 3, side, side))
    filled(model).eval()
    state = {n: t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}
    result = {
        "tensors": [[name, list(tensor.shape)] for name, tensor in state.items()],
        "parameters": sum(p.numel() for p in model.parameters()),
        "eval_logits": numbers(model(pictures)),
    }
    model.train()
    logits = model(pictures)
    (logits * fill("cotangent", tuple(logits.shape))).sum().backward()
    result["train_logits"] = numbers(logits)
    grads = {name: p.grad for name, p in model.named_parameters()}
    result["gradients"] = {n: numbers(torch.stack([g.norm(), g.reshape(-1)[0], g.sum()])) for n, g in grads.items()}
    result["full_gradient"] = [full, numbers(grads[full])]
    result["running_norms"] = {n: numbers(t.norm())[0] for n, t in model.state_dict().items() if "running" in n}
    return result


def squeezenet(labels):
    """torchvision's, without the ReLU behind the classifier and without dropout."""
    model = torchvision.models.squeezenet1_1(num_classes=labels, dropout=0.0)
    model.classifier[2] = torch.nn.Identity()
    return model


def imagenet(path):
    from safetensors.torch import load_file

    model = torchvision.models.squeezenet1_1(dropout=0.0)
    model.load_state_dict(load_file(path))
    model.double().eval()
    pictures = fill("pictures", (4, 3, SIDE, SIDE))
    with torch.no_grad():
        cut = model(pictures)
        model.classifier[2] = torch.nn.Identity()
        logits = model(pictures)
    return {"logits": numbers(logits[:, ::40]), "cut_logits": numbers(cut[:, ::40]), "top": logits.argmax(1).tolist()}


def write(name, content):
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    (HERE / f"{name}.json").write_text("{\n" + lines + "\n}\n")


# Our name, timm's, the gradient that is written down in full, and the side of the pictures where it is not `SIDE`.
TIMM = [
    ("convnext_tiny", "convnext_tiny", "stages.1.blocks.2.gamma"),
    ("efficientnet_b0", "efficientnet_b0", "blocks.2.1.se.conv_expand.bias"),
    ("efficientnet_v2_b0", "tf_efficientnetv2_b0", "blocks.3.1.se.conv_reduce.bias"),
    ("efficientnet_v2_b1", "tf_efficientnetv2_b1", "blocks.0.1.bn1.weight"),
    ("efficientnet_v2_b3", "tf_efficientnetv2_b3", "blocks.1.2.bn2.bias"),
    ("inception_v3", "inception_v3", "Mixed_7b.branch3x3_2b.bn.weight", 107),
    ("mobilenet_v3_large", "mobilenetv3_large_100", "blocks.2.0.se.conv_reduce.weight"),
    ("mobilenet_v3_small", "mobilenetv3_small_100", "blocks.0.0.se.conv_reduce.weight"),
    ("resnet18", "resnet18", "layer2.0.bn1.weight"),
    ("resnet34", "resnet34", "layer3.5.bn2.bias"),
    ("resnet50", "resnet50", "layer3.0.downsample.1.weight"),
    ("vgg16", "vgg16", "features.0.bias"),
]

if __name__ == "__main__":
    torch.manual_seed(0)
    for ours, theirs, full, *side in TIMM:
        model = timm.create_model(theirs, num_classes=LABELS)
        write(ours, golden(model, full, *side) | {"normalisation": [model.default_cfg["mean"], model.default_cfg["std"]]})
    write("squeezenet1_1", golden(squeezenet(LABELS), "features.12.squeeze.bias"))
    if len(sys.argv) > 1:
        write("squeezenet1_1_imagenet", imagenet(sys.argv[1]))
