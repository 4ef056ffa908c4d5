"""The images that a user asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """The images to load: ``source`` is a name of ``sources.SOURCES`` or a folder; without ``classes``, all.

    ``holdout`` (the share to test on) and ``holdout_seed`` are for a folder without ``train`` and ``test``;
    None means 0.2 and 0.
    """

    source: str = "embedded"
    classes: Sequence[str] | None = None
    root: Path = Path("data")
    download: bool = False
    size: int | None = None
    holdout: float | None = None
    holdout_seed: int | None = None


def refuse_holdout(request: Request, reason: str) -> None:
    """Raise where the request has a holdout."""
    for name, value in (("holdout", request.holdout), ("holdout_seed", request.holdout_seed)):
        if value is not None:
            raise ValueError(f"{name} is for a folder without train/ and test/, and {reason}; got {value}")
