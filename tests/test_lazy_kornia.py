"""Without kornia the kernel's path runs, and what needs kornia says so; its first use may be anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gpuaug

KERNEL = """
import torch
import gpuaug
from gpuaug.__main__ import main

images = torch.randint(256, (4, 3, 12, 12), dtype=torch.uint8)
steps = [gpuaug.RandomResizedCrop(8), gpuaug.ColorJitter(0.2), gpuaug.GaussianBlur()]
print(gpuaug.Compose([*steps, gpuaug.Normalize(0.5, 0.25)])(images).shape)
print(gpuaug.Downscale()(images).shape)
main(["info"])
"""


def run(program: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(Path(gpuaug.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=120
    )


def without_kornia(program: str) -> subprocess.CompletedProcess:
    return run(f"import sys\nsys.modules['kornia'] = None\n{program}")


def test_the_kernel_runs_without_it():
    ran = without_kornia(KERNEL)
    assert ran.returncode == 0, ran.stderr
    chain, batched, first, *_ = ran.stdout.splitlines()
    assert (chain, batched) == ("torch.Size([4, 3, 8, 8])", "torch.Size([4, 3, 12, 12])")
    assert first == f"gpuaug {gpuaug.__version__}"


@pytest.mark.parametrize(
    "call",
    [
        "gpuaug.MedianBlur()(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))",
        "gpuaug.functional.gaussian_blur(torch.zeros(2, 3, 8, 8), 1.0)",
    ],
)
def test_an_import_error_names_kornia(call):
    ran = without_kornia(f"import torch, gpuaug\n{call}")
    assert ran.returncode == 1
    *_, error, note = ran.stderr.splitlines()
    assert error.startswith("ModuleNotFoundError: ")
    assert "kornia" in error
    assert note.endswith("pip install kornia")


@pytest.mark.slow
def test_constants_of_kornia_are_ordinary_tensors():
    """Even where the first use is under a mode that makes other tensors."""
    ran = run(
        "import torch, gpuaug\n"
        "images = torch.rand(2, 3, 8, 8)\n"
        "with torch.device('meta'), torch.inference_mode():\n"
        "    gpuaug.MotionBlur()(images)\n"
        "from kornia.constants import pi\n"
        "print(pi.device, pi.is_inference())"
    )
    assert ran.stdout == "cpu False\n", ran.stderr
