"""The photos of a table, decoded and shrunk as they are asked for."""

import functools
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

# Threads of OpenCV and those of PyTorch would fight for the cores.
cv2.setNumThreads(0)


def read(path, side):
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


kept = functools.cache(read)


class Photos(Dataset):
    def __init__(self, frame, labels, cfg, transform):
        self.paths = [Path(cfg.photos) / path for path in frame["path"]]
        self.targets = frame[labels].to_numpy(np.float32)
        self.side = cfg.side
        self.read = kept if cfg.tuned else read
        self.transform = transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, at):
        image = self.read(self.paths[at], self.side)
        return self.transform(image=image)["image"], torch.from_numpy(self.targets[at])
