"""Every variant of the kernel, on every path of it, once: what the sanitizers watch."""

from __future__ import annotations

import torch
from cuda_cases import CHAINS

import gpuaug  # noqa: F401  # registers the op


def main() -> None:
    for call in CHAINS:
        moved = [value.cuda() if isinstance(value, torch.Tensor) else value for value in call]
        got = torch.ops.gpuaug.augment(*moved).cpu()
        if not torch.equal(got, torch.ops.gpuaug.augment(*call)):
            raise SystemExit(f"a call of {tuple(got.shape)} and stages {call[7]} differs from the CPU's")
    print(f"{len(CHAINS)} calls equal the CPU's")


if __name__ == "__main__":
    main()
