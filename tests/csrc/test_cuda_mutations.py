"""Mutations of the CUDA kernel's source are noticed: a case fails, or a sanitizer speaks.

A mutation runs on the case that is known to catch it, and on all cases where that one does not.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cuda_cases import named_chains, sanitizer_cases
from host_compiler import SANITIZERS, agree, compiler, missing_runtime, run
from mutations import stages, tiles
from mutations.switches import CAUGHT, MUTATIONS, build, caught_by

pytestmark = pytest.mark.slow

Program = Callable[[str], Path]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with all mutations of a sanitizer, built once."""
    folder, built = tmp_path_factory.mktemp("mutations"), {}
    compiler()

    def of(sanitizer: str) -> Path:
        if why := missing_runtime(sanitizer):
            pytest.skip(why)
        if sanitizer not in built:
            built[sanitizer] = build(sanitizer, folder)
        return built[sanitizer]

    return of


def test_no_mutation_is_lost_or_doubled():
    """A name that a dictionary has twice counts once in it, but twice in its source."""
    written = 0
    for table in (tiles, stages):
        for file in _table_of(table).values:
            for key, value in zip(file.keys, file.values, strict=True):
                written += 1 if key else _length(table, value)
    assert written == len(MUTATIONS)
    assert len({(m.file, m.old, m.new) for m in MUTATIONS.values()}) == len(MUTATIONS)
    lost = set(caught_by()) - set(MUTATIONS)
    assert not lost, "mutations that a case is known to catch; else run tests/mutations/find_cases.py"


def _table_of(module: object) -> ast.Dict:
    (table,) = (
        node.value
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.AnnAssign) and node.target.id == "MUTATIONS"
    )
    return table


def _length(module: object, value: ast.expr) -> int:
    """Of a dictionary by comprehension: a mutation for each element that it goes through."""
    return len(getattr(module, value.generators[0].iter.id))


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_the_switches_change_nothing_by_themselves(program: Program, sanitizer: str):
    """Without a mutation every case is right that catches one."""
    cases, caught = named_chains(), caught_by()
    names = {caught.get(name) for name, mutation in MUTATIONS.items() if mutation.sanitizer == sanitizer}
    chosen = [case for name, case in cases.items() if name in names]
    assert chosen
    agree(run(program(sanitizer), b"".join(chosen)), len(chosen))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_caught(program: Program, name: str):
    number, sanitizer, *_ = MUTATIONS[name]
    known = named_chains().get(caught_by().get(name, ""), b"")
    done = run(program(sanitizer), known, MUTATION=str(number))
    if done.returncode == 0:
        warnings.warn(f"run tests/mutations/find_cases.py: not caught as before: {name}", stacklevel=1)
        done = run(program(sanitizer), sanitizer_cases()[1], MUTATION=str(number))
    assert done.returncode != 0
    assert CAUGHT.search(done.stderr.decode()), done.stderr.decode()
