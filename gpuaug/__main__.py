"""The command line: ``python -m gpuaug study`` and ``python -m gpuaug info``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn

from gpuaug import _native
from gpuaug.study import command


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is for ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(words: Sequence[str] | None = None) -> None:
    """Run a command line, by default the process's own."""
    words = sys.argv[1:] if words is None else words
    parser = Parser(prog="python -m gpuaug", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    study = commands.add_parser("study", help="compare ways to meet class imbalance", allow_abbrev=False)
    command.add_arguments(study)
    commands.add_parser("info", help="versions, backends and GPUs")
    arguments = parser.parse_args(words)
    if arguments.command == "info":
        print(_native.info())
        return
    try:
        job = command.prepare(arguments, shlex.join(["python", "-m", "gpuaug", *words]))
    except (ValueError, RuntimeError, OSError) as error:
        study.error(" ".join(str(error).split()))
    command.run(job)


if __name__ == "__main__":
    main()
