"""One training of the study as scripts around PyTorch do it: Hydra, albumentations, OpenCV, timm, scikit-learn, MLflow.

    python glue.py --multirun augment=none,flip,noise seed=1,2,3 photos=DIR table=study.csv weights=initial.safetensors
    python compare.py

The recipe stands in conf/config.yaml, one augmentation per file in conf/augment. Each run logs its parameters, the scores of each epoch, the
thresholds, the test scores and the weights to `mlruns` in the current folder. `tuned=true` is what who knows the bottlenecks would write: photos
are decoded once and kept in memory (also from run to run of one process), layout channels_last, fused Adam.
"""

import random
from pathlib import Path

import albumentations as A
import hydra
import mlflow
import numpy as np
import pandas as pd
import timm
import torch
from albumentations.pytorch import ToTensorV2
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import OmegaConf
from safetensors.torch import load_file
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score
from torch.utils.data import DataLoader

from photos import Photos


def build_loaders(cfg):
    frame = pd.read_csv(cfg.table)
    labels = [column for column in frame.columns if column not in ("path", "part")]
    plain = [A.Normalize(), ToTensorV2()]
    transforms = {"train": [*instantiate(cfg.augment.transforms, _convert_="all"), *plain], "val": plain, "test": plain}
    loaders = {}
    for part, transform in transforms.items():
        rows = frame[frame["part"] == part]
        loaders[part] = DataLoader(
            Photos(rows, labels, cfg, A.Compose(transform, seed=cfg.seed)),
            batch_size=cfg.batch_size,
            shuffle=part == "train",
            num_workers=cfg.num_workers,
            persistent_workers=cfg.num_workers > 0 and part != "test",
        )
    return labels, loaders


def build_model(cfg, n_labels):
    model = timm.create_model(cfg.model)
    model.load_state_dict(load_file(cfg.weights))
    model.reset_classifier(n_labels)
    return model.to(memory_format=torch.channels_last) if cfg.tuned else model


def train_epoch(model, loader, loss_of, optimizer, cfg):
    model.train()
    total = 0.0
    for images, targets in loader:
        if cfg.tuned:
            images = images.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        loss = loss_of(model(images), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(images)
    return total / len(loader.dataset)


@torch.no_grad()
def predict(model, loader, cfg):
    model.eval()
    logits, targets = [], []
    for images, batch in loader:
        if cfg.tuned:
            images = images.contiguous(memory_format=torch.channels_last)
        logits.append(model(images))
        targets.append(batch)
    return torch.cat(logits), torch.cat(targets)


def best_thresholds(targets, scores):
    """Per label, the threshold of the best F1 on validation."""
    found = []
    for label in range(targets.shape[1]):
        precision, recall, thresholds = precision_recall_curve(targets[:, label], scores[:, label])
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        found.append(thresholds[f1[:-1].argmax()])
    return np.array(found)


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    random.seed(cfg.seed)
    np.random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    if cfg.threads:
        torch.set_num_threads(cfg.threads)

    labels, loaders = build_loaders(cfg)
    model = build_model(cfg, len(labels))
    loss_of = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr, fused=cfg.tuned or None)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=cfg.epochs)

    mlflow.set_tracking_uri("file:mlruns")
    mlflow.set_experiment(cfg.experiment)
    with mlflow.start_run(run_name=f"{cfg.augment.name}-seed{cfg.seed}"):
        mlflow.log_params({"variant": cfg.augment.name, **OmegaConf.to_container(cfg, resolve=True)})
        for epoch in range(cfg.epochs):
            train_loss = train_epoch(model, loaders["train"], loss_of, optimizer, cfg)
            logits, targets = predict(model, loaders["val"], cfg)
            metrics = {
                "lr": scheduler.get_last_lr()[0],
                "train_loss": train_loss,
                "val_loss": loss_of(logits, targets).item(),
                "val_map": average_precision_score(targets.numpy(), logits.sigmoid().numpy(), average="macro"),
            }
            mlflow.log_metrics(metrics, step=epoch)
            scheduler.step()

        val_scores, val_targets = logits.sigmoid().numpy(), targets.numpy()
        thresholds = best_thresholds(val_targets, val_scores)
        logits, targets = predict(model, loaders["test"], cfg)
        scores, targets = logits.sigmoid().numpy(), targets.numpy()
        mlflow.log_metrics(
            {
                "test_map": average_precision_score(targets, scores, average="macro"),
                "test_auroc": roc_auc_score(targets, scores, average="macro"),
                "test_f1": f1_score(targets, scores >= thresholds, average="macro"),
                **{f"threshold_{label}": value for label, value in zip(labels, thresholds)},
                **{f"test_ap_{label}": average_precision_score(targets[:, i], scores[:, i]) for i, label in enumerate(labels)},
            }
        )
        file = Path(HydraConfig.get().runtime.output_dir) / "model.pt"
        torch.save(model.state_dict(), file)
        mlflow.log_artifact(str(file))


if __name__ == "__main__":
    main()
