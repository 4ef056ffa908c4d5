"""Instructions that lanes execute and warps issue, of hand-made PTX, against numbers worked out by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from host_compiler import OF_TESTS, compile_cpp
from ptx.translate import translate

# Lanes 0 to 7 go one way and the others the other; then lane n goes n % 4 + 1 times around.
WAYS = """
.visible .entry probe(.param .u64 probe_param_0) {
  .reg .pred %p<2>; .reg .b32 %r<4>;
  mov.u32 %r0, %tid.x;
  setp.lt.u32 %p0, %r0, 8;
  @%p0 bra $few;
  add.s32 %r1, %r0, 1;
  add.s32 %r1, %r0, 1;
  bra $both;
$few:
  add.s32 %r1, %r0, 1;
$both:
  and.b32 %r2, %r0, 3;
$around:
  sub.s32 %r2, %r2, 1;
  setp.ge.s32 %p1, %r2, 0;
  @%p1 bra $around;
  ret;
}
"""
# Twice around, and even lanes do something the first time, odd ones the second time.
TURNS = """
.visible .entry probe(.param .u64 probe_param_0) {
  .reg .pred %p<2>; .reg .b32 %r<4>;
  mov.u32 %r0, %tid.x;
  mov.u32 %r1, 0;
$around:
  and.b32 %r2, %r0, 1;
  setp.ne.u32 %p0, %r2, %r1;
  @%p0 bra $nothing;
  add.s32 %r3, %r0, 1;
  add.s32 %r3, %r0, 1;
$nothing:
  BARRIER
  add.s32 %r1, %r1, 1;
  setp.lt.u32 %p1, %r1, 2;
  @%p1 bra $around;
  ret;
}
"""
# Two warps.
PROGRAM = """
#include <atomic>
#include <cstdio>
#include "cuda_shim.h"
#include "ptx.h"
void probe(const ptx::Thread&);
static ptx::Counts counts;
static std::atomic<uint64_t> lanes;
static void tell_warp() {
  static thread_local uint64_t interval = 0;
  counts.warps[threadIdx.x / 32].join(++interval, ptx::turns);
  ptx::turns.clear();
}
void ptx::barrier() {
  tell_warp();
  block_barrier->arrive_and_wait();
}
int main() {
  launch_blocks(1, 1, 64, 1, [] {
    probe({{}, nullptr, threadIdx.x, blockIdx.x, blockDim.x});
    tell_warp();
    lanes += ptx::executed_instructions;
  });
  std::printf("%llu %llu", static_cast<unsigned long long>(lanes.load()),
              static_cast<unsigned long long>(counts.of_warps()));
}
"""


def counted(folder: Path, kernel: str) -> tuple[int, int]:
    """What all lanes execute, and what their warps issue."""
    (folder / "program.cpp").write_text(PROGRAM)
    (folder / "probe.cpp").write_text(translate(kernel))
    sources = [folder / "program.cpp", folder / "probe.cpp"]
    program = compile_cpp(sources, folder / "program", "-DPTX_COUNT", "-I", str(OF_TESTS), "-w")
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=True)
    lanes, warps = map(int, done.stdout.split())
    return lanes, warps


def test_a_warp_issues_what_its_lanes_execute_together(tmp_path: Path):
    lanes = 64 * 3 + 56 * 3 + 8 * 1 + 64 * 1 + 16 * (1 + 2 + 3 + 4) * 3 + 64 * 1
    # The first warp goes both ways, the second one way; both go around as often as their longest lanes.
    warps = (3 + 3 + 1 + 1 + 4 * 3 + 1) + (3 + 3 + 1 + 4 * 3 + 1)
    assert counted(tmp_path, WAYS) == (lanes, warps)


@pytest.mark.parametrize(
    ("barrier", "length", "times"),
    [
        ("", 0, 1),  # nothing says that the lanes do not do it together: the least
        ("bar.sync 0;", 1, 2),
    ],
)
def test_between_two_barriers_a_warp_is_counted_anew(tmp_path: Path, barrier: str, length: int, times: int):
    around = 3 + length + 3
    lanes = 64 * (2 + 2 * around + 2 + 1)
    warps = 2 * (2 + 2 * around + 2 * times + 1)
    assert counted(tmp_path, TURNS.replace("BARRIER", barrier)) == (lanes, warps)
