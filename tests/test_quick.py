"""``make quick`` finds the tests of a change."""

import doctest
from pathlib import Path

import pytest
import quick


def test_examples():
    failed, attempted = doctest.testmod(quick)
    assert attempted == 3
    assert failed == 0


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("gpuaug/study/arms/arms.py", ("tests/study/arms/test_arms.py",)),
        ("gpuaug/__main__.py", ("tests/test_main.py",)),
        ("gpuaug/recipe/no_such_file.py", ("tests/recipe",)),
        ("gpuaug/no_such_folder/__init__.py", quick.ONE_OF_EACH),
        ("gpuaug/stages/no_such_file.py", ("tests/functional", "tests/ops/test_augment.py")),
        ("gpuaug/study/data/embedded/no_such_file.npz", ("tests/study/data",)),
        ("csrc/common/stages/no_such_file.h", ("tests/csrc", "tests/ops/test_augment.py")),
        ("benchmarks/gpu/no_such_file.py", ("tests/benchmarks",)),
        ("docs/guides/epochs.md", ("tests/docs", "tests/test_pages.py")),
        ("tests/sampling/test_plan.py", ("tests/sampling/test_plan.py",)),
        ("tests/sampling/test_no_such_file.py", ()),
        ("tests/distributed/conftest.py", ("tests/distributed",)),
        ("tests/cases.py", quick.ONE_OF_EACH),
        ("no_such_file.toml", ()),
    ],
)
def test_a_change_has_its_tests(changed, tests):
    assert quick.mirrored_by(changed) == tests


def test_nothing_changed_is_a_file_of_every_room():
    assert quick.chosen([]) == [*quick.ONE_OF_EACH, *quick.ALWAYS]


def test_tests_come_once_and_the_fixed_ones_always():
    fixed = quick.ALWAYS[0]
    tests = quick.chosen([fixed, fixed, "gpuaug/sampling/plan.py"])
    assert tests[:2] == [fixed, "tests/sampling/test_plan.py"]
    assert sorted(tests) == sorted({*quick.ALWAYS, "tests/sampling/test_plan.py"})


def test_every_file_of_the_package_and_of_c_has_tests_that_exist(request):
    root = request.config.rootpath
    files = [path for folder in ("gpuaug", "csrc") for path in (root / folder).rglob("*.*") if path.is_file()]
    sources = [path for path in files if path.suffix in (".py", ".h", ".cuh", ".cpp", ".cu")]
    assert len(sources) > 100
    for path in sources:
        tests = quick.mirrored_by(path.relative_to(root).as_posix())
        assert tests, path
        assert all((root / test).exists() for test in tests), path


def test_named_files_and_folders_exist(request):
    elsewhere = [test for tests in quick.ELSEWHERE.values() for test in tests]
    for name in (*quick.ALWAYS, *quick.ONE_OF_EACH, *quick.ELSEWHERE, *elsewhere):
        assert (request.config.rootpath / name).exists(), name
    assert all(Path(name).name.startswith("test_") for name in (*quick.ALWAYS, *quick.ONE_OF_EACH))
