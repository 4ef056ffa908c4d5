"""Trees of dictionaries, lists and tuples, with tensors and other values as leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def map_tree(
    tree: Any, change: Callable[[Any], Any], is_leaf: Callable[[Any], bool] = lambda part: False
) -> Any:
    """Applies a function to every leaf of a tree. Dictionaries, lists and tuples are branches.

    >>> map_tree({"a": [1, 2], "b": (3,)}, lambda leaf: leaf * 10)
    {'a': [10, 20], 'b': (30,)}

    Args:
        tree: the tree.
        change: a function from a leaf to the new leaf.
        is_leaf: whether a dictionary, list or tuple is a leaf rather than a branch.
    """
    if isinstance(tree, (dict, list, tuple)) and not is_leaf(tree):
        if isinstance(tree, dict):
            return {key: map_tree(value, change, is_leaf) for key, value in tree.items()}
        parts = [map_tree(value, change, is_leaf) for value in tree]
        if isinstance(tree, list):
            return parts
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return change(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """Yields every leaf, in order.

    >>> list(leaves({"a": [1, 2], "b": (3,)}))
    [1, 2, 3]
    """
    if isinstance(tree, (dict, list, tuple)):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(value)
    else:
        yield tree
