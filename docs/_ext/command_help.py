"""``{command-help} study``: what ``python -m gpuaug study --help`` prints, asked when the site is built."""

from __future__ import annotations

import contextlib
import io
import os
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gpuaug.__main__ import main

COLUMNS = "88"  # what a page is wide


def help_of(command: str) -> str:
    """The help of ``study``, ``preview`` or ``info``.

    >>> help_of("info").splitlines()[0]
    'usage: python -m gpuaug info [-h]'
    """
    printed = io.StringIO()
    with mock.patch.dict(os.environ, COLUMNS=COLUMNS, NO_COLOR="1"), contextlib.redirect_stdout(printed):
        try:
            main([command, "--help"])
        except SystemExit as stop:
            if stop.code:
                raise RuntimeError(f"gpuaug has no command {command!r}") from None
    return printed.getvalue()


class CommandHelp(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = help_of(self.arguments[0])
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
