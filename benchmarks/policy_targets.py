"""The aims of ``policies.py``, and whether they were met: ratios of medians of one run."""

from __future__ import annotations

from typing import Any

from policy_cases import ALONE, CLIPS, SECTIONS

# By chain and side in pixels: the least ratio to the speed of the fastest of a library's rows.
AIMS: dict[tuple[str, int], dict[str, float]] = {
    **{(chain, 224): {"torchvision": 15, "kornia": 20} for chain in ("RandAugment", "TrivialAugmentWide")},
    **{(chain, 32): {"torchvision": 25} for chain in ("RandAugment", "TrivialAugmentWide")},
    **{("AugMix", side): {"torchvision": 8} for side in (32, 224)},
    **{(chain, 224): {"kornia": 10} for chain in ALONE},
    (CLIPS, 112): {"torchvision": 20},
}


def targets(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims of the cases that the report has.

    >>> libraries = {"kornia": {"times_gpuaug": 9.0}, "torchvision": {"times_gpuaug": 2.0}}
    >>> case = {"chain": "Equalize", "side": 224, "libraries": libraries}
    >>> targets({"alone": {"cases": {"Equalize, 224 px": case}}})
    [{'what': 'Equalize, 224 px: times kornia', 'value': 9.0, 'at_least': 10, 'met': False}]
    """
    found = []
    for section in SECTIONS:
        for name, case in report.get(section, {"cases": {}})["cases"].items():
            for library, least in AIMS.get((case["chain"], case["side"]), {}).items():
                rows = case["libraries"].items()
                times = [row["times_gpuaug"] for peer, row in rows if peer.split(", ")[0] == library]
                if times:
                    value = round(min(times), 2)
                    row = {"what": f"{name}: times {library}", "value": value, "at_least": least}
                    found.append({**row, "met": value >= least})
    return found
