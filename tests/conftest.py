"""What tests share: random states put back, GPU tests that can be required, data beside the repository."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gpuaug.ops import backends

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-cuda",
        action="store_true",
        help="fail the tests marked cuda where they would be skipped",
    )
    parser.addoption("--thorough", action="store_true", help="run the tests marked thorough too")


# Under pytest-xdist a file is one process's work. These begin first, so that no process ends with them alone.
LONG_FILES = ("benchmarks/test_gpu_run.py", "csrc/test_cuda_source.py", "csrc/test_ptx.py")
SEVERAL_THREADS = ("ops", "functional")


def pytest_configure(config: pytest.Config) -> None:
    # What a test starts is no worker of pytest-xdist, a pytest of its own least of all.
    if hasattr(config, "workerinput"):
        for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
            del os.environ[name]
    # Most tensors here are tiny, and threads that wait for one another cost more than they save.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Where it is imported, also in processes of their own, it would ask a server for its latest version.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    # A shell starts what runs in its background with Ctrl-C ignored, and every process that a test starts
    # would inherit that, and wait for an interrupt that never comes.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        folder = Path(__file__).parent
        first = {folder / name: place for place, name in enumerate(LONG_FILES)}
        items.sort(key=lambda item: first.get(item.path, len(first)))


def _missing(item: pytest.Item) -> str:
    """What a test's marks ask for and is not here; "" when all is."""
    if item.get_closest_marker("native") and not backends.has_cpu:
        return f"needs the compiled CPU library: {backends.why_not('cpu')}"
    if item.get_closest_marker("cuda"):
        if not torch.cuda.is_available():
            return "needs a GPU that torch can use"
        if not backends.has_cuda:
            return f"needs the CUDA library: {backends.why_not('cuda')}"
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("thorough") and not item.config.getoption("--thorough"):
        pytest.skip("thorough: run by --thorough, as make thorough does")
    missing = _missing(item)
    if missing and item.get_closest_marker("cuda") and item.config.getoption("--require-cuda"):
        pytest.fail(f"--require-cuda was given, but this {missing}", pytrace=False)
    if missing:
        pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Without kornia, skips what needs it: the kernel's tests need none."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if error.name == "kornia":
            pytest.skip("needs kornia")
        raise


@pytest.fixture(autouse=True)
def _threads(request: pytest.FixtureRequest) -> None:
    """Three threads for the tests of the operators, among which the compiled kernel divides a batch."""
    several = any(request.path.is_relative_to(Path(__file__).parent / room) for room in SEVERAL_THREADS)
    torch.set_num_threads(3 if several else 1)


@pytest.fixture(autouse=True)
def _restored_generators() -> Iterator[None]:
    """Global random states are as they were after every test, so that no test depends on another."""
    python, numpy, host = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    yield
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(host)
    torch.cuda.set_rng_state_all(gpus)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device that gpuaug runs on; the GPU's tests are marked cuda."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether tests that repeat something do so many times."""
    return bool(request.config.getoption("--thorough"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of image archives beside the repository, for tests that need more than the embedded set."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the folder shared/data beside the repository, with its archives of real images")
    return SHARED_DATA
