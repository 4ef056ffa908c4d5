"""What is fixed once it is built: settings, and the transforms of a chain."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpuaug.transforms.base import Transform


class Settled:
    """Base of objects whose settings, the parameters of their constructors, cannot be set once they are
    built: plans and tables were made from them. A setting that is a property with a setter can.

    >>> class Move(Settled):
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
            cls.__init__ = _settling(cls.__init__)  # type: ignore[method-assign]

    def _settle(self) -> None:
        """Make what follows from the settings; called once all constructors have run, and after
        unpickling.
        """
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


def _settling(construct: Callable[..., None]) -> Callable[..., None]:
    """A constructor that settles what it built, where it is the outermost one."""

    @wraps(construct)
    def settled(self: Settled, *given: Any, **named: Any) -> None:
        construct(self, *given, **named)
        if type(self).__init__ is settled:
            self._settle()

    return settled


class Members(nn.ModuleList):
    """The transforms of a chain: a list of modules that stays as it was built.

    >>> members = Members([nn.Identity(), nn.Identity()])
    >>> len(members), len(members[1:])
    (2, 1)
    >>> members.append(nn.Identity())
    Traceback (most recent call last):
    AttributeError: transforms are fixed once a chain is built: build a new chain of other transforms
    """

    def __init__(self, modules: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self._modules.update({str(number): module for number, module in enumerate(modules)})

    if TYPE_CHECKING:  # nn.ModuleList's are modules of any kind

        def __iter__(self) -> Iterator[Transform]: ...

    def _fixed(self, *given: Any, **named: Any) -> NoReturn:
        raise AttributeError(
            "transforms are fixed once a chain is built: build a new chain of other transforms"
        )

    append = extend = insert = pop = add_module = register_module = _fixed
    __setitem__ = __delitem__ = __iadd__ = _fixed

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, nn.Module):
            self._fixed()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._modules:
            self._fixed()
        super().__delattr__(name)


def copied(value: Any, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor of its own, which the caller's does not share, on the caller's device or else the host."""
    return torch.as_tensor(value, dtype=dtype, device=getattr(value, "device", "cpu")).detach().clone()
