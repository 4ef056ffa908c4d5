"""Runs compute-sanitizer's four tools on ``every_variant.py``: ``python sanitizers.py --out FILE``.

A tool passes if it finds nothing and the program's results are right.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from python_command import python

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
# Only gpuaug's kernels are checked, not PyTorch's fill and copy kernels.
OPTIONS = ("--kernel-name", "kernel_substring=gpuaug", "--error-exitcode", "9", "--print-limit", "20")
# PyTorch asks the driver for entry points that may be missing, which memcheck would count as errors.
OF_TOOL = {"memcheck": ("--report-api-errors", "no")}
# Every tensor gets memory of its own: within PyTorch's blocks of 2 MiB, overruns would be in bounds.
ENVIRONMENT = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
FOUND = re.compile(r"^========= (?:ERROR|RACECHECK) SUMMARY: (.*)$", re.MULTILINE)
KEPT = 4000  # characters of a tool's report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=80, help="for all tools together")
    arguments = parser.parse_args()
    program = [*python(), str(Path(__file__).with_name("every_variant.py"))]
    end = time.monotonic() + arguments.seconds
    tools: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        running = {tool: start(tool, program, Path(folder) / tool) for tool in TOOLS}
        while running:
            late = time.monotonic() >= end
            for tool in [tool for tool, process in running.items() if late or process.poll() is not None]:
                process = running.pop(tool)
                tools[tool] = verdict(process.poll(), (Path(folder) / tool).read_text(errors="replace"))
                process.kill()  # the child processes of the tool end with this step
                write(arguments.out, tools)
                print(f"{tool}: {tools[tool]['verdict']}", flush=True)
            time.sleep(0.1)
    sys.exit(not all(row["clean"] for row in tools.values()))


def start(tool: str, program: list[str], printed: Path) -> subprocess.Popen[bytes]:
    """Starts a tool on the program. Both print to a file, as an unread pipe would block them."""
    command = ["compute-sanitizer", "--tool", tool, *OPTIONS, *OF_TOOL.get(tool, ()), *program]
    environment = {**os.environ, **ENVIRONMENT}
    with printed.open("wb") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)


def write(out: Path, tools: dict[str, dict]) -> None:
    in_order = {tool: tools[tool] for tool in TOOLS if tool in tools}
    headline = [f"{tool}: {row['verdict']}" for tool, row in in_order.items()]
    out.write_text(json.dumps({"headline": headline, "tools": in_order}, indent=1) + "\n")


def verdict(status: int | None, printed: str) -> dict:
    """The verdict of a tool, from its exit status (None if it did not finish) and its output.

    >>> verdict(0, "========= COMPUTE-SANITIZER\\n========= ERROR SUMMARY: 0 errors\\n")["clean"]
    True
    >>> verdict(9, "========= ERROR SUMMARY: 2 errors\\n")["verdict"]
    '2 errors'
    >>> verdict(255, "========= Error: Device not supported\\n")["verdict"]
    'no summary, exit status 255: ========= Error: Device not supported'
    >>> verdict(None, "begun")["verdict"]
    'not through in time'
    """
    if status is None:
        return {"verdict": "not through in time", "clean": False, "printed": printed[-KEPT:]}
    found = FOUND.search(printed)
    lines = [line for line in printed.splitlines() if line.strip()]
    said = found[1] if found else f"no summary, exit status {status}: {lines[-1] if lines else 'nothing'}"
    clean = status == 0 and found is not None
    return {"verdict": said, "clean": clean, "printed": "" if clean else printed[:KEPT]}


if __name__ == "__main__":
    main()
