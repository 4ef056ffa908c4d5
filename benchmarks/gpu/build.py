"""Builds the libraries for this GPU, unless the existing ones load and were built from these sources."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from python_command import python
from steps import ROOT

ASK = str(Path(__file__).with_name("libraries.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--take", action="store_true", help="use the existing libraries, whatever their sources"
    )
    taken = parser.parse_args().take
    if _loads() and (taken or _of_these_sources()):
        print("the existing libraries are used: nothing to build")
        return
    capability = "{}.{}".format(*torch.cuda.get_device_capability())
    environment = {
        "FORCE_CUDA": "1",
        "TORCH_CUDA_ARCH_LIST": os.environ.get("TORCH_CUDA_ARCH_LIST", capability),
    }
    subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"], env={**os.environ, **environment}, check=True
    )
    if not _loads():
        raise SystemExit("the libraries were built, but do not load")
    print(f"built for compute capability {environment['TORCH_CUDA_ARCH_LIST']}")


def _loads() -> bool:
    return subprocess.run([*python(), ASK]).returncode == 0


def _of_these_sources() -> bool:
    recorded = json.loads((ROOT / "gpuaug/_build.json").read_text()).get("sources")
    here = {
        path.relative_to(ROOT / "csrc").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in ROOT.glob("csrc/**/*.*")
    }
    return recorded == here


if __name__ == "__main__":
    main()
