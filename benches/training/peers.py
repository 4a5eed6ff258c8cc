"""Training steps of PyTorch eager beside ours, in turns, on the same threads.

    pip install -r benches/training/requirements.txt
    cargo bench -p ablatrix-worker --bench training --no-run      # prints OURS
    python benches/training/peers.py OURS [SIDE BATCH THREADS SECONDS ROUNDS [PRECISION]]

Each number is the median over rounds of images per second: of wall time, and of processor time times threads
(which a busy machine disturbs less). `default` is what most scripts do (NCHW, Adam's loop over tensors), `tuned`
is channels_last with fused Adam. PRECISION is `fp32` or `bf16` (autocast, for all). All make uint8 batches to normalised floats within the step.
"""

import json
import statistics
import subprocess
import sys
import time

import timm
import torch
import torchvision
from torch.nn.functional import binary_cross_entropy_with_logits as bce

LABELS = 6
MODELS = {
    "mobilenet_v3_small": lambda: timm.create_model("mobilenetv3_small_100", num_classes=LABELS),
    "resnet18": lambda: timm.create_model("resnet18", num_classes=LABELS),
    "efficientnet_v2_b1": lambda: timm.create_model("tf_efficientnetv2_b1", num_classes=LABELS),
    "squeezenet1_1": lambda: torchvision.models.squeezenet1_1(num_classes=LABELS, dropout=0.0),
}


class Peer:
    def __init__(self, name, side, batch, tuned, precision):
        self.model = MODELS[name]().train()
        if tuned:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.tuned, self.batch, self.half = tuned, batch, precision == "bf16"
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-4, fused=tuned or None)
        self.pictures = torch.randint(0, 256, (256, side, side, 3), dtype=torch.uint8)
        self.targets = (torch.rand(256, LABELS) < 0.3).float()
        self.mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)

    def step(self, start):
        images = self.pictures[start : start + self.batch].permute(0, 3, 1, 2)
        images = images.float() if self.tuned else images.contiguous().float()
        images = images.div_(255).sub_(self.mean).div_(self.std)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.half):
            logits = self.model(images)
        loss = bce(logits.float(), self.targets[start : start + self.batch])
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.item()

    def measure(self, seconds):
        self.step(0), self.step(0)
        images, wall, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - wall < seconds:
            for start in range(0, 256, self.batch):
                self.step(start)
                images += self.batch
        return {"images": images, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def ours(path, name, side, batch, threads, seconds, precision):
    command = [path, name, str(side), str(batch), str(threads), "0", "none", str(seconds), precision]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    path = sys.argv[1]
    side, batch, threads, seconds, rounds = [int(a) for a in sys.argv[2:7]] or [96, 32, 1, 5, 3]
    precision = sys.argv[7] if len(sys.argv) > 7 else "fp32"
    torch.set_num_threads(threads)
    print(f"{side} px, batch {batch}, {threads} threads, {precision}: images/s of wall time (of processor time x threads)")
    for name in MODELS:
        peers = {"default": Peer(name, side, batch, False, precision), "tuned": Peer(name, side, batch, True, precision)}
        found = {}
        for _ in range(rounds):
            results = {"ours": ours(path, name, side, batch, threads, seconds, precision)}
            results |= {peer: peers[peer].measure(seconds) for peer in peers}
            for who, r in results.items():
                pair = (r["images"] / r["wall_s"], r["images"] / r["cpu_s"] * threads)
                found.setdefault(who, []).append(pair)
        cells = []
        for who, pairs in found.items():
            wall, cpu = (statistics.median(column) for column in zip(*pairs))
            cells.append(f"{who} {wall:.0f} ({cpu:.0f})")
        print(f"{name:20}", *cells, sep="  ", flush=True)


if __name__ == "__main__":
    main()
