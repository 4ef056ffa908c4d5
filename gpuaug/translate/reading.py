"""Reads one transform of another library: every setting is carried over, or reported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Compose, OneOf, RandomApply
from gpuaug.translate.findings import Findings
from gpuaug.translate.values import Values

# From a transform, its place, its container, and whether it is forced, to gpuaug's transforms.
Translate = Callable[[object, str, str, bool], list[Transform]]

NO_COUNTERPART = "it has no counterpart"


class UnknownSetting(LookupError):
    """The transform lacks a setting: it is from a version with other names."""


class Reading:
    """A transform at a place of a chain, and the settings read so far.

    A rule takes settings with ``reading["p"]``. A setting of the constructor that no rule took must have its
    default. A setting added by a later version is therefore reported, and never dropped silently.

    Attributes:
        findings, values, translate: those of the translation.
        transform: the other library's transform.
        place: its place, such as "transforms[2]".
        within: the container that applies it to some draws only, "" for none.
        forced: True if it applies whatever its own probability, as an option of a choice.
    """

    def __init__(
        self,
        findings: Findings,
        values: Values,
        translate: Translate,
        transform: object,
        place: str,
        within: str,
        forced: bool,
    ) -> None:
        self.findings, self.values, self.translate = findings, values, translate
        self.transform, self.place, self.within, self.forced = transform, place, within, forced
        self._read: set[str] = set()
        self._refused = False

    @property
    def name(self) -> str:
        return type(self.transform).__name__

    def __getitem__(self, setting: str) -> Any:
        self._read.add(setting)
        try:
            return getattr(self.transform, setting)
        except AttributeError:
            raise UnknownSetting(setting) from None

    def known(self, *settings: str) -> None:
        """Mark settings as read that do not change images, or that other settings imply."""
        self._read.update(settings)

    # ---- Findings

    def missing(self, what: str = NO_COUNTERPART, nearest: str = "") -> list[Transform]:
        """Report what has no counterpart; returns no transforms."""
        self._refused = True
        near = f"; nearest: {nearest}" if nearest else ""
        self.findings.missing.append(f"{self._where}: {what}{near}")
        return []

    def note(self, text: str) -> None:
        """Report a difference."""
        self.findings.notes.append(f"{self._where}: {text}")

    @property
    def _where(self) -> str:
        return f"{self.place} {self.name}".strip()

    def only(self, setting: str, *allowed: Any, nearest: str = "") -> None:
        """Report a setting unless it has one of these values."""
        value = self[setting]
        if not any(_same(value, one) for one in allowed):
            shown = " or ".join(map(repr, allowed))
            self.missing(f"{setting}={value!r} has no counterpart", nearest or f"{setting}={shown}")

    def outermost(self) -> bool:
        """Whether the transform applies to all draws; reports it if not."""
        if self.within:
            self.missing(
                f"within {self.within}: all draws of a batch share their output", "the outermost chain"
            )
        return not self.within

    def check_unread(self) -> None:
        """Report the settings that no rule took and that are not the default.

        A refused transform is skipped, as its rule may have stopped early.
        """
        if self._refused:
            return
        for name, parameter in inspect.signature(type(self.transform).__init__).parameters.items():
            named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if name == "self" or not named or name in self._read:
                continue
            if not hasattr(self.transform, name):
                self.missing(f"its setting {name} cannot be read")
            elif not _same(value := getattr(self.transform, name), parameter.default):
                self.missing(f"{name}={value!r} has no counterpart", f"{name}={parameter.default!r}")

    # ---- gpuaug's transforms

    def make(self, kind: Callable[..., Transform], *given: Any, **named: Any) -> list[Transform]:
        """Make a transform of gpuaug, unless something is missing; its errors are reported as missing."""
        if self._refused:
            return []
        try:
            return [kind(*given, **named)]
        except (TypeError, ValueError) as error:
            return self.missing(str(error))

    def inner(self, within: str = "", forced: bool = False) -> list[list[Transform]]:
        """Translate each of its ``transforms``."""
        path = f"{self.place}.transforms" if self.place else "transforms"
        return self.each(self["transforms"], path, within, forced)

    def each(
        self, transforms: Iterable[object], path: str, within: str = "", forced: bool = False
    ) -> list[list[Transform]]:
        """Translate each transform that ``path`` holds."""
        within = within or self.within
        return [
            self.translate(transform, f"{path}[{number}]", within, forced)
            for number, transform in enumerate(transforms)
        ]

    def sometimes(self, made: list[Transform], p: float) -> list[Transform]:
        """Apply the transforms to a share ``p`` of the draws."""
        if not made or p == 1:
            return made
        if p == 0:
            return []
        if any(_sized(transform) for transform in made):
            self.note("the draws that it leaves out are resized to its size, as a batch has one size")
        return self.make(RandomApply, made, p=p)

    def choice(
        self, options: list[list[Transform]], weights: Sequence[float], p: float = 1.0
    ) -> list[Transform]:
        """Apply one of several options to each draw; an option that does nothing lowers ``p``."""
        kept = [(made, weight) for made, weight in zip(options, weights, strict=True) if made]
        if not kept:
            return []
        chains = [made[0] if len(made) == 1 else Compose(made) for made, _ in kept]
        sized = [_sized(chain) for chain in chains]
        if any(sized) and not (all(sized) and len(kept) == len(options)):
            self.note("draws of the options that keep the size are resized to that of the others")
        shares = [float(weight) for _, weight in kept]
        even = None if len(set(shares)) == 1 else shares
        return self.make(OneOf, chains, weights=even, p=min(1.0, p * sum(shares) / sum(weights)))


def _sized(transform: Transform) -> bool:
    return any(step.sized for step in transform.step.leaves)


def _same(value: Any, other: Any) -> bool:
    """Whether two settings are equal; a list equals a tuple of the same values."""
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(map(_same, value, other))
    return value is other or (type(value).__module__ == "builtins" and bool(value == other))
