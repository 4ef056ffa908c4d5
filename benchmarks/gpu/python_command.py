"""The command that starts Python as this process was started: in a rehearsal, under the stand-in."""

from __future__ import annotations

import sys


def python() -> list[str]:
    """The command that runs a script."""
    return [sys.executable, *(["-m", "stand_in"] if "stand_in.device" in sys.modules else [])]
