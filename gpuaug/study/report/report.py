"""Writes the report of a study into its folder."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpuaug.ops import backends
from gpuaug.study.report.document import Lead, as_html, as_markdown, gallery_file
from gpuaug.study.report.figures import draw_confusions, draw_differences
from gpuaug.study.report.gallery import exhibits
from gpuaug.study.report.learning_curves import draw_learning_curves
from gpuaug.study.report.pictures import as_png
from gpuaug.study.report.sections import TITLE, sections, shown_rows
from gpuaug.study.report.sheet import draw_sheet
from gpuaug.study.report.study import Study
from gpuaug.study.training.logs import write_metrics
from gpuaug.study.training.rows import last_epochs_text

# What the numbers may depend on; torchvision is there where images or networks come from it.
VERSIONED = ("torch", "torchvision", "torchmetrics", "kornia", "numpy", "scipy")


def write_report(out: Path, study: Study) -> list[str]:
    """The report as a page, Markdown and JSON, its tables and pictures; the names of the files."""
    gallery = exhibits(study.data, study.minority, study.arms)
    parts = sections(study, gallery, versions())
    lead = Lead(study.conclusion(), study.next_step())
    texts = {
        "report.html": as_html(TITLE, lead, parts),
        "report.md": as_markdown(TITLE, lead, parts),
        "report.json": as_text(as_json(study)),
    }
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    write_metrics(out / "metrics.csv", study.rows, study.data.classes)
    draw = {
        "curves.png": lambda: draw_learning_curves(shown_rows(study), study.data.classes, study.minority),
        "draws.png": lambda: draw_sheet(study.data, study.minority),
        "differences.png": lambda: draw_differences(study.effects),
        "confusion.png": lambda: draw_confusions(shown_rows(study), study.data.classes),
    }
    for name, figure in draw.items():
        (out / name).write_bytes(as_png(figure))
    (out / "gallery").mkdir(exist_ok=True)
    for exhibit in gallery:
        (out / gallery_file(exhibit)).write_bytes(exhibit.png)
    return [*texts, "metrics.csv", *draw, "gallery/"]


def as_json(study: Study) -> dict[str, Any]:
    summaries, step = study.summaries(), study.next_step()
    return {
        "command": study.command,
        "conclusion": study.conclusion(),
        "next": None if step is None else asdict(step),
        "settings": settings(study),
        "versions": versions(),
        "arms": {arm: {"about": study.arms[arm].about, **asdict(of)} for arm, of in summaries.items()},
        "arms_are": f"of each seed the mean of the {last_epochs_text(study.protocol.epochs)}; mean and sd "
        "over seeds",
        "effects": asdict(study.effects),
        "effects_are": "paired differences to the baseline, seed by seed: mean, 95 % interval by Student's t "
        "cut at -1 and 1, and p; adjusted: p after Holm's correction for all arms; verdict: effective or "
        "harmful by adjusted, no effect above the margin where the interval lies within it, else "
        "inconclusive; with looks, interval and adjusted are of all looks together, and no effect above the "
        "margin holds after Holm's correction too; other_images: the interval for other test images; classes "
        "and splits: recall",
        "diverged": [asdict(run) for run in study.divergences()],
        "search": [asdict(candidate) for candidate in study.candidates],
    }


def as_text(report: dict[str, Any]) -> str:
    """The text of report.json.

    >>> print(as_text({"auroc": float("nan")}))
    {
     "auroc": null
    }
    """
    return json.dumps(finite(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def finite(value: Any) -> Any:
    """The value with None in the place of every NaN and infinity: JSON has none.

    >>> finite({"by_seed": (0.5, float("inf"))})
    {'by_seed': [0.5, None]}
    """
    if isinstance(value, dict):
        return {name: finite(of) for name, of in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(of) for of in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def settings(study: Study) -> dict[str, Any]:
    data, protocol = study.data, study.protocol
    test_counts = data.test_labels.bincount(minlength=len(data.classes)).tolist()
    return {
        "data": study.source,
        "arms": list(study.arms),
        "left_out": study.refused,
        "seeds": study.seeds,
        "first_seed": study.first_seed,
        "epochs": protocol.epochs,
        "batch_size": protocol.batch_size,
        "device": str(protocol.device),
        "model": protocol.network,
        "image_shape": data.image_shape,
        "train_images": data.counts(),
        "test_images": dict(zip(data.classes, test_counts, strict=True)),
        "minority": study.minority,
        "holdout": data.holdout and asdict(data.holdout),
    }


def versions() -> dict[str, str]:
    return {
        "gpuaug": backends.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONED if find_spec(name)},
    }
