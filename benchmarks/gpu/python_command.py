"""How another Python is started as this one was: under the stand-in, in a rehearsal."""

from __future__ import annotations

import sys


def python() -> list[str]:
    """The command that runs a script."""
    return [sys.executable, *(["-m", "stand_in"] if "stand_in.device" in sys.modules else [])]
