"""Dictionaries, lists and tuples of tensors, as batches are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def map_tree(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same tree with every leaf changed. Dictionaries, lists and tuples are branches.

    >>> map_tree({"a": [1, 2], "b": (3,)}, lambda leaf: leaf * 10)
    {'a': [10, 20], 'b': (30,)}
    """
    if isinstance(tree, dict):
        return {key: map_tree(value, change) for key, value in tree.items()}
    if isinstance(tree, list):
        return [map_tree(value, change) for value in tree]
    if isinstance(tree, tuple):
        parts = [map_tree(value, change) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return change(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """Every leaf, in order.

    >>> list(leaves({"a": [1, 2], "b": (3,)}))
    [1, 2, 3]
    """
    if isinstance(tree, (dict, list, tuple)):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(value)
    else:
        yield tree
