"""The resources of a thread in each variant of the CUDA kernel, read from a build's log; pinned in a table.

    python benchmarks/kernel_resources.py build.log --nvcc 13.0           # fails where it differs
    python benchmarks/kernel_resources.py build.log --nvcc 13.0 --write   # a change that is meant

The compiler decides these numbers, so they are compared only if its release is that of the table. Shared
memory is not among them: a launch requests the memory that its tiles need (``csrc/cuda/tiling.h``), at most
47 KiB for a block.
"""

from __future__ import annotations

import argparse
import json
import re
from itertools import zip_longest
from pathlib import Path

TABLE = Path(__file__).with_name("results") / "kernel-resources.json"
STAGES = {2: "blur", 8: "shrink", 256: "counting"}  # counting: counts levels instead of writing them
VALUES = {"h": "8-bit", "t": "16-bit", "j": "32-bit"}

ENTRY = re.compile(r"Compiling entry function '_ZN6gpuaug14augment_kernelILl(\d+)E(\w)EEv\w+' for '(sm_\d+)'")
MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:, used \d+ barriers)?(?:, \d+ bytes cumulative stack size)?")


def read(log: str) -> dict[str, dict[str, dict[str, int]]]:
    """The registers of a thread and the bytes of its stack and spills, by GPU and variant.

    >>> lines = '''Compiling entry function '_ZN6gpuaug14augment_kernelILl2EhEEvNS_5BatchE' for 'sm_80'
    ...     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
    ... Used 64 registers, used 1 barriers'''
    >>> read(lines)
    {'sm_80': {'blur, 8-bit': {'registers': 64, 'stack': 0, 'spilled': 0}}}
    """
    table: dict[str, dict[str, dict[str, int]]] = {}
    entries = list(ENTRY.finditer(log))
    for entry, following in zip_longest(entries, entries[1:]):
        part = log[entry.end() : following.start() if following else None]
        stack, *spilled = map(int, MEMORY.search(part).groups())
        used = USED.search(part)
        stages = [name for bit, name in STAGES.items() if int(entry[1]) & bit]
        variant = ", ".join([*stages, VALUES[entry[2]]])
        table.setdefault(entry[3], {})[variant] = {
            "registers": int(used[1]),
            "stack": stack,
            "spilled": sum(spilled),
        }
    return {gpu: dict(sorted(variants.items())) for gpu, variants in sorted(table.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--nvcc", required=True, help="release of the compiler, such as 13.0")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    found = read(arguments.log.read_text())
    if not found:
        raise SystemExit(f"{arguments.log} names no variant of the kernel: was it built with -Xptxas=-v?")
    if arguments.write:
        TABLE.write_text(json.dumps({"nvcc": arguments.nvcc, "kernels": found}, indent=1) + "\n")
        return
    pinned = json.loads(TABLE.read_text())
    if arguments.nvcc != pinned["nvcc"]:
        print(f"not compared: nvcc is of {arguments.nvcc}, the table of {pinned['nvcc']}")
        return
    differences = [
        f"{gpu}, {variant}: {pinned['kernels'].get(gpu, {}).get(variant)} in the table, "
        f"{found.get(gpu, {}).get(variant)} in the build"
        for gpu in sorted({*pinned["kernels"], *found})
        for variant in sorted({*pinned["kernels"].get(gpu, {}), *found.get(gpu, {})})
        if pinned["kernels"].get(gpu, {}).get(variant) != found.get(gpu, {}).get(variant)
    ]
    if differences:
        raise SystemExit("\n".join(["the kernel's resources changed; --write if it is meant:", *differences]))
    print(f"{sum(map(len, found.values()))} variants take what the table says")


if __name__ == "__main__":
    main()
