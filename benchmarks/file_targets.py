"""The aims of ``files.py``, and whether they were met: ratios of medians of one run."""

from __future__ import annotations

import math
import random
from typing import Any

from file_loaders import SIDE, FileCase
from image_files import Size

DRAWS = 20_000
OURS = "gpuaug"
TORCHVISION = ("torchvision, pillow", "torchvision, decode_image")
OVER_PEERS: dict[str, list[tuple[tuple[str, ...], float]]] = {  # the least ratio to the fastest of these
    "500x375": [(("dali",), 2.5), (TORCHVISION, 2.5)],
    "2048x1536": [(("dali",), 4.0), (TORCHVISION[:1], 1.6)],
}
OF_THE_LIMIT = 0.8
RESIDENT = 600  # megabytes
ARRAYS = 150_000  # images a second
OF_FETCHING = 0.9


def targets(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims of the report's sections: the subject, the value, the aim, and whether it was met."""
    found = []
    for name, row in report.get("sets", {}).items():
        rates = {key: value["images_per_second"] for key, value in row["loaders"].items()}
        for peers, least in OVER_PEERS.get(name, []):
            there = [peer for peer in peers if peer in rates]
            if there:
                peer = max(there, key=lambda peer: rates[peer])
                found.append(_at_least(f"{name}: times {peer}", rates[OURS] / rates[peer], least))
        for loader, limit in row["limits"].items():
            share = rates[loader] / limit
            found.append(
                _at_least(f"{name}: {loader}, of the fastest decoder of whole files", share, OF_THE_LIMIT)
            )
    if "memory" in report:
        most = max([report["memory"][OURS]["peak"], *(e["most"] for e in report["memory"][OURS]["epochs"])])
        found.append({"what": "resident, MB", "value": most, "at_most": RESIDENT, "met": most <= RESIDENT})
    if "arrays" in report:
        rates = {name: row["images_per_second"] for name, row in report["arrays"]["rows"].items()}
        found.append(_at_least("arrays: gpuaug, 0 workers", rates["gpuaug, 0 workers"], ARRAYS))
        for name in (name for name in rates if name.startswith(OURS) and not name.endswith(" 0 workers")):
            fetched = name.replace(OURS, "only fetches")
            found.append(
                _at_least(f"arrays: {name}, of {fetched}", rates[name] / rates[fetched], OF_FETCHING)
            )
    return found


def _at_least(what: str, value: float, least: float) -> dict[str, Any]:
    value = round(value, 2)
    return {"what": what, "value": value, "at_least": least, "met": value >= least}


def limit(rates: dict[str, float], size: Size, gap: float | None) -> float:
    """The images per second of the fastest decoder, if it decodes each draw at the scale that ``gap`` allows.

    That is half size if both sides of the window then have ``gap`` times the result's pixels, else full size.

    >>> limit({"whole": 100.0, "half": 300.0}, (2048, 1536), None)
    100.0
    >>> 100 < limit({"whole": 100.0, "half": 300.0}, (2048, 1536), 2.0) < 300
    True
    """
    share = 0.0 if gap is None else share_at_half(size, gap)
    halves = share / rates["half"] if share else 0.0
    return 1 / (halves + (1 - share) / rates["whole"])


def share_at_half(size: Size, gap: float) -> float:
    """
    >>> share_at_half((500, 375), 2.0)
    0.0
    """
    chance = random.Random(0)
    least = 2 * gap * SIDE
    return sum(min(_window(size, chance)) >= least for _ in range(DRAWS)) / DRAWS


def _window(size: Size, chance: random.Random) -> tuple[int, int]:
    """The width and height of a window of RandomResizedCrop."""
    width, height = size
    low, high = (math.log(ratio) for ratio in FileCase.ratio)
    for _ in range(10):
        area = chance.uniform(*FileCase.scale) * width * height
        ratio = math.exp(chance.uniform(low, high))
        cut = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if cut[0] <= width and cut[1] <= height:
            return cut
    return width, height  # if the ratio of the image is allowed
