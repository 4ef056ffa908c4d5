"""The CUDA kernel's source, compiled for the host and run thread by thread: its bytes are the reference's."""

import ctypes
import shutil
import subprocess

import pytest
import torch
from cases import calls
from hypothesis import given, settings

from gpuaug import reference


@pytest.fixture(scope="module")
def emulated(request, tmp_path_factory):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    library = tmp_path_factory.mktemp("cuda") / "cuda_on_cpu.so"
    source = request.config.rootpath / "tests" / "csrc" / "cuda_on_cpu.cpp"
    flags = ["-O1", "-std=c++20", "-shared", "-fPIC", "-pthread", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, source, "-o", library], check=True)
    function = ctypes.CDLL(str(library)).augment
    i64, pointer, flag = ctypes.c_int64, ctypes.c_void_p, ctypes.c_bool
    function.argtypes = [pointer, i64, flag, pointer, i64, pointer, i64, pointer, ctypes.c_int]
    function.argtypes += [i64, i64, flag, i64, ctypes.c_int]
    function.restype = None

    def augment(storage, records, table, channels, height, width, interleaved, stages, channels_last):
        out = torch.full(
            (len(records), channels, height, width), 77, dtype=torch.uint8 if table is None else table.dtype
        ).contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        per_draw = 0 if table is None or len(table) == 1 else channels * 256
        function(
            *(storage.data_ptr(), storage.numel(), interleaved, records.data_ptr(), len(records)),
            *(None if table is None else table.data_ptr(), per_draw, out.data_ptr(), channels),
            *(height, width, channels_last, stages, out.element_size()),
        )
        return out

    return augment


@given(call=calls(most_pixels=40))
@settings(max_examples=60, deadline=None)
def test_cuda_source_equals_reference(emulated, call):
    expected, got = reference.augment(*call), emulated(*call)
    assert got.dtype == expected.dtype
    assert torch.equal(got, expected)


def test_a_record_outside_the_storage_reads_nothing(emulated):
    records = torch.zeros(1, 22, dtype=torch.int64)
    records[0, 0], records[0, 2:4] = 7, 2**40  # every stage, and an image larger than any memory
    out = emulated(torch.ones(16, dtype=torch.uint8), records, None, 1, 4, 4, False, 7, False)
    assert out.unique().tolist() == [0]
