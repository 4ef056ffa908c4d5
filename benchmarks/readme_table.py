"""README's table of gpuaug beside its peers: what each can do, and speeds of ``results/chains.json``.

python benchmarks/readme_table.py           # fails where README.md says something else
python benchmarks/readme_table.py --write   # writes it, between its two marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marked_part import MarkedPart, table
from speeds_table import PEERS, RESULTS, name_of, rate, ratio

PAGES = {
    "torchvision": "https://docs.pytorch.org/vision/stable/transforms.html",
    "kornia": "https://kornia.readthedocs.io",
    "albumentations": "https://albumentations.ai/docs",
    "dali": "https://docs.nvidia.com/deeplearning/dali/user-guide/docs",
}
# What each library can do; then, for gpuaug and each peer, whether it does.
ABILITIES = (
    ("draws a balanced epoch that can be resumed", "docs/guides/epochs.md", "yes no no no no"),
    (
        "parameters of its own for every image of a batch",
        "docs/how/draws.md",
        "yes image_by_image yes image_by_image yes",
    ),
    (
        "the same pixels for any batch size, workers and ranks, and after a resume",
        "docs/how/contracts.md",
        "yes no no no no",
    ),
    ("a chain in one pass over the pixels", "docs/how/recipe.md", "yes no no no no"),
    ("equal bytes on CPU and GPU", "docs/how/contracts.md", "yes no no CPU_only no"),
    ("gradients through the transform", "docs/how/kernel.md#floats", "floats floats yes no no"),
)
CASES = (
    "full, 32 px, batch 512, 2 threads",
    "full, 224 px, batch 64, 2 threads",
    "resize, 224 px, batch 64, 2 threads",
    "turn, 224 px, batch 64, 2 threads",
)


def peers(report: dict[str, Any]) -> str:
    """What stands between the marks."""
    heads = [f"[{label}]({PAGES[name]})" for name, label in PEERS.items()]
    rows = [["", "gpuaug", *heads]]
    for ability, page, answers in ABILITIES:
        rows.append([f"[{ability}]({page})", *(answer.replace("_", " ") for answer in answers.split())])
    for name in CASES:
        case = report["chains"]["cases"][name]
        libraries = case["libraries"]
        shares = [ratio(libraries[peer]["times_gpuaug"]) for peer in PEERS]
        rows.append([f"speed: {name_of(case)}", rate(libraries["gpuaug"]), *shares])
    return "\n".join(["", *table(rows, numbers="---"), "", ""])


PART = MarkedPart(
    Path(__file__).parents[1] / "README.md",
    "<!-- peers: benchmarks/readme_table.py -->\n",
    "<!-- end of peers -->\n",
    expected=lambda: peers(json.loads(RESULTS.read_text())),
)


if __name__ == "__main__":
    PART.run(Path(__file__).name, __doc__)
