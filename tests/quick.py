"""The tests of what is being changed, in less than a minute: ``make quick``.

A changed file has the test at the same place: gpuaug/transforms/curves.py has
tests/transforms/test_curves.py. Without one it has the tests of the folder. Changed are the files that differ
from where the branch left main; on main, those that are not committed. Tests that are slow, that start
processes or that need a framework are left out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALWAYS = (
    "tests/recipe/test_header.py",
    "tests/test_import_directions.py",
    "tests/test_lint.py",
    "tests/transforms/test_catalogue.py",
)
# When nothing has changed, or what all rooms share: a fast file of every room.
ONE_OF_EACH = (
    "tests/functional/test_blur.py",
    "tests/images/test_levels.py",
    "tests/loading/test_loader.py",
    "tests/ops/test_backends.py",
    "tests/recipe/test_assemble.py",
    "tests/sampling/test_plan.py",
    "tests/study/arms/test_arms.py",
    "tests/test_random.py",
    "tests/transforms/test_curves.py",
)
# Folders whose tests are elsewhere. A folder that is not named here is mirrored under tests/.
ELSEWHERE = {
    "benchmarks": ("tests/benchmarks",),
    "csrc": ("tests/csrc", "tests/ops/test_augment.py"),
    "docs": ("tests/docs", "tests/test_pages.py"),
    "examples": ("tests/examples",),
    "gpuaug/stages": ("tests/functional", "tests/ops/test_augment.py"),
    "gpuaug/study/data/embedded": ("tests/study/data",),
}
LEFT_OUT = "not slow and not processes and not frameworks"


def mirrored_by(changed: str) -> tuple[str, ...]:
    """The tests of a changed file, by path from the root.

    >>> mirrored_by("gpuaug/transforms/curves.py")
    ('tests/transforms/test_curves.py',)
    >>> mirrored_by("csrc/cpu/warp.h")
    ('tests/csrc', 'tests/ops/test_augment.py')
    >>> mirrored_by("README.md")
    ('tests/test_readme.py',)
    """
    path = Path(changed)
    if path.parts[0] == "tests":
        return _in_tests(path)
    if path.parts[0] == "gpuaug":
        inside = Path("tests", *path.parts[1:])
        mirrored = inside.with_name(f"test_{path.stem.strip('_')}.py")
        if (ROOT / mirrored).is_file():
            return (mirrored.as_posix(),)
    for folder in path.parents:
        if folder.as_posix() in ELSEWHERE:
            return ELSEWHERE[folder.as_posix()]
    if path.parts[0] == "gpuaug":
        return _folder(inside.parent)
    named = Path("tests", f"test_{path.stem.lower()}.py")
    return (named.as_posix(),) if (ROOT / named).is_file() else ()


def _in_tests(path: Path) -> tuple[str, ...]:
    """A test itself; for what tests share, those of the folder."""
    if path.name.startswith("test_"):
        return (path.as_posix(),) if (ROOT / path).is_file() else ()
    return _folder(path.parent)


def _folder(folder: Path) -> tuple[str, ...]:
    """The nearest folder with tests; what all rooms share concerns a file of each."""
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    if folder == Path("tests"):
        return ONE_OF_EACH
    return (folder.as_posix(),)


def chosen(changed: Iterable[str]) -> list[str]:
    """The tests of all changed files, those of the code first; and a few that are always run."""
    own = sorted({test for path in changed for test in mirrored_by(path)})
    return list(dict.fromkeys([*(own or ONE_OF_EACH), *ALWAYS]))


def changed_files() -> list[str]:
    def git(*words: str) -> list[str]:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.splitlines() if done.returncode == 0 else []

    base = git("merge-base", "HEAD", "main") or ["HEAD"]
    return [*git("diff", "--name-only", base[0]), *git("ls-files", "--others", "--exclude-standard")]


def main() -> int:
    tests = chosen(changed_files())
    print(*tests, sep="\n", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", LEFT_OUT, "--maxfail", "5", *sys.argv[1:], *tests]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    raise SystemExit(main())
