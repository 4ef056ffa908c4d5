"""The command line: ``python -m gpuaug study``, ``preview`` and ``info``."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from gpuaug.ops import backends
from gpuaug.study.cli import command, options, prepared, preview

STOPPED = 130  # what shells say of a program that Ctrl-C ended


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is for ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(words: Sequence[str] | None = None) -> None:
    """Run a command line, by default the process's own."""
    words = sys.argv[1:] if words is None else words
    parser = Parser(prog="python -m gpuaug", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"gpuaug {backends.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="{study,preview,info}", required=True)
    study = commands.add_parser("study", help="compare ways to meet class imbalance", allow_abbrev=False)
    options.add_arguments(study)
    sheet = commands.add_parser("preview", help="show what a transform does to images", allow_abbrev=False)
    preview.add_arguments(sheet)
    commands.add_parser("info", help="versions, backends and GPUs")
    arguments = parser.parse_args(words)
    if arguments.command == "info":
        print(backends.info())
    elif arguments.command == "preview":
        try:
            print(preview.run(arguments))
        except (ValueError, RuntimeError, OSError) as error:
            sheet.error(" ".join(str(error).split()))
    else:
        run_study(study, arguments, words)


def run_study(study: Parser, arguments: argparse.Namespace, words: Sequence[str]) -> None:
    """Run the study; after a signal that ends it, it can be resumed."""
    again = [word for word in words if word != "--resume"]  # to repeat a study is to begin it
    try:
        ready = prepared.prepare(arguments, shlex.join(["python", "-m", "gpuaug", *again]))
    except (ValueError, RuntimeError, OSError) as error:
        study.error(" ".join(str(error).split()))
    # Clusters end a program with SIGTERM: it does what Ctrl-C does.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command.run(ready)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command with --resume goes on with {ready.out}", file=sys.stderr)
        sys.exit(STOPPED)
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
