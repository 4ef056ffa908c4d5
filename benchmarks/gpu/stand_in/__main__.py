"""Runs a script, or a module with ``-m``, with the stand-in GPU: ``python -m stand_in SCRIPT …``."""

from __future__ import annotations

import runpy
import sys

from stand_in.cuda import install

if __name__ == "__main__":
    install()
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
