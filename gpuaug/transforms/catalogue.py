"""What transforms there are: read off the classes themselves, so that there is no second list."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpuaug.transforms.base import Transform

__all__ = ["Entry", "Parameter", "catalogue"]


@dataclass(frozen=True)
class Parameter:
    """A setting of a transform.

    Attributes:
        name: as the transform's constructor has it.
        default: its value where none is given; ``inspect.Parameter.empty`` where one must be.
        meaning: with its range and unit, from the transform's docstring.
    """

    name: str
    default: Any
    meaning: str


@dataclass(frozen=True)
class Entry:
    """A transform as the catalogue lists it.

    Attributes:
        name: in ``gpuaug``.
        stage: of the kernel, or "batched" after it.
        backend: "kernel", "kornia" or "torch".
        parameters: its settings, in order.
        reference: the paper, standard or library that it follows.
        kind: the class.
    """

    name: str
    stage: str
    backend: str
    parameters: tuple[Parameter, ...]
    reference: str
    kind: type[Transform]

    @property
    def required(self) -> list[str]:
        """The settings that have no default."""
        return [p.name for p in self.parameters if p.default is inspect.Parameter.empty]


def catalogue() -> list[Entry]:
    """Every transform of gpuaug, in the order of its stages, then by name.

    >>> entry = next(entry for entry in catalogue() if entry.name == "Solarize")
    >>> entry.stage, entry.backend, entry.reference
    ('curves', 'kernel', 'Cubuk et al., AutoAugment, CVPR 2019')
    >>> [(parameter.name, parameter.default) for parameter in entry.parameters]
    [('threshold', (0.5, 1.0))]
    >>> entry.kind(threshold=0.25)
    Solarize(threshold=(0.25, 0.25))
    """
    kinds = {kind for kind in _subclasses(Transform) if _listed(kind)}
    return [_entry(kind) for kind in sorted(kinds, key=lambda kind: (kind.stage, kind.__name__))]


def _subclasses(kind: type[Transform]) -> Iterator[type[Transform]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


def _listed(kind: type[Transform]) -> bool:
    """Whether it is gpuaug's own, and names what it follows; bases and containers do not."""
    return bool(kind.reference) and kind.__module__.partition(".")[0] == __name__.partition(".")[0]


def _entry(kind: type[Transform]) -> Entry:
    meanings = _meanings(kind)
    parameters = tuple(
        Parameter(name, parameter.default, meanings.get(name, ""))
        for name, parameter in inspect.signature(kind).parameters.items()
        if name != "seed"
    )
    return Entry(kind.__name__, kind.stage.name.lower(), kind.backend, parameters, kind.reference, kind)


def _meanings(kind: type) -> dict[str, str]:
    """What the docstring's ``Args`` say of each parameter; a base's, where the class says nothing."""
    meanings: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, after = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition("\nArgs:\n")
        indented = "".join(re.findall(r"\A(?:    .*\n?|\n(?=    ))*", after))
        for names, text in re.findall(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", indented, re.M):
            meanings |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return meanings
