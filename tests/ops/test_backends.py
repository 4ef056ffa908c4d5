"""The compiled libraries are found, or their absence is explained once and the reference can serve."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gpuaug.ops import backends

REPORT = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from gpuaug.ops import backends
    from gpuaug.ops import backends
import torch
print(json.dumps({
    "warnings": [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)],
    "cpu": backends.why_not("cpu"), "cuda": backends.why_not("cuda"),
    "has": [backends.has_cpu, backends.has_cuda],
    "schemas": [str(s) for s in torch._C._jit_get_all_schemas() if s.name.startswith("gpuaug::")],
}))
"""
BUILD = {
    "gpuaug": "0.0.9",
    "schemas": list(backends.SCHEMAS),
    "torch": "9.8.7+cu120",
    "machine": "riscv64",
    "cuda": "12.0",
    "arches": "7.5",
    "why_no_cuda": None,
}
NVML = """
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int* version) { *version = DRIVER; return 0; }
int nvmlDeviceGetCount_v2(unsigned* count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) { return 0; }
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor) {
    *major = 8; *minor = 6; return 0;
}
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installation without compiled libraries: gpuaug/ops/backends.py alone."""
    package = tmp_path / "site" / "gpuaug"
    (package / "ops").mkdir(parents=True)
    for folder in (package, package / "ops"):
        (folder / "__init__.py").touch()
    shutil.copy(backends.__file__, package / "ops")
    return package


def imported(package: Path, **environment: str) -> dict:
    """What importing that installation says, in a process of its own, from elsewhere."""
    env = {key: value for key, value in os.environ.items() if key != "GPUAUG_REFERENCE"}
    env |= {"PYTHONPATH": str(package.parent), **environment}
    command = [sys.executable, "-c", REPORT]
    ran = subprocess.run(command, env=env, cwd=package.parent, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def compile_c(source: str, library: Path, *flags: str) -> None:
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler, to build a small library")
    command = [compiler, "-shared", "-fPIC", *flags, "-xc", "-", "-o", str(library)]
    subprocess.run(command, input=source, text=True, check=True, timeout=60)


def test_schemas_serve_without_a_library_and_one_warning_says_why(installed):
    report = imported(installed)
    assert report["has"] == [False, False]
    assert sorted(report["schemas"]) == sorted(f"gpuaug::{schema}" for schema in backends.SCHEMAS)
    (warning,) = report["warnings"]
    assert "nothing was compiled, as there was no C++ compiler" in warning
    assert "it takes 190 to 380 times as long" in warning
    assert f"running gpuaug {backends.__version__}, torch {torch.__version__}" in warning
    assert "pip install . --no-build-isolation" in warning


def test_a_library_that_cannot_be_loaded_is_one_warning_with_both_versions(installed):
    (installed / "_C.abi3.so").write_text("for another machine")
    (installed / "_build.json").write_text(json.dumps(BUILD))
    report = imported(installed)
    assert report["has"] == [False, False]
    (warning,) = report["warnings"]
    assert "No cpu backend: _C.abi3.so cannot be loaded: " in warning
    assert "Built with gpuaug 0.0.9, torch 9.8.7+cu120, CUDA 12.0 for GPUs of 7.5, riscv64" in warning
    assert f"running gpuaug {backends.__version__}, torch {torch.__version__}" in warning


def test_a_missing_symbol_is_named(installed):
    compile_c("void newer_torch(void); void f(void) { newer_torch(); }", installed / "_C.abi3.so")
    (installed / "_build.json").write_text(json.dumps(BUILD))
    report = imported(installed)
    assert report["cpu"].endswith("undefined symbol: newer_torch")
    assert len(report["warnings"]) == 1


def test_a_library_of_other_sources_is_not_loaded(installed):
    compile_c("", installed / "_C.abi3.so")
    (installed / "_build.json").write_text(
        json.dumps(BUILD | {"schemas": ["augment(Tensor images) -> Tensor"]})
    )
    report = imported(installed)
    assert report["cpu"] == "_C.abi3.so was built from other sources of gpuaug"
    assert len(report["warnings"]) == 1


def test_the_environment_chooses_the_reference_without_a_warning(installed):
    report = imported(installed, GPUAUG_REFERENCE="1")
    assert report["has"] == [False, False]
    assert report["cpu"] == "GPUAUG_REFERENCE=1 is set"
    assert report["warnings"] == []


@pytest.mark.parametrize(
    ("build", "driver", "reason"),
    [
        ({"cuda": None, "why_no_cuda": "nvcc was not found"}, 13000, "it was not built: nvcc was not found"),
        ({"cuda": "13.0"}, 12080, "it was built with CUDA 13.0, but this driver supports CUDA 12 at most"),
        ({"cuda": "13.0"}, 13000, "it was built for GPUs of 7.5, but these GPUs are of 8.6"),
    ],
)
def test_a_cuda_library_that_cannot_serve_the_gpu(installed, build, driver, reason):
    if torch.version.cuda is None:
        pytest.skip("needs a torch with CUDA; a GPU need not be there")
    # An empty library serves as the CPU's: it loads, and defines nothing.
    compile_c("", installed / "_C.abi3.so")
    compile_c(NVML, installed.parent / "libnvidia-ml.so.1", f"-DDRIVER={driver}")
    (installed / "_build.json").write_text(json.dumps(BUILD | build))
    report = imported(installed, LD_LIBRARY_PATH=str(installed.parent))
    assert report["cuda"] == reason
    assert len(report["warnings"]) == 1
    assert reason in report["warnings"][0]


@pytest.mark.parametrize(
    ("arches", "capability", "runs"),
    [
        ("8.0", (8, 0), True),
        ("8.0", (8, 9), True),
        ("8.6", (8, 0), False),
        ("8.0", (9, 0), False),
        ("8.0+PTX", (9, 0), True),
        ("8.0+PTX", (7, 5), False),
        ("7.0 8.0;9.0+PTX", (12, 0), True),
        ("7.0;8.0", (6, 1), False),
        ("Hopper", (7, 5), True),
        ("9.0a", (8, 0), True),
    ],
)
def test_which_gpus_a_library_runs_on(arches, capability, runs):
    assert backends.covers(arches, capability) is runs


@pytest.mark.native
def test_the_compiled_schemas_are_those_of_the_fallback():
    compiled = [str(getattr(torch.ops.gpuaug, s.split("(")[0]).default._schema) for s in backends.SCHEMAS]
    assert compiled == [f"gpuaug::{schema}" for schema in backends.SCHEMAS]


@pytest.mark.native
def test_the_record_beside_the_libraries_is_of_this_version():
    build = json.loads(Path(backends.__file__).parents[1].joinpath("_build.json").read_text())
    assert build["gpuaug"] == backends.__version__
    assert build["schemas"] == list(backends.SCHEMAS)


def test_info_names_versions_backends_and_gpus():
    lines = backends.info().splitlines()
    assert lines[0] == f"gpuaug {backends.__version__}"
    assert lines[2].startswith(f"torch {torch.__version__}, ")
    assert "backend reference: yes" in lines
    for name in ("cpu", "cuda"):
        reason = backends.why_not(name)
        assert f"backend {name}: {f'no, {reason}' if reason else 'yes'}" in lines
    assert f"JPEG files: {backends.why_no_jpeg() or 'windows, by libjpeg-turbo'}" in lines
    assert lines[-1].startswith("GPU")


@pytest.fixture
def unasked():
    """As if nobody had asked for libjpeg-turbo yet."""
    backends.why_no_jpeg.cache_clear()
    yield
    backends.why_no_jpeg.cache_clear()


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ({"jpeg": None}, "it was not built, as libjpeg-turbo's headers were missing"),
        ({"jpeg": "decode_jpeg(Tensor data) -> ()"}, "it was built from other sources of gpuaug"),
        ({}, "it was built from other sources of gpuaug"),  # before there was one
    ],
)
@pytest.mark.native
def test_why_jpeg_files_are_decoded_whole(build, reason, unasked, monkeypatch):
    others = {name: value for name, value in backends._build.items() if name != "jpeg"}
    monkeypatch.setattr(backends, "_build", {**others, **build})
    assert backends.why_no_jpeg() == f"decoded whole, by Pillow: {reason}"


@pytest.mark.native
def test_a_decoder_that_was_left_behind(unasked, monkeypatch, tmp_path):
    """Libraries that were built elsewhere, of which one was not brought along."""
    monkeypatch.setattr(backends, "_build", {**backends._build, "jpeg": backends.JPEG_SCHEMA})
    monkeypatch.setattr(backends, "_FOLDER", tmp_path)
    assert backends.why_no_jpeg() == "decoded whole, by Pillow: gpuaug/_jpeg was built, but is missing"


def test_the_reference_takes_pillow(unasked, monkeypatch):
    monkeypatch.setitem(backends._reasons, "cpu", "GPUAUG_REFERENCE=1 is set")
    assert backends.why_no_jpeg() == "decoded whole, by Pillow: it needs the CPU library"


@pytest.mark.native
def test_the_compiled_decoder_is_of_the_schema():
    if not backends.why_no_jpeg():
        assert str(torch.ops.gpuaug.decode_jpeg.default._schema) == f"gpuaug::{backends.JPEG_SCHEMA}"


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend must be one of reference, cpu, cuda, got 'tpu'"):
        backends.why_not("tpu")
