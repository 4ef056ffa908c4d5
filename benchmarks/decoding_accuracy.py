"""Measures whether decoding at a smaller scale costs accuracy.

The study's arm ``all`` is trained on Intel's scenes of 100 x 100 pixels, resized to 20 x 20: from the files,
at several reducing gaps, with the same seeds. It is tested on images decoded whole.

    python benchmarks/decoding_accuracy.py --data intel-scenes.zip [--seeds 5] [--epochs 10]

Writes results/decoding-accuracy.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torchvision.datasets import ImageFolder

import gpuaug
from gpuaug.recipe.windows import read_windows
from gpuaug.study.arms.arms import ARMS
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.training.training import Protocol, Training

RESULT = Path(__file__).parent / "results" / "decoding-accuracy.json"
CLASSES, COUNTS, SIDE = ("sea", "glacier"), {"sea": 672, "glacier": 1344}, 20
GAPS = (None, 3.0, 2.0, 1.5, 1.0)


def training_files(root: Path, gap: float | None) -> gpuaug.ImageFiles:
    """The training files in the order of the study's images: by class, then by name."""
    folder = ImageFolder(root / "train")
    chosen: list[tuple[str, int]] = []
    for label, name in enumerate(CLASSES):
        paths = [path for path, number in folder.samples if folder.classes[number] == name]
        chosen += [(path, label) for path in paths[: COUNTS[name]]]
    paths, labels = zip(*chosen, strict=True)
    return gpuaug.ImageFiles(paths, labels, classes=CLASSES, reducing_gap=gap)


def scales(files: gpuaug.ImageFiles, augment: gpuaug.Compose) -> dict[str, float]:
    """The share of an epoch's draws that are decoded at each scale."""
    draws = gpuaug.BalancedSampler(files.labels, seed=0).draws()
    (recipes,) = augment.recipes(draws, (len(draws), 3, 100, 100))
    windows, _ = read_windows(recipes, files.reducing_gap)
    values, counts = windows.scales.unique(return_counts=True)
    shares = zip(values.tolist(), counts.tolist(), strict=True)
    return {f"1/{scale}": count / len(draws) for scale, count in shares}


def mean_recall(root: Path, data: Any, gap: float | None, seed: int, protocol: Protocol) -> float:
    """The mean of the classes' recalls after the last epoch."""
    training = Training(data, ARMS["all"], seed, protocol)
    files = training_files(root, gap)
    sampler = gpuaug.BalancedSampler(files.labels, seed=seed)
    training.loader = gpuaug.BalancedLoader(files, sampler, training.augment, protocol.batch_size)
    for _ in range(protocol.epochs):
        epoch = training.epoch()
    return mean(each.recall for each in epoch.score.classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="intel-scenes.zip")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(given.data) as archive:
            archive.extractall(folder)
        root = Path(folder)
        whole = load(Request(str(root), list(CLASSES), size=SIDE))
        data = imbalance(whole, ["sea"], majority_count=COUNTS["glacier"], minority_count=COUNTS["sea"])
        protocol = Protocol(given.epochs)
        for gap in GAPS:
            augment = ARMS["all"].augment(SIDE, SIDE, 0)
            found = [mean_recall(root, data, gap, seed, protocol) for seed in range(given.seeds)]
            rows.append(
                {
                    "reducing_gap": gap,
                    "scales": scales(training_files(root, gap), augment),
                    "mean_recall": found,
                    "mean": mean(found),
                    "standard_deviation": stdev(found),
                }
            )
            print(gap, rows[-1], flush=True)
    baseline = rows[0]["mean_recall"]
    for row in rows[1:]:
        differences = [a - b for a, b in zip(row["mean_recall"], baseline, strict=True)]
        row["difference"] = {"mean": mean(differences), "standard_deviation": stdev(differences)}
    options = f"--data {given.data.name} --seeds {given.seeds} --epochs {given.epochs}"
    command = f"python benchmarks/decoding_accuracy.py {options}"
    RESULT.write_text(json.dumps({"command": command, "size": SIDE, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
