"""The header of the layout is the one that is made from it."""

from __future__ import annotations

import re

from gpuaug.recipe.header import PATH, header
from gpuaug.recipe.layout import ARITY, BITS, FIELDS, STAGE_OF, Opcode


def test_the_header_is_up_to_date():
    assert PATH.read_text() == header(), "python -m gpuaug.recipe.header makes it again"


def test_the_struct_has_the_fields_in_their_order():
    """Read back by a pattern, which knows nothing of how the header is made."""
    body = re.search(r"struct Recipe \{(.*?)\};", header(), re.DOTALL)[1]
    declared = re.findall(r"^  int64_t (.*);$", body, re.MULTILINE)
    assert tuple(name for line in declared for name in line.split(", ")) == FIELDS


def test_no_name_or_bit_stands_twice():
    assert len(set(FIELDS)) == len(FIELDS)
    bits = list(BITS.values())
    assert sorted(bits) == [1 << place for place in range(len(bits))]


def test_every_entry_has_operands_and_known_stages():
    assert set(ARITY) == set(Opcode) == set(range(len(Opcode)))
    assert set(STAGE_OF.values()) <= set(BITS.values())
