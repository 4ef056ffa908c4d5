"""The default study on the GPU: ``python study.py --out FILE``, a step of ``make gpu``."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from gpuaug.__main__ import main as gpuaug

OPTIONS = ["--seeds", "3", "--epochs", "10"]
SMALL = ["--seeds", "1", "--epochs", "1", "--majority-count", "40", "--minority-count", "10"]
SMALL += ["--arms", "imbalanced", "all"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="one epoch of two arms")
    arguments = parser.parse_args()
    options = SMALL if arguments.small else OPTIONS
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        gpuaug(["study", "--device", "cuda", *options, "--out", folder, "--overwrite"])
        report = json.loads((Path(folder) / "report.json").read_text())
    seconds = time.perf_counter() - begun
    headline = [f"{' '.join(options)}: {seconds:.0f} s", report["conclusion"]]
    arguments.out.write_text(json.dumps({"headline": headline, **report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
