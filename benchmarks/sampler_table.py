"""The table of samplers of ``docs/results/benchmarks.md``, from ``benchmarks/results/sampler.json``.

python benchmarks/sampler_table.py           # fails where the page says something else
python benchmarks/sampler_table.py --write   # writes it, between its two marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marked_part import MarkedPart, table

RESULTS = Path(__file__).with_name("results") / "sampler.json"
SAMPLERS = {
    "gpuaug": "gpuaug, `Draw` objects",
    "WeightedRandomSampler": "`WeightedRandomSampler`",
    "torchsampler": "torchsampler",
    "RandomOverSampler": "imbalanced-learn",
}


def samplers(report: dict[str, Any]) -> str:
    """What stands between the marks: a row for each number of labels and sampler."""
    rows = [["labels", "sampler", "build", "epoch", "million draws/s", "peak memory, MiB", "bytes a label"]]
    for size, found in report["sizes"].items():
        labels = f"{int(size.split()[0]):,}"
        for name, label in SAMPLERS.items():
            rows.append([labels, label, *cells(found[name])])
        tensors = found["gpuaug"]["million_draws_per_s_as_tensors"]
        rows.append([labels, "gpuaug, `draws(start, stop)`: tensors", "", "", f"{tensors:.1f}", "", ""])
    return "\n".join(["", *table(rows), "", ""])


def cells(row: dict[str, Any]) -> list[str]:
    """
    >>> cells({"refused": "number of categories cannot exceed 2^24"})
    ['refused', '', '', '', '']
    >>> cells({"left_out": "it would take too long, or too much memory"})
    ['not run', '', '', '', '']
    """
    for key, shown in (("refused", "refused"), ("left_out", "not run")):
        if key in row:
            return [shown, "", "", "", ""]
    return [
        f"{row['build_s']:.3f} s",
        f"{row['epoch_s']:.1f} s",
        f"{row['million_draws_per_s']:.2f}",
        f"{row['peak_mib']:,.0f}",
        f"{row['peak_bytes_per_label']:,.1f}",
    ]


PART = MarkedPart(
    Path(__file__).parents[1] / "docs/results/benchmarks.md",
    "<!-- samplers: benchmarks/sampler_table.py -->\n",
    "<!-- end of samplers -->\n",
    expected=lambda: samplers(json.loads(RESULTS.read_text())),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
