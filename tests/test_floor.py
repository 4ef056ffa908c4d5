"""The oldest versions that pyproject.toml promises are those that requirements-floor.txt has tested."""

import re
import tomllib

import pytest


@pytest.fixture
def root(request):
    return request.config.rootpath


@pytest.fixture
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_promised_versions_are_pinned(root, project):
    pins = dict(re.findall(r"^([\w-]+)==(.+)$", (root / "requirements-floor.txt").read_text(), re.M))
    promises = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    promises += project["project"]["optional-dependencies"]["test"]
    oldest = dict(promise.split(">=") for promise in promises if ">=" in promise)
    assert {"torch", "kornia", "numpy", "pytest"} <= set(oldest)
    for name, version in oldest.items():
        assert f"{pins[name]}.".startswith(f"{version}."), f"{name}>={version}"


def test_the_libraries_are_built_for_it(root, project):
    setup, python = (root / "setup.py").read_text(), project["project"]["requires-python"]
    assert f'PYTHON_TARGET = "cp{python.removeprefix(">=").replace(".", "")}"' in setup
    dependencies = " ".join(project["project"]["dependencies"])
    major, minor = map(int, re.search(r"torch>=(\d+)\.(\d+)", dependencies).groups())
    assert f'STABLE_TARGET = "0x{major:02x}{minor:02x}000000000000"  # torch {major}.{minor}' in setup
