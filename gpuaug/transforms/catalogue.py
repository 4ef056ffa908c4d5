"""A catalogue of the transforms, read from the classes themselves, so that there is no second list."""

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

    >>> entry = next(entry for entry in catalogue() if entry.name == "Posterize")
    >>> entry.parameters[0].name, entry.parameters[0].default
    ('bits', (4, 7))

    Attributes:
        name: name of the constructor's parameter.
        default: default value; ``inspect.Parameter.empty`` if a value is required.
        meaning: description with range and unit, from the transform's docstring.
    """

    name: str
    default: Any
    meaning: str


@dataclass(frozen=True)
class Entry:
    """A transform in the catalogue.

    >>> entry = next(entry for entry in catalogue() if entry.name == "RandomCrop")
    >>> entry.stage, entry.required
    ('geometry', ['size'])

    Attributes:
        name: name in ``gpuaug``.
        stage: stage of the kernel, or "batched" for a transform that runs after it.
        backend: "kernel", "kornia" or "torch".
        parameters: settings, in order, without ``seed``.
        reference: the paper, standard or library that the transform follows.
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
        """The settings without a default."""
        return [p.name for p in self.parameters if p.default is inspect.Parameter.empty]


def catalogue() -> list[Entry]:
    """List every transform of gpuaug, in the order of the stages, then by name.

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
    """Whether a class is gpuaug's own and names its reference, unlike bases and containers."""
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
    """The description of each parameter in the ``Args`` of a class."""
    _, _, after = inspect.cleandoc(kind.__doc__ or "").partition("\nArgs:\n")
    indented = "".join(re.findall(r"\A(?:    .*\n?|\n(?=    ))*", after))
    entries = re.findall(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", indented, re.M)
    return {name: " ".join(text.split()) for names, text in entries for name in names.split(", ")}
