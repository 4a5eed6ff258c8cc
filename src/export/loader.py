"""What the model says of photos: python predict.py PHOTO...    Needs PyTorch and Pillow."""
import json, pathlib, sys, torch
from PIL import Image, ImageOps

config = json.loads(pathlib.Path(__file__).with_name("config.json").read_text(encoding="utf-8"))
numbers = {**config["preprocessing"], **config["calibration"]}
mean, std, slope, shift = (torch.tensor(numbers[key]) for key in ("mean", "std", "slope", "shift"))
model = torch.jit.load(pathlib.Path(__file__).with_name("model.torchscript.pt"), map_location="cpu").eval()

def load(path):  # [3, side, side], normalised
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    square = {pillow}
    values = torch.frombuffer(bytearray(square.tobytes()), dtype=torch.uint8).view(*square.size, 3)
    return ((values / 255 - mean) / std).permute(2, 0, 1)

def logits(paths):  # [photos, labels]
    return model(torch.stack([load(path) for path in paths])).detach()

for path in sys.argv[1:] if __name__ == "__main__" else []:
    said = zip(config["labels"], (logits([path])[0].double() * slope + shift).sigmoid().tolist(), config["thresholds"])
    print(path, *(f"{label} {p:.3f}{'*' if p >= threshold else ''}" for label, p, threshold in said), sep="  ")
