"""Sets names with an underscore at the end, such as plan_, as code: reST would read them as references."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAME = re.compile(r"(?<![`\w\\.])([A-Za-z]\w*_)(?![\w`])")


def as_code(lines: Sequence[str]) -> list[str]:
    """A docstring's lines; those of its examples, down to the next empty line, stay as they are.

    >>> as_code(["the plan_ of ``counts_``", "", ">>> sampler.plan_", "plan_"])
    ['the ``plan_`` of ``counts_``', '', '>>> sampler.plan_', 'plan_']
    """
    out, example = [], False
    for line in lines:
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        out.append(line if example else NAME.sub(r"``\1``", line))
    return out


def after_napoleon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_code(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
