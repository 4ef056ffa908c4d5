"""Writes the C++ header of the layout, ``csrc/common/layout.h``: ``python -m gpuaug.recipe.header``.

>>> print(header().splitlines()[0])
// Made from gpuaug/recipe/layout.py, which is the one to change, by `python -m gpuaug.recipe.header`.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from gpuaug.recipe import layout
from gpuaug.recipe.layout import ARITY, BITS, BORDERS, FIELDS, GROUPS, LUMA, QUARTER, Opcode

PATH = Path(__file__).parents[2] / "csrc/common/layout.h"

_HEAD = """\
// Made from gpuaug/recipe/layout.py, which is the one to change, by `python -m gpuaug.recipe.header`.
// clang-format off
#pragma once

#include <cstddef>
#include <cstdint>

namespace gpuaug {
"""


def header() -> str:
    """The text of the header."""
    integers = {
        **{"kBoxes": layout.BOXES, "kMostCurves": layout.MOST_CURVES, "kTries": layout.TRIES},
        **{"kBlurUnit": layout.BLUR_UNIT, "kColorUnit": layout.COLOR_UNIT},
        **{"kImpulseUnit": layout.IMPULSE_UNIT, "kFirstFree": layout.FIRST_FREE},
        **{"kSharpenUnit": layout.SHARPEN_UNIT, "kMostSharpening": layout.MOST_SHARPENING},
        **{"kContrastUnit": layout.CONTRAST_UNIT, "kMostContrast": layout.MOST_CONTRAST},
        **{"kValueUnit": layout.VALUE_UNIT, "kLeastEnd": layout.LEAST_END, "kMostEnd": layout.MOST_END},
        **dict(zip(("kGreyRed", "kGreyGreen", "kGreyBlue"), layout.GREY, strict=True)),
    }
    flags = {
        **{"kPerChannel": layout.PER_CHANNEL, "kPerPixel": layout.PER_PIXEL},
        "kFirstChannel": layout.FIRST_CHANNEL,
    }
    kinds = {"gaussian": layout.GAUSSIAN, "article": layout.ARTICLE, "sharpen": layout.SHARPEN}
    curves = {
        **{"NoCurve": 0, "Posterize": layout.POSTERIZE},
        **{"Solarize": layout.SOLARIZE, "Power": layout.POWER},
        **{"Autocontrast": layout.AUTOCONTRAST, "Equalize": layout.EQUALIZE, "Contrast": layout.CONTRAST},
    }
    parts = [
        _HEAD,
        "// Bits of Recipe::stages, and of the union over a batch that picks a kernel's variant.",
        _enum("StageBit", BITS),
        _enum("Border", BORDERS),
        _enum("BlurKind", kinds),
        _enum("Curve", curves),
        _enum("NoiseKind", {"normal": layout.NORMAL, "factor": layout.FACTOR}),
        *(f"constexpr int64_t {name} = {value};" for name, value in flags.items()),
        "",
        *(f"constexpr int {name} = {value};" for name, value in integers.items()),
        f"constexpr double kPerspectiveUnit = {layout.PERSPECTIVE_UNIT!r};",
        f"constexpr int64_t kNearestHalf = {layout.NEAREST_HALF};",
        f"constexpr double kFixedPoint = {layout.FIXED_POINT!r}, kSteady = {layout.STEADY!r};",
        f"constexpr double kLuma[3] = {_braced(LUMA)};  // ITU-R BT.601",
        f"constexpr double kQuarter[3][3] = {{{', '.join(map(_braced, QUARTER))}}};",
        "",
        "// Entries of a program, and the operands of each, the selection of draws among them.",
        _enum("Opcode", {name.lower(): value for name, value in Opcode.__members__.items()}, scoped=True),
        f"constexpr int64_t kArity[] = {{{', '.join(str(ARITY[opcode]) for opcode in Opcode)}}};",
        "",
        "struct Recipe {",
        *_fields(),
        "};",
        "",
        "constexpr size_t kRecipeWords = sizeof(Recipe) / sizeof(int64_t);",
        f"static_assert(kRecipeWords == {len(FIELDS)});",
        "",
        "}  // namespace gpuaug",
        "",
    ]
    return "\n".join(parts)


def _name(name: str) -> str:
    """The name of a C++ constant: ``kEdge`` for ``edge``, ``kCutOut`` for ``cut_out``."""
    return "k" + "".join(part[0].upper() + part[1:] for part in name.split("_"))


def _enum(name: str, members: dict[str, int], *, scoped: bool = False) -> str:
    listed = ", ".join(f"{_name(member)} = {value}" for member, value in members.items())
    kind = "enum class" if scoped else "enum"
    if len(listed) < 80:
        return f"{kind} {name} : int64_t {{ {listed} }};\n"
    wrapped = textwrap.fill(listed, 110, initial_indent="  ", subsequent_indent="  ")
    return f"{kind} {name} : int64_t {{\n{wrapped}\n}};\n"


def _braced(numbers: tuple[float, ...]) -> str:
    return f"{{{', '.join(map(repr, numbers))}}}"


def _fields() -> list[str]:
    lines = []
    for about, words in GROUPS:
        lines += ["", *textwrap.wrap(about, 116, initial_indent="  // ", subsequent_indent="  // ")]
        lines += [f"  int64_t {', '.join(line)};" for line in words]
    return lines[1:]


if __name__ == "__main__":
    PATH.write_text(header())
