"""The public names of gpuaug, each once: under the shortest name that a user can import."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

ROOMS = (
    "gpuaug",
    "gpuaug.transforms",
    "gpuaug.sampling",
    "gpuaug.loading",
    "gpuaug.losses",
    "gpuaug.functional",
    "gpuaug.translate",
)


def public_names() -> dict[str, Any]:
    """Every public class, function and constant by its full name; rooms themselves are left out.

    >>> names = public_names()
    >>> names["gpuaug.Solarize"].__module__, names["gpuaug.sampling.deferred"].__name__
    ('gpuaug.transforms.curves', 'deferred')
    >>> "gpuaug.transforms.Solarize" in names  # the shorter name is in it
    False
    """
    names: dict[str, Any] = {}
    seen: set[int] = set()
    for room in map(importlib.import_module, ROOMS):
        for name in exported(room):
            value = getattr(room, name)
            if inspect.ismodule(value) or id(value) in seen:
                continue
            seen.add(id(value))
            names[f"{room.__name__}.{name}"] = value
    return names


def exported(room: Any) -> list[str]:
    """What a room's ``__all__`` lists; without one, its own functions and classes."""
    if hasattr(room, "__all__"):
        return list(room.__all__)
    return sorted(
        name
        for name, value in vars(room).items()
        if name[0] != "_"
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == room.__name__
    )
