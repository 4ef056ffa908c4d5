"""Runs everything that needs a GPU in eight minutes, the most valuable steps first: ``make gpu``.

    python benchmarks/gpu/run.py                            # every step
    python benchmarks/gpu/run.py --only kernels counters    # some steps
    python benchmarks/gpu/run.py --rehearse --out FOLDER    # every line of Python, without a GPU

Each step has its own time limit, and its failure does not stop the others. A step writes its results while it
runs, under ``benchmarks/results/gpu/<GPU>/``: a JSON file for each step, and one log. If the environment has
``OUT``, the results are copied there too. The summary comes last. Nothing is installed: PYTHON needs torch,
numpy and setuptools, and a step that needs more says what is missing. PYTHONPATH may add packages.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from steps import ROOT, Step, Workplace

MINUTES = 8.0
TOOLKIT = [Path("/usr/local/cuda/bin"), Path("/usr/local/cuda/compute-sanitizer")]
TESTS = "-m pytest -m cuda --require-cuda -q -p no:cacheprovider tests gpuaug"

# Training is slow under the stand-in, and the step "study" trains; tv_tensors cannot be on the stand-in.
UNREHEARSED = (
    "tests/study/training/test_training.py",
    "tests/loading/test_annotated.py::test_everything_comes_to_the_gpu",
)
REHEARSED_TESTS = " ".join(f"--deselect {name}" for name in UNREHEARSED)

# The most valuable first. The seconds are limits, not estimates.
STEPS = (
    Step("build", 150, "benchmarks/gpu/build.py", small="--take"),
    Step("smoke", 30, "benchmarks/gpu/smoke.py"),
    Step(
        "tests",
        120,
        TESTS,
        needs=("pytest", "pytest_timeout", "hypothesis", "scipy", "cv2"),
        small=REHEARSED_TESTS,
    ),
    Step("kernels", 100, "benchmarks/gpu/kernels.py --out {out}", "kernels.json", small="--small"),
    Step(
        "sanitizers",
        90,
        "benchmarks/gpu/sanitizers.py --out {out} --seconds {seconds}",
        "sanitizers.json",
        tool="compute-sanitizer",
        needs=("hypothesis",),
    ),
    Step(
        "counters",
        60,
        "benchmarks/gpu/counters.py --out {out} --seconds {seconds}",
        "counters.json",
        tool="ncu",
        small="--small",
    ),
    Step(
        "chains",
        60,
        "benchmarks/chains.py --device cuda --only chains --rounds 3 --seconds 0.05 --out {out}",
        "chains.json",
        needs=("torchvision", "scipy", "cv2"),
        small="--chains full --batches 32x16",
    ),
    Step(
        "training",
        70,
        "benchmarks/gpu/training.py --out {out}",
        "training.json",
        needs=("torchvision", "PIL"),
        small="--small",
    ),
    Step(
        "study",
        90,
        "benchmarks/gpu/study.py --out {out}",
        "study.json",
        needs=("kornia", "torchvision", "torchmetrics", "matplotlib", "jinja2", "scipy", "PIL", "tqdm"),
        small="--small",
    ),
)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    names = [step.name for step in STEPS]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, help="the steps to run, in the usual order"
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help="minutes for all steps together")
    parser.add_argument("--out", type=Path, help="by default benchmarks/results/gpu/<GPU>")
    parser.add_argument("--rehearse", action="store_true", help="use a stand-in GPU and small sizes")
    arguments = parser.parse_args()
    gpu, python, tools = rehearsal() if arguments.rehearse else here()
    out = arguments.out or ROOT / "benchmarks/results/gpu" / re.sub("[^a-z0-9]+", "-", gpu.lower())
    copies = Path(os.environ["OUT"]) if os.environ.get("OUT") else None
    place = Workplace(out, copies, python, tools, small=arguments.rehearse)
    end = time.monotonic() + 60 * arguments.minutes
    done: list[dict[str, Any]] = []
    for step in STEPS:
        if step.name in arguments.only:
            done.append(place.run(step, end - time.monotonic()))
            place.write("summary.json", {"gpu": gpu, "steps": done})
    print(f"\n=== {gpu}")
    for row in done:
        print(f"{row['step']:10} {row['state']:8} {row['seconds']:6.1f} s  {row['headline'][0]}")
        for line in row["headline"][1:]:
            print(f"{'':28} {line}")
    sys.exit(any(row["state"] == "failed" for row in done))


def here() -> tuple[str, list[str], list[Path]]:
    """The GPU's name, the command for Python, and the folders of programs."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("make gpu needs a GPU that torch can use; --rehearse needs none")
    return torch.cuda.get_device_name(), [sys.executable], TOOLKIT


def rehearsal() -> tuple[str, list[str], list[Path]]:
    sys.path.insert(0, str(ROOT))  # the stand-in imports gpuaug, which need not be installed
    from stand_in.cuda import NAME

    return NAME, [sys.executable, "-m", "stand_in"], [Path(__file__).with_name("stand_in") / "tools"]


if __name__ == "__main__":
    main()
