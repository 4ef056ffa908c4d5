"""The figures that are committed: README's tables and chart show them, and nothing is missing."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


def test_readme_says_what_was_measured():
    from readme_table import PART

    assert PART.is_current()


def test_the_page_of_files_says_what_was_measured():
    from files_table import PART

    assert PART.is_current()


def test_chart_shows_what_was_measured():
    from chart import CHART, RESULTS, digest

    chart = CHART.read_text()
    assert digest(RESULTS.read_text()) in chart
    assert len(chart) < 60_000


def test_the_chart_is_drawn_from_the_results(tmp_path):
    from chart import LIBRARIES, RESULTS, draw

    draw(RESULTS, tmp_path / "chart.svg")
    chart = (tmp_path / "chart.svg").read_text()
    for label, _ in LIBRARIES.values():
        assert f">{label}<" in chart


def test_all_sections_are_committed():
    from chains import sections
    from copies import COPIES
    from readme_table import PEERS, RESULTS

    report = json.loads(RESULTS.read_text())
    for name, section in sections("cpu", 2, list(PEERS)).items():
        assert list(report[name]["cases"]) == [str(case) for case in section.cases]
    for case in report["chains"]["cases"].values():
        assert case["libraries"].keys() >= {"gpuaug", *COPIES, *PEERS}


def figure(value):
    return f"{value['mean']:.3f} ± {value['sd']:.3f}"


def interval(effect):
    found = effect["difference"]
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def table_after(text, heading):
    """The rows of the first table whose heading has these words: their cells by the first one."""
    _, _, rest = text.partition(heading)
    rows = [line.strip("| ").split(" | ") for line in rest.split("\n\n")[0].splitlines()[2:]]
    return {cells[0].strip("`"): cells[1:] for cells in rows}


@pytest.fixture
def readme(request):
    return (request.config.rootpath / "README.md").read_text()


@pytest.fixture
def study(request):
    folder = request.config.rootpath / "benchmarks" / "results"
    return lambda name: json.loads((folder / f"study-{name}.json").read_text())


def test_readme_says_what_the_first_study_found(readme, study):
    report = study("catdog")
    rows = table_after(readme, "| arm | what an epoch draws | accuracy | cat recall | dog recall | dog F1 |")
    assert list(rows) == ["imbalanced", "undersampled", "duplicates", "copies", "all"]
    for arm, (_, *cells) in rows.items():
        found = report["arms"][arm]
        cat, dog = found["classes"]["cat"], found["classes"]["dog"]
        wanted = (found["accuracy"], cat["recall"], dog["recall"], dog["f1"])
        assert cells == [figure(value) for value in wanted]
    effects = report["effects"]["arms"]
    alone = table_after(readme, "| technique | accuracy | difference to `duplicates` [95 %] |")
    assert set(alone) == {arm for arm in set(effects) - set(rows) if far(effects[arm])}
    for arm, cells in alone.items():
        assert cells == [figure(report["arms"][arm]["accuracy"]), interval(effects[arm])]
    near = [effects[arm]["difference"]["mean"] for arm in set(effects) - set(rows) - set(alone)]
    said = " ".join(readme.split())
    assert f"The other {len(near)} lie between {min(near):+.3f} and {max(near):+.3f}" in said
    assert f"`shear` p = {effects['shear']['adjusted']:.2f}, `all` {effects['all']['adjusted']:.2f}" in said


def far(effect):
    return abs(effect["difference"]["mean"]) >= 0.02


def test_the_studies_techniques_are_on_their_page(request):
    from techniques_table import BALANCING, PAGE, POLICIES, STUDIES, page, read

    from gpuaug.study.arms.techniques import TECHNIQUES

    reports, policies = read(STUDIES), read(POLICIES)
    assert set(reports) == set(STUDIES)
    assert set(policies) == set(POLICIES)
    assert PAGE.read_text() == page(reports, policies)
    first, *others = (set(report["arms"]) - set(BALANCING) for report in reports.values())
    assert first <= set(TECHNIQUES)  # a technique that is newer than the studies is not measured yet
    assert all(other == first for other in others)


def test_readme_says_what_the_second_study_found(readme, study):
    report, balanced = study("intel"), study("intel-balanced")
    rows = table_after(readme, "| arm | accuracy, last three epochs | sea recall | best epoch |")
    found = {"balanced: 1,344 of each": balanced["arms"]["imbalanced"], **report["arms"]}
    assert list(rows) == list(found)
    for arm, cells in rows.items():
        sea = found[arm]["classes"]["sea"]
        assert cells == [figure(of) for of in (found[arm]["accuracy"], sea["recall"], found[arm]["best"])]
    for arm in ("channel_dropout", "channel_dropout @ copies"):
        assert interval(report["effects"]["arms"][arm]) in " ".join(readme.split())


def test_readme_says_what_each_technique_did_to_the_scenes(readme, study):
    effects = study("intel-techniques")["effects"]["arms"]
    said = " ".join(readme.split())
    for arm in ("resized_crop", "translate", "random_invert", "channel_shuffle", "random_grayscale"):
        assert f"`{arm}` {interval(effects[arm])}" in said
    assert f"is not: {interval(effects['channel_dropout'])}" in said
    lowest = min(effects, key=lambda arm: effects[arm]["difference"]["mean"])
    assert f"Lowest of all is `{lowest}`: {interval(effects[lowest])}" in said
    assert {of["verdict"] for of in effects.values()} == {"ineffective"}


def test_no_result_names_a_folder_of_a_machine(study):
    for name in ("catdog", "intel", "intel-balanced", "intel-techniques"):
        assert study(name)["command"].startswith("python -m gpuaug study ")
        assert not any(word.startswith("/") for word in study(name)["command"].split())
