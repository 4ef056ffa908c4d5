"""The page's tables of loading files, from ``results/files.json`` and ``results/decoding-accuracy.json``.

python benchmarks/files_table.py           # fails where README.md, beside this file, says something else
python benchmarks/files_table.py --write   # writes them, between their two marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marked_part import MarkedPart, table

FILES = Path(__file__).with_name("results") / "files.json"
ACCURACY = Path(__file__).with_name("results") / "decoding-accuracy.json"


def tables(files: dict[str, Any], accuracy: dict[str, Any]) -> str:
    """The text between the marks."""
    found = [rates(files), aims(files), gaps(files, accuracy)]
    return "\n\n".join(["", *("\n".join(lines) for lines in found), ""])


def aims(files: dict[str, Any]) -> list[str]:
    """The table of aims, measured values, and whether they were met."""
    rows = [["aim", "measured", "met"]]
    for row in files["targets"]:
        aim = f"at least {row['at_least']:,}" if "at_least" in row else f"at most {row['at_most']:,}"
        rows.append([f"{row['what']}: {aim}", f"{row['value']:,}", "yes" if row["met"] else "**no**"])
    return table(rows, numbers="---")


def rates(files: dict[str, Any]) -> list[str]:
    """The table of images per second by loader and file size; peers as a share of gpuaug's."""
    sets = files["sets"]
    names = list(dict.fromkeys(name for found in sets.values() for name in found["loaders"]))
    rows = [["images/s, two threads", *sets]]
    for name in names:
        rows.append([name, *(_rate(found["loaders"], name) for found in sets.values())])
    limits = [f"{found['limits']['gpuaug']:,.0f}" for found in sets.values()]
    rows.append(["the fastest decoder alone, whole images at gpuaug's scale", *limits])
    return table(rows, numbers="---")


def gaps(files: dict[str, Any], accuracy: dict[str, Any]) -> list[str]:
    """The table of the effect of each ``reducing_gap`` on pixels and on a model."""
    trained = {str(row["reducing_gap"]): row for row in accuracy["rows"]}
    rows = [
        ["`reducing_gap`", "draws changed", "their PSNR, mean (5 %)", "images/s", "mean recall of the study"]
    ]
    for name, row in files["gaps"].items():
        psnr = f"{row['psnr']:.1f} ({row['psnr_5_percent']:.1f}) dB" if "psnr" in row else ""
        cells = [name, f"{row['changed']:.0%}", psnr, f"{row['images_per_second']:,.0f}"]
        rows.append([*cells, _recall(trained[name])])
    return table(rows, numbers="---")


def _rate(loaders: dict[str, Any], name: str) -> str:
    if name not in loaders:
        return ""
    rate, ours = (loaders[which]["images_per_second"] for which in (name, "gpuaug"))
    low, high = loaders[name]["quartiles"]
    share = "" if name == "gpuaug" else f" ({rate / ours:.2f})"
    return f"{rate:,.0f}{share} [{low:,.0f}, {high:,.0f}]"


def _recall(row: dict[str, Any]) -> str:
    text = f"{row['mean']:.3f} ± {row['standard_deviation']:.3f}"
    if "difference" not in row:
        return text
    found = row["difference"]
    return f"{text}; paired {found['mean']:+.3f} ± {found['standard_deviation']:.3f}"


PART = MarkedPart(
    Path(__file__).with_name("README.md"),
    "<!-- files: benchmarks/files_table.py -->\n",
    "<!-- end of files -->\n",
    expected=lambda: tables(json.loads(FILES.read_text()), json.loads(ACCURACY.read_text())),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
