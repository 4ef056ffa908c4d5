"""The translation of a chain by a table of rules, one for each class of the other library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Compose
from gpuaug.translate.findings import Findings
from gpuaug.translate.reading import NO_COUNTERPART, Reading, UnknownSetting
from gpuaug.translate.values import Values

Rule = Callable[[Reading], list[Transform]]

OWN = "a gpuaug transform of your own, or do it in the data set"


@dataclass(frozen=True)
class Library:
    """A description of another library, by the names of its classes. The library is never imported.

    Attributes:
        name: the name that users know.
        version: the version that the rules read.
        module: module of its classes.
        others: classes from elsewhere that it accepts as its own.
        rules: for each class, a rule that makes gpuaug's transforms.
        absent: for each class without a counterpart the nearest alternative, "" for none.
        movable: classes that may follow ``Normalize`` there, and come ahead of it here.
        exact: classes that give the same result for bytes, converted afterwards, as for floats.
    """

    name: str
    version: str
    module: str
    rules: Mapping[str, Rule]
    absent: Mapping[str, str]
    movable: frozenset[str]
    exact: frozenset[str]
    others: tuple[type, ...] = ()

    def has(self, transform: object) -> bool:
        """Whether the class of a transform is the library's own, and no subclass."""
        module = type(transform).__module__
        return type(transform) in self.others or module == self.module or module.startswith(f"{self.module}.")


class Translation:
    """A translation in progress.

    Attributes:
        findings: the findings so far.
        values: the images' values at the current place of the chain.
    """

    def __init__(self, library: Library, values: Values) -> None:
        self.library, self.values = library, values
        self.findings = Findings()
        self._rounding_said = False

    def one(self, transform: object, place: str, within: str = "", forced: bool = False) -> list[Transform]:
        """Translate one transform; ``place`` is its place in the chain."""
        library = self.library
        reading = Reading(self.findings, self.values, self.one, transform, place, within, forced)
        name = reading.name
        if not library.has(transform):
            return reading.missing(f"it is not one of {library.name}'s transforms", OWN)
        if name in library.absent:
            return reading.missing(NO_COUNTERPART, library.absent[name])
        if name not in library.rules:
            return reading.missing("gpuaug does not know it", OWN)
        if self.values.normalized and name not in library.movable:
            return reading.missing(
                "it follows Normalize, which must be last here", f"{name} ahead of Normalize"
            )
        if self.values.rounds and name not in library.exact and not self._rounding_said:
            self._rounding_said = True
            reading.note(f"from here on {library.name} computes floats, gpuaug bytes, rounded in each stage")
        try:
            made = library.rules[name](reading)
        except UnknownSetting as error:
            return reading.missing(f"it has no setting {error}", f"{library.name} {library.version}")
        reading.check_unread()
        return made

    def finish(
        self,
        function: str,
        made: list[Transform],
        apply_to: str,
        seed: int | None,
        memory_format: torch.memory_format,
    ) -> Compose:
        """Make the chain, after all of it was read."""
        self.findings.report(function)
        output = self.values.output()
        chain = made if output is None else [*made, output]
        if not chain:
            raise ValueError(f"{function}: chain must change images, got one that leaves them as they are")
        return Compose(chain, apply_to, seed=seed, memory_format=memory_format)
