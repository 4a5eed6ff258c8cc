"""Makes the golden files of `worker/tests/models/attention.rs`: what pytorch-grad-cam computes.

Versions: grad-cam 1.5.7, torch 2.11.0, timm 1.0.31, torchvision 0.26.0, numpy 2.4.6, opencv-python-headless 5.0.0.93,
safetensors 0.8.0.

    python make_attention.py [../../../../shared/data/weights/squeezenet1_1_imagenet.safetensors]

Weights and pictures are those of `../models/make_models.py`: filled by a formula of names and shapes, in 64-bit floats. For
each picture the label is the first one whose maps are not 0 everywhere. Of each map every eighth pixel of every eighth row is
kept, from the fourth on. With the path of real weights, `squeezenet1_1_imagenet.json` is made too, in 32-bit floats.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "models"))

import timm
import torch
import torchvision
from make_models import LABELS, TIMM, fill, filled, squeezenet
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

PICTURES = 2
SIDE = 96
# Of this network a side that no step divides.
ODD_SIDE = {"inception_v3": 107}
METHODS = [("grad_cam", GradCAM), ("grad_cam_plus_plus", GradCAMPlusPlus)]


def maps(model, layer, method, pictures, labels):
    with method(model=model, target_layers=[layer]) as cam:
        return cam(input_tensor=pictures, targets=[ClassifierOutputTarget(label) for label in labels])


def thinned(map_hw):
    return [float(f"{value:.6g}") for value in map_hw[3::8, 3::8].reshape(-1)]


def first_shown(model, layer, pictures, n_labels):
    """The first label of each picture whose maps are not 0 everywhere."""
    labels = []
    for i in range(len(pictures)):
        shown = [j for j in range(n_labels) if all(maps(model, layer, m, pictures[i : i + 1], [j]).max() > 0.5 for _, m in METHODS)]
        labels.append(shown[0])
    return labels


def golden(model, layers, pictures, n_labels):
    model.eval()
    cases = []
    for name, layer in layers:
        labels = first_shown(model, layer, pictures, n_labels)
        for method_name, method in METHODS:
            found = maps(model, layer, method, pictures, labels)
            assert found.shape == (len(pictures), *pictures.shape[2:])
            cases.append({"layer": name, "method": method_name, "labels": labels, "maps": [thinned(m) for m in found]})
    return cases


def write(name, side, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / f"{name}.json").write_text(f'{{"side": {side}, "cases": [\n{lines}\n]}}\n')


# The last convolution's features and a layer before them, under our names, with the module that pytorch-grad-cam listens to.
LAYERS = {
    "convnext_tiny": lambda m: [("stages.3", m.stages[3]), ("stages.2.blocks.4", m.stages[2].blocks[4])],
    "efficientnet_b0": lambda m: [("conv_head", m.bn2), ("blocks.4", m.blocks[4])],
    "efficientnet_v2_b0": lambda m: [("conv_head", m.bn2), ("blocks.3.1", m.blocks[3][1])],
    "efficientnet_v2_b1": lambda m: [("conv_head", m.bn2), ("blocks.4", m.blocks[4])],
    "efficientnet_v2_b3": lambda m: [("conv_head", m.bn2), ("blocks.5", m.blocks[5])],
    "inception_v3": lambda m: [("Mixed_7c", m.Mixed_7c), ("Mixed_6e", m.Mixed_6e)],
    "mobilenet_v3_large": lambda m: [("blocks.6", m.blocks[6]), ("blocks.4", m.blocks[4])],
    "mobilenet_v3_small": lambda m: [("blocks.5", m.blocks[5]), ("blocks.3", m.blocks[3])],
    "resnet18": lambda m: [("layer4", m.layer4), ("layer3.0", m.layer3[0])],
    "resnet34": lambda m: [("layer4", m.layer4), ("layer3", m.layer3)],
    "resnet50": lambda m: [("layer4", m.layer4), ("layer2", m.layer2)],
    "vgg16": lambda m: [("features.28", m.features[29]), ("features.21", m.features[22])],
}
SQUEEZENET = lambda m: [("features.12", m.features[12]), ("features.7", m.features[7])]


def imagenet(path):
    from safetensors.torch import load_file

    model = torchvision.models.squeezenet1_1(dropout=0.0)
    model.load_state_dict(load_file(path))
    model.classifier[2] = torch.nn.Identity()
    pictures = fill("pictures", (PICTURES, 3, SIDE, SIDE)).float()
    return golden(model, SQUEEZENET(model), pictures, 40)


if __name__ == "__main__":
    torch.manual_seed(0)
    for ours, theirs, *_ in TIMM:
        side = ODD_SIDE.get(ours, SIDE)
        model = filled(timm.create_model(theirs, num_classes=LABELS))
        write(ours, side, golden(model, LAYERS[ours](model), fill("pictures", (PICTURES, 3, side, side)), LABELS))
    model = filled(squeezenet(LABELS))
    write("squeezenet1_1", SIDE, golden(model, SQUEEZENET(model), fill("pictures", (PICTURES, 3, SIDE, SIDE)), LABELS))
    if len(sys.argv) > 1:
        write("squeezenet1_1_imagenet", SIDE, imagenet(sys.argv[1]))
