"""Settings that are fixed once an object is built."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, NoReturn

import torch
from torch import Tensor


class FixedSettings:
    """Base of objects whose settings, the parameters of their constructors, are fixed once they are built.

    Steps and tables are made from the settings. A setting that is a property with a setter can be set.

    >>> class Move(FixedSettings):
    ...     def __init__(self, by: int) -> None:
    ...         self.by = by
    >>> Move(3).by = 4
    Traceback (most recent call last):
    AttributeError: by of Move is fixed once it is built: build a new Move with another by
    """

    _settings: ClassVar[frozenset[str]] = frozenset()
    _built = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__:
            given = list(inspect.signature(cls.__init__).parameters)[1:]
            cls._settings = cls._settings.union(given)
            cls.__init__ = _then_after_init(cls.__init__)  # type: ignore[method-assign]

    def _after_init(self) -> None:
        """Derive state from the settings; runs after all constructors, and after unpickling."""
        self._built = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._built and name in self._settings:
            setting = getattr(type(self), name, None)
            if not (isinstance(setting, property) and setting.fset):
                self._refuse(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if self._built and name in self._settings:
            self._refuse(name)
        super().__delattr__(name)

    def _refuse(self, name: str) -> NoReturn:
        kind = type(self).__name__
        raise AttributeError(
            f"{name} of {kind} is fixed once it is built: build a new {kind} with another {name}"
        )


def _then_after_init(construct: Callable[..., None]) -> Callable[..., None]:
    """Make a constructor call ``_after_init`` at its end, if it is the outermost one."""

    @wraps(construct)
    def constructor(self: FixedSettings, *given: Any, **named: Any) -> None:
        construct(self, *given, **named)
        if type(self).__init__ is constructor:
            self._after_init()

    return constructor


def copied(value: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Copy a value to a tensor with memory of its own, on the value's device or else the host."""
    return torch.as_tensor(value, dtype=dtype, device=getattr(value, "device", "cpu")).detach().clone()
