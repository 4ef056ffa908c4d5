"""Reads the text of a chain or a target, such as ``crop + GaussianBlur(sigma=2.0)``, as a Python expression.

Only names of a table are called; nothing else is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from gpuaug.study.spelling import must_be_of

Names = Mapping[str, Callable[..., Any]]


def evaluate(parameter: str, text: str, names: Names, join: Callable[[Any, Any], Any] | None = None) -> Any:
    """The value of an expression of ``names``, numbers, strings, tuples and lists.

    >>> names = {"power": lambda alpha: ("power", alpha), "natural": lambda: "natural"}
    >>> evaluate("target", "power(alpha=0.5)", names)
    ('power', 0.5)
    >>> evaluate("target", "natural", names)
    'natural'

    Args:
        parameter: what the messages call the expression.
        names: what may be called; a bare name is called without arguments.
        join: what ``a + b`` means; None forbids it.

    Raises:
        ValueError: no expression, an unknown name, anything else, or arguments that a call refuses.
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, names, join)
    except SyntaxError as error:
        raise ValueError(f"{parameter} must be names joined by +, got {text!r}: {error.msg}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{parameter} {text!r}: {error}") from error


def tidy(text: str) -> str:
    """One spelling for expressions that differ in spaces, quotes and brackets alone.

    >>> tidy(" crop+( hflip(p =0.5))")
    'crop + hflip(p=0.5)'
    """
    return ast.unparse(ast.parse(text.strip(), mode="eval"))


def parts_of_sum(text: str) -> list[str]:
    """The texts that ``+`` joins.

    >>> parts_of_sum("natural + focal(gamma=1 + 1) + class_weights")
    ['natural', 'focal(gamma=1 + 1)', 'class_weights']

    Raises:
        SyntaxError: no expression.
    """
    node = ast.parse(text.strip(), mode="eval").body
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts.insert(0, node.right)
        node = node.left
    return [ast.unparse(part) for part in (node, *parts)]


def root_name(text: str) -> str:
    """The name that an expression begins with, "" where there is none.

    >>> root_name("deferred(3)"), root_name("17"), root_name("a + b")
    ('deferred', '', 'a')
    """
    try:
        node: ast.AST = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return ""
    while isinstance(node, (ast.BinOp, ast.Call)):
        node = node.left if isinstance(node, ast.BinOp) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.AST, names: Names, join: Callable[[Any, Any], Any] | None) -> Any:
    if isinstance(node, ast.Name):
        return _called(node, names)()
    if isinstance(node, ast.Call):
        call = _called(node.func, names)
        positional = [_value(argument, names, join) for argument in node.args]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise ValueError("** is not understood")
            named[keyword.arg] = _value(keyword.value, names, join)
        return call(*positional, **named)
    if isinstance(node, (ast.List, ast.Tuple)):
        values = [_value(element, names, join) for element in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and join is not None:
        return join(_value(node.left, names, join), _value(node.right, names, join))
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{ast.unparse(node)} is not understood") from None


def _called(node: ast.AST, names: Names) -> Callable[..., Any]:
    if not isinstance(node, ast.Name):
        raise ValueError(f"{ast.unparse(node)} is not a name")
    if node.id not in names:
        raise ValueError(must_be_of(sorted(names, key=str.lower), node.id))
    return names[node.id]
