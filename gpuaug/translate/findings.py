"""The findings of a translation: transforms without a counterpart, and small differences."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field


class TranslationWarning(UserWarning):
    """A translated chain draws a little differently; the text says where and how."""


@dataclass
class Findings:
    """One line for each finding, with its place in the chain.

    >>> findings = Findings()
    >>> findings.missing.append("transforms[1] Lambda: it has no counterpart")
    >>> findings.report("from_torchvision")
    Traceback (most recent call last):
    ValueError: from_torchvision: 1 transform or setting has no counterpart in gpuaug
      transforms[1] Lambda: it has no counterpart
    """

    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def report(self, function: str) -> None:
        """Raise with all that is missing, or warn once of all that differs."""
        if self.missing:
            count = len(self.missing)
            what = "transform or setting has" if count == 1 else "transforms or settings have"
            raise ValueError(_listed(f"{function}: {count} {what} no counterpart in gpuaug", self.missing))
        if self.notes:
            text = _listed(f"{function}: gpuaug draws a little differently", self.notes)
            warnings.warn(text, TranslationWarning, stacklevel=4)  # at the call of the function


def _listed(first: str, lines: list[str]) -> str:
    return "\n  ".join([first, *lines])
