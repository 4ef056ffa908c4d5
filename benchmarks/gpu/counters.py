"""ncu's counters of the two chains of ``benchmarks/README.md``: ``python counters.py --out FILE``.

They are the executed lane instructions, beside those counted without a GPU; the used share of issue slots and
of memory; occupancy; bank conflicts; and the stalls of warps.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import tempfile
import time
from pathlib import Path

from profiled import CHAINS, SIDE, WARM
from python_command import python

# The counts of kernel_instructions.py: lane instructions per pixel of three channels.
RESULTS = Path(__file__).parents[1] / "results" / "kernel-instructions.json"
COUNTED = {
    name: json.loads(RESULTS.read_text())["cases"][f"{name}, {SIDE} px"]["now"]["lane"] for name in CHAINS
}
SECTIONS = (
    "SpeedOfLight",
    "LaunchStats",
    "Occupancy",
    "SchedulerStats",
    "WarpStateStats",
    "MemoryWorkloadAnalysis",
    "InstructionStats",
)
# Added if this ncu knows them.
METRICS = (
    "smsp__thread_inst_executed.sum",
    "smsp__inst_executed.sum",
    "smsp__issue_active.avg.pct_of_peak_sustained_active",
    "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum",
    "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum",
    "dram__bytes_read.sum",
    "dram__bytes_write.sum",
    "gpu__time_duration.sum",
)
OPTIONS = ("--clock-control", "none", "--print-units", "base")  # the clocks stay as they are
LEAST_SECONDS = 5.0  # ncu is not called with less time
KERNEL = ("--kernel-name", "regex:augment_kernel", "--launch-skip", str(WARM), "--launch-count", "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="a batch of 4")
    parser.add_argument("--seconds", type=float, default=50, help="for all calls of ncu together")
    arguments = parser.parse_args()
    batch = 4 if arguments.small else 256
    report: dict = {"headline": [], "side": SIDE, "batch": batch, "chains": {}}
    begun = time.monotonic()
    for number, name in enumerate(CHAINS, start=1):
        values = look_at(name, batch, begun + arguments.seconds * number / len(CHAINS))
        report["chains"][name] = values
        report["headline"].append(f"{name}: {headline(name, values, batch)}")
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")
        print(report["headline"][-1])
    if not all(report["chains"].values()):
        raise SystemExit("ncu gave no values")


def look_at(name: str, batch: int, end: float) -> dict[str, str]:
    """Every value of the launch, by name and unit."""
    program = [*python(), str(Path(__file__).with_name("profiled.py")), name, str(batch)]
    sections = [option for section in SECTIONS for option in ("--section", section)]
    for metrics in (["--metrics", ",".join(METRICS)], []):
        left = end - time.monotonic()
        if left < LEAST_SECONDS:
            break
        said, printed = call(["ncu", "--csv", *OPTIONS, *KERNEL, *sections, *metrics, *program], left)
        values = parse(printed)
        if values:
            return values
        print(f"{name}: ncu gave no values, {said}\n{printed[-2000:]}")
    return {}


def call(command: list[str], seconds: float) -> tuple[str, str]:
    """The exit status and output of a command. It prints to a file, as child processes may hold a pipe."""
    with tempfile.TemporaryFile("w+", errors="replace") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            said = f"exit status {process.wait(seconds)}"
        except subprocess.TimeoutExpired:
            process.kill()
            said = f"not through after {seconds:.0f} s"
        file.seek(0)
        return said, file.read()


def parse(printed: str) -> dict[str, str]:
    """ncu's values by name and unit. Other lines of ncu and of the program come before the header.

    >>> parse('==PROF== x\\n"ID","Metric Name","Metric Unit","Metric Value"\\n"0","Duration","us","37.5"\\n')
    {'Duration [us]': '37.5'}
    """
    begin = printed.find('"ID"')
    rows = csv.DictReader(io.StringIO(printed[begin:])) if begin >= 0 else []
    return {
        f"{row['Metric Name']} [{row['Metric Unit']}]": row["Metric Value"]
        for row in rows
        if row["Metric Name"]
    }


def headline(name: str, values: dict[str, str], batch: int) -> str:
    def value(start: str) -> float | None:
        found = next((v for key, v in values.items() if key.startswith(start)), None)
        return None if found is None else float(found.replace(",", ""))

    executed = value("smsp__thread_inst_executed.sum")
    per_pixel = executed / (batch * SIDE * SIDE) if executed else None
    parts = {
        f"lane instructions a pixel ({COUNTED[name]} counted)": per_pixel,
        "% of issue slots": value("smsp__issue_active"),
        "% of the memory": value("DRAM Throughput"),
        "% occupancy": value("Achieved Occupancy"),
        "bank conflicts": value("l1tex__data_bank_conflicts"),
    }
    return (
        ", ".join(f"{what}: {number:,.1f}" for what, number in parts.items() if number is not None)
        or "nothing"
    )


if __name__ == "__main__":
    main()
