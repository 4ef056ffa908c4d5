"""Which tests ``make quick`` chooses for a change."""

from __future__ import annotations

import pytest
from quick import ALSO, ALWAYS, OF_EVERY_ROOM, ROOT, chosen, files_for


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("gpuaug/transforms/batched/clahe.py", ["tests/transforms/batched/test_clahe.py"]),
        ("gpuaug/transforms/batched/jpeg.py", ["tests/transforms/batched"]),  # no test of its name
        ("gpuaug/random.py", ["tests/test_random.py"]),
        ("gpuaug/functional.py", ["tests/functional"]),
        ("gpuaug/sampling/labels/codes.py", ["tests/sampling/labels"]),
        ("gpuaug/study/extras.py", ["tests/study"]),
        ("gpuaug/arguments.py", []),
        ("gpuaug/stages/color.py", ["tests/ops/test_augment.py", "tests/functional"]),
        ("tests/recipe/test_builder.py", ["tests/recipe/test_builder.py"]),
        ("tests/recipe/test_gone.py", []),
        ("benchmarks/gpu/run.py", ["tests/benchmarks"]),
        ("LICENSE", []),
    ],
)
def test_a_file_has_its_tests(path: str, expected: list[str]):
    assert files_for(path) == expected


def test_every_file_of_the_package_has_tests_that_exist():
    for path in (ROOT / "gpuaug").rglob("*.py"):
        for test in files_for(path.relative_to(ROOT).as_posix()):
            assert (ROOT / test).exists(), f"{path}: {test}"


def test_what_is_named_exists():
    for test in (*ALWAYS, *OF_EVERY_ROOM, *(test for tests in ALSO.values() for test in tests)):
        assert (ROOT / test).exists(), test
    assert all((ROOT / place).exists() for place in ALSO)


def test_a_folder_stands_for_what_is_in_it():
    made = chosen(["gpuaug/transforms/ranges.py", "gpuaug/transforms/curves.py"])
    assert "tests/transforms" in made
    assert not any(test.startswith("tests/transforms/") for test in made)
    assert set(chosen([])) >= {"tests/sampling/test_balanced.py", "tests/test_import_directions.py"}
