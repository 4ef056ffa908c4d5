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
from gpuaug.study.statistics.not_defined import NotDefinedError

STOPPED = 130  # the exit status, in a shell, of a program that Ctrl-C ended


class Parser(argparse.ArgumentParser):
    """Reports errors in one line. The usage is shown by ``--help`` only."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(words: Sequence[str] | None = None) -> None:
    """Runs a command line, by default that of the process."""
    words = sys.argv[1:] if words is None else words
    parser = Parser(prog="python -m gpuaug", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"gpuaug {backends.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="{study,preview,info}", required=True)
    study = commands.add_parser("study", help="compare ways to handle class imbalance", allow_abbrev=False)
    options.add_arguments(study)
    sheet = commands.add_parser("preview", help="show what a transform does to images", allow_abbrev=False)
    preview.add_arguments(sheet)
    commands.add_parser("info", help="show versions, backends and GPUs")
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
    """Runs the study. A signal ends it so that it can be resumed."""
    again = [word for word in words if word != "--resume"]  # repeating a study starts it anew
    try:
        ready = prepared.prepare(arguments, shlex.join(["python", "-m", "gpuaug", *again]))
    except (ValueError, RuntimeError, OSError) as error:
        study.error(" ".join(str(error).split()))
    # Clusters end a program by SIGTERM, which is handled like Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command.run(ready)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command with --resume continues {ready.out}", file=sys.stderr)
        sys.exit(STOPPED)
    except NotDefinedError as error:  # known only now: training diverged
        study.error(str(error))
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
