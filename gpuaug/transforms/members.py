"""The transforms of a chain, fixed once it is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from torch import nn

from gpuaug.transforms.base import Transform


class Members(nn.ModuleList):
    """The transforms of a chain: a list of modules that cannot change.

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
