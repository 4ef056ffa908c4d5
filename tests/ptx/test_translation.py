"""Hand-made PTX does on the CPU what NVIDIA's PTX ISA says, by values worked out by hand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from host_compiler import OF_TESTS, compile_cpp
from ptx.program import Untranslatable
from ptx.translate import translate

# An instruction with the register that it writes, and that register then.
INSTRUCTIONS = [
    # Bytes by number, out of 44332211 and 88776655; a nibble's highest bit asks for the byte's sign.
    ("shf.r.wrap.b32 %r0, 0x44332211, 0x88776655, 0", 0x44332211),
    ("shf.r.wrap.b32 %r0, 0x44332211, 0x88776655, 24", 0x77665544),
    ("shf.r.wrap.b32 %r0, 0x44332211, 0x88776655, 40", 0x55443322),  # 5 bits count
    ("prmt.b32 %r0, 0x44332211, 0x88776655, 0x3210", 0x44332211),
    ("prmt.b32 %r0, 0x44332211, 0x88776655, 0x7531", 0x88664422),
    ("prmt.b32 %r0, 0x44332211, 0x88776655, 0x0007", 0x11111188),
    ("prmt.b32 %r0, 0x44332211, 0x88776655, 0xFB70", 0xFF008811),
    ("prmt.b32 %r0, 0x44332211, 0x88776655, 0x12340000", 0x11111111),  # 16 bits choose
    # 7 * 3 + 2 * 5 + 100; the high pair of bytes: 7 * 9 + 2 * 255 + 100
    ("dp2a.lo.u32.u32 %r0, 0x00020007, 0xFF090503, 100", 131),
    ("dp2a.hi.u32.u32 %r0, 0x00020007, 0xFF090503, 100", 673),
    ("dp2a.lo.u32.u32 %r0, 0xFFFFFFFF, 0xFFFF, 0xFFFFFFFF", 2 * 65535 * 255 - 1),
    # 255 * 2 + 3 * -4 + 127 * 127 + 128 * -128 - 5
    ("dp4a.u32.s32 %r0, 0x807F03FF, 0x807FFC02, -5", 238),
    ("dp4a.u32.s32 %r0, 0x01010101, 0x01010101, 0x7FFFFFFF", 0x80000003),
    # Shifts by the width or more
    ("shl.b16 %rs0, 0x8001, 1", 2),
    ("shl.b16 %rs0, 1, 16", 0),
    ("shl.b32 %r0, 1, 31", 0x80000000),
    ("shl.b32 %r0, 1, 32", 0),
    ("shl.b32 %r0, 1, 0xFFFFFFFF", 0),
    ("shl.b64 %rd0, 1, 63", 1 << 63),
    ("shl.b64 %rd0, 1, 64", 0),
    ("shr.u32 %r0, 0x80000000, 31", 1),
    ("shr.u32 %r0, 0x80000000, 32", 0),
    ("shr.s32 %r0, 0x80000000, 4", 0xF8000000),
    ("shr.s32 %r0, 0x80000000, 99", 0xFFFFFFFF),
    ("shr.s32 %r0, 0x7FFFFFFF, 99", 0),
    ("shr.s64 %rd0, -2, 64", 2**64 - 1),
    ("shr.u64 %rd0, -2, 63", 1),
    ("shr.u16 %rs0, 0x8000, 15", 1),
    ("shr.s16 %rs0, 0x8000, 15", 0xFFFF),
    # Products
    ("mul.lo.s32 %r0, 0x10001, 0x10001", 0x00020001),
    ("mul.lo.s64 %rd0, -3, 5", 2**64 - 15),
    ("mul.lo.u16 %rs0, 0xFFFF, 0xFFFF", 1),
    ("mul.hi.s32 %r0, -1, 1", 0xFFFFFFFF),
    ("mul.hi.u32 %r0, -1, 2", 1),
    ("mul.hi.s64 %rd0, -1, -1", 0),
    ("mul.hi.u64 %rd0, -1, -1", 2**64 - 2),
    ("mul.hi.s64 %rd0, 0x4000000000000000, -8", 2**64 - 2),
    ("mul.wide.s16 %r0, 0x8000, 2", 0xFFFF0000),
    ("mul.wide.u16 %r0, 0x8000, 2", 0x10000),
    ("mul.wide.s32 %rd0, -1, 5", 2**64 - 5),
    ("mul.wide.u32 %rd0, -1, 5", 0x4FFFFFFFB),
    ("mad.lo.s32 %r0, -2, 3, 4", 2**32 - 2),
    ("mad.wide.s32 %rd0, -1, 5, 0x100000000", 0xFFFFFFFB),
    # Sums, and what wraps
    ("add.s32 %r0, 0x7FFFFFFF, 1", 0x80000000),
    ("add.s16 %rs0, 0x7FFF, 0x7FFF", 0xFFFE),
    ("sub.s64 %rd0, 0, 1", 2**64 - 1),
    ("neg.s32 %r0, 0x80000000", 0x80000000),
    ("abs.s64 %rd0, -7", 7),
    ("abs.s32 %r0, 0x80000000", 0x80000000),
    ("min.s32 %r0, -1, 1", 2**32 - 1),
    ("min.u32 %r0, -1, 1", 1),
    ("max.s64 %rd0, -1, 1", 1),
    ("max.u64 %rd0, -1, 1", 2**64 - 1),
    # Quotients are cut off towards zero, remainders have the sign of what is divided.
    ("div.s32 %r0, -7, 2", 2**32 - 3),
    ("rem.s32 %r0, -7, 2", 2**32 - 1),
    ("div.u32 %r0, -7, 2", 0x7FFFFFFC),
    ("rem.s64 %rd0, 7, -4", 3),
    # Conversions: cut off or extended by the type they come from
    ("cvt.u32.u64 %r0, 0x1234567890", 0x34567890),
    ("cvt.s64.s32 %rd0, 0x80000000", 0xFFFFFFFF80000000),
    ("cvt.u64.u32 %rd0, 0x80000000", 0x80000000),
    ("cvt.s32.s16 %r0, 0x8001", 0xFFFF8001),
    ("cvt.u32.u16 %r0, 0x8001", 0x8001),
    ("cvt.s32.s8 %r0, 0x1FF", 0xFFFFFFFF),
    ("cvt.u8.u32 %r0, 0x1FE", 0xFE),
    ("cvt.s16.s8 %r0, 0x80", 0xFFFFFF80),  # into a wider register, by its sign
    # Bits
    ("and.b16 %rs0, 0xFF0F, 0x0FFF", 0x0F0F),
    ("or.b64 %rd0, 0xF000000000000000, 1", 0xF000000000000001),
    ("xor.b32 %r0, -1, 0xF0", 0xFFFFFF0F),
    ("not.b64 %rd0, 1", 2**64 - 2),
    ("not.b16 %rs0, 1", 0xFFFE),
    ("bfi.b64 %rd0, 0xABCDEF, 0x1111111111111111, 32, 16", 0x1111CDEF11111111),
    ("bfi.b64 %rd0, 5, 9, 32, 32", 0x500000009),
    ("bfi.b32 %r0, -1, 0, 28, 8", 0xF0000000),  # what lies beyond the register is lost
    ("bfi.b32 %r0, -1, 7, 0, 0", 7),
    ("bfe.u32 %r0, 0x12345678, 8, 12", 0x456),
    ("bfe.u64 %rd0, -1, 60, 255", 15),
    # Predicates, shown as 0 or 1
    ("setp.lt.s32 %p0, -1, 0", 1),
    ("setp.lt.u32 %p0, -1, 0", 0),
    ("setp.ge.s64 %p0, -1, -1", 1),
    ("setp.gt.u64 %p0, 0x8000000000000000, 1", 1),
    ("setp.eq.s16 %p0, 0x10001, 1", 1),  # of 16 bits
    ("setp.ne.b64 %p0, 0, 0x100000000", 1),
    ("not.pred %p0, %p1", 1),
    ("xor.pred %p0, %p1, %p1", 0),
    ("selp.b32 %r0, 4, 5, %p1", 5),
    # Several registers as one, and the registers that CUDA fills in
    ("mov.b32 %r0, {%rs1, %rs2}", 0x00020001),
    ("mov.b32 {%rs3, %rs0}, 0x00050004", 5),
    ("mov.b64 %rd0, {%r1, %r2}", 0x0000000A_00000009),
    ("mov.u32 %r0, %tid.x", 5),
    ("mov.u32 %r0, %ctaid.x", 6),
    ("mov.u32 %r0, %ntid.x", 7),
    # Narrow types in wide registers
    ("ld.shared.u8 %r0, [8]", 0x80),
    ("ld.shared.s8 %r0, [8]", 0xFFFFFF80),
    ("ld.shared.u16 %r0, [memory+8]", 0xFE80),
    ("ld.shared.s16 %r0, [%r3+-8]", 0xFFFFFE80),
    ("ld.global.nc.u8 %rs0, [table+3]", 0xFF),
    ("ld.u8 %rs0, [%rd3+2]", 2),
    # What was there before, and what is there after
    ("atom.shared.add.u32 %r0, [memory+12], 5", 0xFFFFFFFE),
    ("atom.shared.add.u32 %r0, [%r3+-4], -1", 3),
    ("ld.shared.u32 %r0, [memory+12]", 2),
]

STORE = {"%rs0": "st.global.u16", "%r0": "st.global.u32", "%rd0": "st.global.u64"}
HEAD = """
.version 9.0
.target sm_90
.address_size 64
.global .align 2 .b8 table[4] = {0, 1, 2, 255};  // a comment
.extern .shared .align 16 .b8 memory[];
.visible .entry probe(
	.param .u64 probe_param_0
)
.maxntid 256, 1, 1
{
	.reg .pred 	%p<3>;
	.reg .b16 	%rs<4>;
	.reg .b32 	%r<5>;
	.reg .b64 	%rd<5>;
	ld.param.u64 	%rd1, [probe_param_0];
"""
PREPARED = """
mov.u16 %rs1, 1; mov.u16 %rs2, 2; mov.u32 %r1, 9; mov.u32 %r2, 10; mov.u32 %r3, 16; mov.u64 %rd3, table;
st.shared.u16 [memory+8], 0xFE80; st.shared.u32 [memory+12], 0xFFFFFFFE;
"""


def run_probe(folder: Path, body: str, results: int = 2, *flags: str) -> subprocess.CompletedProcess[str]:
    source = folder / "probe.cpp"
    source.write_text(translate(f"{HEAD}{body}\nret;\n}}\n"))
    sources = [OF_TESTS / "ptx_probe.cpp", source]
    quiet = ("-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-label", "-Wno-type-limits")
    program = compile_cpp(sources, folder / "probe", "-I", str(OF_TESTS), *quiet, *flags)
    return subprocess.run([program, str(results)], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """What every row of INSTRUCTIONS leaves in its register."""
    body = [PREPARED]
    for i, (instruction, _) in enumerate(INSTRUCTIONS):
        names = (*STORE, "%p0")
        written = next(name for name in names if re.search(rf"{name}(?=[,}}])", instruction))
        body.append(f"{instruction};")
        if written == "%p0":
            written = "%r0"
            body.append("selp.u32 %r0, 1, 0, %p0;")
        body.append(f"{STORE[written]} [%rd1+{8 * i}], {written};")
    done = run_probe(tmp_path_factory.mktemp("probe"), "\n".join(body), len(INSTRUCTIONS))
    assert done.returncode == 0, done.stderr
    return [int(line, 16) for line in done.stdout.splitlines()[:-1]]


@pytest.mark.parametrize("i", range(len(INSTRUCTIONS)), ids=[text.split(" ")[0] for text, _ in INSTRUCTIONS])
def test_an_instruction_gives_its_documented_result(results: list[int], i: int):
    text, expected = INSTRUCTIONS[i]
    assert hex(results[i]) == hex(expected), text


def test_branches_predicates_and_vectors(tmp_path: Path):
    done = run_probe(
        tmp_path,
        """
        mov.b64 %rd2, probe_param_0;
        ld.param.u64 %rd1, [%rd2];
        mov.u64 %rd0, 0;
        mov.u32 %r0, 0;
        $L__BB0_1:
        { .reg .b64 %tmp; cvt.u64.u32 %tmp, %r0; add.s64 %rd0, %rd0, %tmp; }
        add.s32 %r0, %r0, 1;
        setp.lt.u32 %p1, %r0, 10;
        @%p1 bra $L__BB0_1;
        @!%p1 add.s64 %rd0, %rd0, 1000;
        @%p1 add.s64 %rd0, %rd0, 5000;
        st.global.v2.u64 [%rd1], {%rd0, %rd1};
        ld.global.v2.u64 {%rd2, %rd1}, [%rd1];
        st.global.u64 [%rd1+8], %rd2;
        """,
        2,
        "-DPTX_COUNT",
    )
    # 0 + 1 + .. + 9, and 1000; a vector's registers are written after all of it is read.
    assert done.stdout.splitlines() == [hex(1045)[2:]] * 2 + [f"{1 + 4 + 10 * 5 + 6} instructions"]


@pytest.mark.parametrize(
    ("access", "width"),
    [
        ("ld.global.u16 %rs0, [%rd1+1]", 2),
        ("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%rd1+8]", 16),
        ("ld.shared.v2.u32 {%r0, %r1}, [memory+4]", 8),
        ("ld.global.u32 %r0, [table]", 4),  # which is aligned to two bytes, and must not be to four by chance
        ("st.global.u64 [%rd1+4], 0", 8),
        ("atom.global.add.u32 %r0, [%rd1+2], 1", 4),
        ("st.shared.v4.u8 [memory+2], {%rs0, %rs0, %rs0, %rs0}", 4),
    ],
)
def test_a_misaligned_access_stops_the_program(tmp_path: Path, access: str, width: int):
    done = run_probe(tmp_path, f"{access};")
    assert done.returncode != 0
    assert f"PTX: a misaligned access of {width} bytes" in done.stderr


@pytest.mark.parametrize("division", ["div.s32 %r0, 1, 0", "rem.u64 %rd0, 1, 0", "div.s64 %rd0, 1, 0"])
def test_a_division_by_zero_stops_the_program(tmp_path: Path, division: str):
    done = run_probe(tmp_path, f"{division};")
    assert (done.returncode != 0, done.stderr) == (True, "PTX: a division by 0\n")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("vadd4.u32.u32.u32 %r0, %r1, %r2, %r3", "the instruction vadd4.u32.u32.u32"),
        ("add.sat.s32 %r0, %r1, %r2", "the instruction add.sat.s32"),
        ("add.f32 %r0, %r1, %r2", "the instruction add.f32"),
        ("cvt.rn.f32.u32 %r0, %r1", "the instruction cvt.rn.f32.u32"),
        ("cvt.sat.u8.s32 %r0, %r1", "the instruction cvt.sat.u8.s32"),
        ("prmt.b32.f4e %r0, %r1, %r2, %r3", "the instruction prmt.b32.f4e"),
        ("shf.l.wrap.b32 %r0, %r1, %r2, %r3", "the instruction shf.l.wrap.b32"),
        ("setp.lt.and.s32 %p0, %r1, %r2, %p1", "the instruction setp.lt.and.s32"),
        ("setp.lt.b32 %p0, %r1, %r2", "the instruction setp.lt.b32"),
        ("ld.volatile.shared.u32 %r0, [memory]", "the instruction ld.volatile.shared.u32"),
        ("ld.global.L1::no_allocate.u32 %r0, [%rd1]", "ld.global.L1::no_allocate.u32"),
        ("ld.local.u32 %r0, [%rd1]", "the instruction ld.local.u32"),
        ("ld.global.f32 %r0, [%rd1]", "the type f32"),
        ("st.param.u32 [probe_param_0], %r0", "the instruction st.param.u32"),
        ("atom.shared.add.u64 %rd0, [memory], 1", "the instruction atom.shared.add.u64"),
        ("atom.shared.max.u32 %r0, [memory], 1", "the instruction atom.shared.max.u32"),
        ("red.global.add.u32 [%rd1], 1", "the instruction red.global.add.u32"),
        ("membar.cta", "the instruction membar.cta"),
        ("bar.sync 1", "the instruction bar.sync"),
        ("bar.warp.sync -1", "the instruction bar.warp.sync"),
        ("shfl.sync.idx.b32 %r0, %r1, 0, 31, -1", "the instruction shfl.sync.idx.b32"),
        ("call.uni somewhere", "the instruction call.uni"),
        ("add.s32 %r0, %r1", "add.s32 with 1 operands"),
        ("mov.u32 %r0, 0f3F800000", "the operand 0f3F800000"),
        ("mov.u32 %r0, %laneid", "the register %laneid"),
        ("mov.u32 %r0, %tid.y", "the register %tid.y"),
        ("bra $L__BB0_9", "the label $L__BB0_9"),
        ("ld.global.v2.u32 {%r0}, [%rd1]", "the vector {%r0}"),
        ("ld.param.u32 %r0, [other_param_0]", "the parameter other_param_0"),
        (".local .align 8 .b8 __local_depot0[64]", r".local .align 8 .b8 __local_depot0[64]"),
        (".reg .b64 %r1", "%r1 is declared as b32 and as b64"),
    ],
)
def test_an_unknown_statement_is_refused_by_name(statement: str, named: str):
    with pytest.raises(Untranslatable) as refused:
        translate(f"{HEAD}{statement};\nret;\n}}\n")
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "declared",
    [".visible .func f() { ret; }", ".const .align 4 .b8 c[1] = {0};", ".shared .align 4 .b8 s[64];"],
)
def test_a_declaration_that_is_not_known_is_refused(declared: str):
    with pytest.raises(Untranslatable, match=f"a module that declares '{declared[:9]}"):
        translate(f".version 9.0\n{declared}\n")


def test_a_kernel_without_an_end_is_refused():
    with pytest.raises(Untranslatable, match="probe does not end"):
        translate(f"{HEAD}ret")
