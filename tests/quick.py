"""Runs the tests of what is being changed: ``make quick``. Arguments go on to pytest.

The files that differ from where this branch left ``main`` (on ``main``, from the last commit) choose the
tests: those that mirror a file, else those of its room. Slow tests, those that start processes and those of
frameworks are left out. Some of the whole package always run; with nothing changed, some of every room.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = "not slow and not processes and not frameworks"
ALWAYS = (
    "tests/test_import_directions.py",
    "tests/test_lint.py",
    "tests/test_quick.py",
    "tests/recipe/test_header.py",
    "tests/transforms/test_catalogue.py",
)
# Where the tests of a folder do not mirror it, or do not say enough of it.
ALSO = {
    "csrc": ("tests/csrc", "tests/ops/test_augment.py", "tests/recipe/test_assemble.py"),
    "gpuaug/stages": ("tests/ops/test_augment.py", "tests/functional"),
    "gpuaug/recipe": ("tests/ops/test_augment.py",),
    "benchmarks": ("tests/benchmarks",),
    "README.md": ("tests/test_readme.py",),
}
OF_EVERY_ROOM = (
    "tests/images",
    "tests/recipe",
    "tests/functional/test_geometry.py",
    "tests/transforms/test_geometry.py",
    "tests/sampling/test_balanced.py",
    "tests/loading/test_loader.py",
    "tests/study/statistics",
)


def changed_files() -> list[str]:
    """By git: what differs from where this branch left ``main``, and what is not tracked yet."""

    def git(*words: str) -> list[str]:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
        return done.stdout.split("\n")[:-1] if done.returncode == 0 else []

    base = git("merge-base", "HEAD", "main") or ["HEAD"]
    found = [*git("diff", "--name-only", base[0]), *git("ls-files", "--others", "--exclude-standard")]
    return sorted(set(found))


def files_for(path: str) -> list[str]:
    """The tests of one file, as paths that exist.

    >>> files_for("gpuaug/transforms/curves.py")
    ['tests/transforms/test_curves.py']
    >>> files_for("gpuaug/transforms/ranges.py")
    ['tests/transforms']
    >>> files_for("csrc/cuda/color.cuh")
    ['tests/csrc', 'tests/ops/test_augment.py', 'tests/recipe/test_assemble.py']
    """
    found = [test for place, tests in ALSO.items() for test in tests if Path(path).is_relative_to(place)]
    own = Path(path)
    if own.parts[0] == "tests" and own.name.startswith("test_"):
        return [path, *found] if (ROOT / path).exists() else found
    if own.parts[0] != "gpuaug" or own.suffix != ".py":
        return found
    mirrored = Path("tests", *own.parts[1:])
    candidates = [mirrored.with_name(f"test_{mirrored.name}"), mirrored.with_suffix(""), *mirrored.parents]
    nearest = next(candidate for candidate in candidates if (ROOT / candidate).exists())
    return [*([] if nearest == Path("tests") else [nearest.as_posix()]), *found]


def chosen(files: Iterable[str]) -> list[str]:
    """The tests to run, none of them twice."""
    wanted = {test for path in files for test in files_for(path)} or set(OF_EVERY_ROOM)
    wanted |= set(ALWAYS)
    return sorted(test for test in wanted if not any(str(above) in wanted for above in Path(test).parents))


def main() -> None:
    tests = chosen(changed_files())
    print("quick:", *tests, flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "--maxfail=5", "-m", LEFT_OUT, *tests, *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
