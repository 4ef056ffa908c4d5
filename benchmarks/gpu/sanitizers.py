"""compute-sanitizer's four tools on ``every_variant.py``, side by side: ``python sanitizers.py --out FILE``.

A tool passes where it finds nothing and the program's results are right.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from python_command import python

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
# Only our kernel is watched: PyTorch's own fill and copy kernels are not ours to judge.
OPTIONS = ("--kernel-name", "kernel_substring=augment_kernel", "--error-exitcode", "9", "--print-limit", "20")
FOUND = re.compile(r"^========= (?:ERROR|RACECHECK) SUMMARY: (.*)$", re.MULTILINE)
KEPT = 4000  # characters of a tool's report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=80, help="for all tools together")
    arguments = parser.parse_args()
    out = arguments.out
    program = [*python(), str(Path(__file__).with_name("every_variant.py"))]
    end = time.monotonic() + arguments.seconds
    started = {
        tool: subprocess.Popen(
            ["compute-sanitizer", "--tool", tool, *OPTIONS, *program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for tool in TOOLS
    }
    tools: dict[str, dict] = {}
    for tool, process in started.items():
        tools[tool] = verdict(process, end)
        headline = [f"{name}: {row['verdict']}" for name, row in tools.items()]
        out.write_text(json.dumps({"headline": headline, "tools": tools}, indent=1) + "\n")
        print(f"{tool}: {tools[tool]['verdict']}")
    sys.exit(not all(row["clean"] for row in tools.values()))


def verdict(process: subprocess.Popen[str], end: float) -> dict:
    try:
        printed, _ = process.communicate(timeout=max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        printed, _ = process.communicate()
        return {"verdict": "not through in time", "clean": False, "printed": printed[-KEPT:]}
    found = FOUND.search(printed)
    said = found[1] if found else f"no summary, exit status {process.returncode}"
    clean = process.returncode == 0 and found is not None
    return {"verdict": said, "clean": clean, "printed": "" if clean else printed[:KEPT]}


if __name__ == "__main__":
    main()
