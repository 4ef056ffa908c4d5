"""What a release is made from: the wheel's notices, the sdist's files, the citation, the workflows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import gpuaug

ROOT = Path(__file__).parents[1]
if not (ROOT / ".github").is_dir():
    pytest.skip("the sdist has no workflows", allow_module_level=True)
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.fixture(scope="module", params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(request.param.read_text())


def test_there_are_workflows_for_tests_docs_and_wheels():
    assert [path.stem for path in WORKFLOWS] == ["docs", "tests", "wheels"]


def test_workflows_call_targets_of_make(workflow: dict):
    makefile = (ROOT / "Makefile").read_text()
    called = []
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            targets = re.findall(r"^make (.+)$", step.get("run", ""), re.MULTILINE)
            if targets == ["${{ matrix.target }}"]:
                targets = [entry["target"] for entry in job["strategy"]["matrix"]["include"]]
            called += targets
    assert called
    missing = [target for target in called if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert missing == []


def test_workflows_have_the_least_permissions(workflow: dict):
    """They read the repository. A job that publishes says what else it needs, and runs no code of ours."""
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60
        if "permissions" in job:
            assert name == "publish"
            assert "environment" in job
            assert all("uses" in step and "actions/checkout" not in step["uses"] for step in job["steps"])


def test_actions_are_pinned(workflow: dict):
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert [use for use in used if not re.search(r"@(v\d+|release/v\d+|[0-9a-f]{40})$", use)] == []


def test_the_citation_names_this_version_and_licence():
    fields = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (fields["version"], fields["license"]) == (gpuaug.__version__, project["license"])


def test_licences_of_what_a_wheel_contains_are_there():
    """The Independent JPEG Group asks for a sentence in the documentation of what contains its library."""
    names = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license-files"]
    assert [name for name in names if not (ROOT / name).is_file()] == []
    notice = " ".join((ROOT / "licenses/libjpeg-turbo.txt").read_text().split())
    assert "this software is based in part on the work of the Independent JPEG Group." in notice


def test_every_file_that_make_and_contributors_need_is_in_the_sdist():
    lines = (ROOT / "MANIFEST.in").read_text().splitlines()
    words = {kind: [] for kind in ("graft", "include", "prune", "global-exclude")}
    for line in lines:
        kind, *names = line.split()
        words[kind] += names
    setuptools_adds = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"}
    pages = {path.name for pattern in ("*.md", "*.txt", "*.cff", "Makefile") for path in ROOT.glob(pattern)}
    assert pages <= {*words["include"], *setuptools_adds}
    assert {"benchmarks", "csrc", "tests"} <= {*words["graft"]}


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_issue_forms_ask_for_something(name: str):
    yaml = pytest.importorskip("yaml")
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text())
    assert {"name", "description", "body"} <= form.keys()
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_bug_form_asks_for_what_info_prints():
    assert "`python -m gpuaug info`" in (ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text()
