"""A pointwise stage is a functor in a header and a name in one list: both kernels run it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from cuda_cases import ONE, encode
from host_compiler import CSRC, OF_TESTS, agree, compile_cpp, run

from gpuaug.ops import reference
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.layout import BITS, IMPULSE, WORD

BIT = 1 << len(BITS)  # of no stage yet
HEADER = f"""
#pragma once
#include "common/stages/needs.h"
namespace gpuaug {{
struct InvertStage : StageNeeds {{
  static constexpr int64_t kBit = {BIT};
  GPUAUG_HOST_DEVICE explicit InvertStage(const Recipe&) {{}}
  GPUAUG_HOST_DEVICE int operator()(int level, uint32_t) const {{ return 255 - level; }}
}};
}}
"""
PROGRAMS = {
    "cpu": lambda csrc: [OF_TESTS / "row_pipeline_alone.cpp", *sorted(csrc.glob("cpu/rows_*.cpp"))],
    "cuda": lambda csrc: [OF_TESTS / "cuda_on_cpu.cpp"],
}


@pytest.mark.parametrize("kernel", PROGRAMS)
def test_a_new_stage_runs_in_both_kernels(kernel: str, tmp_path: Path):
    csrc = shutil.copytree(CSRC, tmp_path / "csrc")
    (csrc / "common/stages/invert.h").write_text(HEADER)
    listed = csrc / "common/stages/pointwise.h"
    text, lists = re.subn(r"(using LevelStages = [^;]*)>;", r"\1, InvertStage>;", listed.read_text())
    assert lists == 1
    listed.write_text(text.replace("namespace", '#include "common/stages/invert.h"\n\nnamespace', 1))

    storage = torch.randint(256, (2 * 3 * 20 * 33,), dtype=torch.uint8)
    records = RecipeBuilder.of_batch((2, 3, 20, 33)).recipes((20, 33)).records
    inverted = 255 - reference.augment(storage, records, None, 3, 20, 33, False, 0, False)
    records[:, WORD["stages"]] |= BIT
    cases = encode((storage, records, None, 3, 20, 33, False, BIT, False), inverted, ONE)

    # What covers pixels comes after it: all of them become white.
    covered = records.clone()
    covered[:, WORD["stages"]] |= IMPULSE
    covered[:, WORD["salt"]] = covered[:, WORD["pepper"]] = 1 << 16
    white = torch.full_like(inverted, 255)
    cases += encode((storage, covered, None, 3, 20, 33, False, BIT | IMPULSE, False), white, ONE)

    flags = ("-DGPUAUG_ALL_VECTORS=", "-I", str(csrc))
    agree(run(compile_cpp(PROGRAMS[kernel](csrc), tmp_path / kernel, *flags), cases), 2)
