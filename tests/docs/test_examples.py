"""The examples in the docstrings of the site's extensions hold."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("attribute_names", None),
        ("command_help", "sphinx"),
        ("docstring_text", None),
        ("name_links", "sphinx"),
        ("public_names", None),
    ],
)
def test_examples_of(module, needs):
    if needs:
        pytest.importorskip(needs)
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed
