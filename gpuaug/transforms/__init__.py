"""Transforms: settings and keys to parameters, parameters to recipes, recipes to pixels."""

# ruff: noqa: F403

import typing as _typing

from gpuaug.transforms.base import Transform as Transform
from gpuaug.transforms.catalogue import Entry as Entry
from gpuaug.transforms.catalogue import Parameter as Parameter
from gpuaug.transforms.catalogue import catalogue as catalogue
from gpuaug.transforms.exports import *

if not _typing.TYPE_CHECKING:  # type checkers take what is imported as itself, or with a star
    # All of its classes and functions, but not the modules that were imported with them.
    __all__ = sorted(
        name for name, value in globals().items() if name[0] != "_" and hasattr(value, "__module__")
    )
