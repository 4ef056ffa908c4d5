"""The hooks before a commit check what ``make lint`` checks, with the same tools."""

import re

import pytest


@pytest.fixture
def root(request):
    return request.config.rootpath


@pytest.fixture
def lint(root):
    """What ``make lint`` runs."""
    return re.search(r"^lint:.*\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.M)[1]


@pytest.fixture
def hooks(root):
    """The file's hooks: their keys and values."""
    text = (root / ".pre-commit-config.yaml").read_text()
    return [dict(re.findall(r"(\w+): (.*)", hook)) for hook in text.split("- id: ")[1:]]


def test_hooks_and_make_lint_run_the_same_tools(root, lint, hooks):
    tools = [re.match(r"\.venv/bin/(\S+)", hook["entry"])[1] for hook in hooks]
    assert tools == re.findall(r"\$\(BIN\)/(\S+)", lint) == ["ruff", "ruff", "clang-format", "mypy"]
    assert all(hook["language"] == "system" for hook in hooks)
    pins = dict(re.findall(r"^([\w-]+)==(.+)$", (root / "requirements.txt").read_text(), re.M))
    assert set(tools) <= set(pins)


def test_hooks_and_make_lint_format_the_same_sources(root, lint, hooks):
    folders, names = re.search(r"find (.*?) (-name .*?)\)", lint).groups()
    there = [path for folder in folders.split() for path in (root / folder).rglob("*") if path.is_file()]
    (pattern,) = (hook["files"] for hook in hooks if "clang-format" in hook["entry"])
    chosen = {path for path in there if re.search(pattern, path.relative_to(root).as_posix())}
    endings = set(re.findall(r"'\*(\.\w+)'", names))
    assert chosen == {path for path in there if path.suffix in endings}
    assert len(chosen) > 40
