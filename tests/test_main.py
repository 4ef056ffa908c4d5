"""The module's command line."""

import importlib
import subprocess
import sys

import pytest

import gpuaug
from gpuaug.__main__ import main
from gpuaug.study.arms.techniques import TECHNIQUES


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "gpuaug", *words], capture_output=True, text=True, check=False
    )


def test_info_prints_versions_and_backends():
    result = run("info")
    assert result.returncode == 0
    assert f"gpuaug {gpuaug.__version__}" in result.stdout
    assert "backend reference: yes" in result.stdout


def test_version_is_printed():
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"gpuaug {gpuaug.__version__}\n")


@pytest.mark.slow
def test_an_error_is_one_line_without_a_traceback(monkeypatch):
    monkeypatch.setenv("GPUAUG_REFERENCE", "1")  # no warning about a missing library between the lines
    result = run("study", "--data", "nowhere", "--out", "unused")
    assert result.returncode == 2
    assert result.stderr.startswith("python -m gpuaug study: error: data must be")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "python -m gpuaug: error: the following arguments are required: {study,preview,info}"),
        (["fly"], "python -m gpuaug: error: argument {study,preview,info}: invalid choice: 'fly'"),
    ],
)
def test_wrong_commands_end_with_one_line(words, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith(message)


def test_help_names_the_options(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["study", "--help"])
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--data", "--minority-count", "--ratio", "--arms", "--search", "--overwrite", "--resume"):
        assert option in printed
    assert "TARGET + LOSS: CHAIN @ DRAWS" in printed


@pytest.mark.parametrize("command", ["study", "preview"])
def test_help_names_every_technique(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    words = set(capsys.readouterr().out.replace(",", " ").replace(".", " ").split())
    assert set(TECHNIQUES) <= words


def test_the_console_script_is_the_module(request):
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11 or later")
    project = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["gpuaug"].partition(":")
    assert getattr(importlib.import_module(module), function) is main
