"""Pinned memory that is used again: no copy finds another's bytes, whatever the stream, thread or device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from host_compiler import compiler
from travel_without_gpu import CHECKS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CUDA runtime without a driver."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from host_side import build_runtime, toolkit
    home = toolkit()
    if sys.platform != "linux" or torch.version.cuda is None or home is None:
        pytest.skip("needs Linux, a PyTorch with CUDA, and CUDA's headers")
    compiler()
    return build_runtime(tmp_path_factory.mktemp("runtime"), home)


@pytest.mark.parametrize("check", CHECKS)
def test_on_streams_that_run_when_they_are_told(runtime: Path, check: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from host_side import preloaded

    script = ROOT / "tests/travel_without_gpu.py"
    environment = preloaded(runtime, ROOT)
    command = [sys.executable, str(script), check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert (done.stdout, done.returncode) == ("held\n", 0), done.stderr[-2000:]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_other_devices_need_no_pinned_memory(device: str):
    from gpuaug import RandomHorizontalFlip
    from gpuaug.travel.to_device import carried, travel

    there = torch.device(device)
    assert carried(torch.arange(3), there).device.type == device
    (recipes,) = RandomHorizontalFlip().recipes(torch.zeros(2, 3, dtype=torch.int64), (2, 3, 8, 8))
    assert travel(recipes, there).records.device.type == device
