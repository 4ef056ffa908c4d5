"""The figures that are committed: tables, sentences and charts show them, and nothing is missing."""

from __future__ import annotations

import doctest
import importlib
import json

import pytest


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


WRITERS = [
    "balancing_table",
    "files_table",
    "instructions_table",
    "long_tail_table",
    "names_table",
    "policies_table",
    "readme_table",
    "sampler_table",
    "speeds_table",
    "studies_table",
]


@pytest.mark.parametrize("name", WRITERS)
def test_a_page_says_what_was_measured(name):
    writer = importlib.import_module(name)
    for part in getattr(writer, "PARTS", None) or [writer.PART]:
        assert part.is_current(), f"{part.page.name}: python benchmarks/{name}.py --write"


def test_every_writer_of_a_part_is_tested(request):
    folder = request.config.rootpath / "benchmarks"
    writers = [path.stem for path in folder.glob("*_table.py") if "marked_part" in path.read_text()]
    assert sorted(writers) == WRITERS


@pytest.mark.parametrize("name", ["moved", "names_table", "sampler_table"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


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
    from speeds_table import PEERS, RESULTS

    report = json.loads(RESULTS.read_text())
    for name, section in sections("cpu", 2, list(PEERS)).items():
        assert list(report[name]["cases"]) == [str(case) for case in section.cases]
    for case in report["chains"]["cases"].values():
        assert case["libraries"].keys() >= {"gpuaug", *COPIES, *PEERS}


@pytest.fixture
def study(request):
    folder = request.config.rootpath / "benchmarks" / "results"
    return lambda name: json.loads((folder / f"study-{name}.json").read_text())


def test_a_figure_and_its_interval():
    """By hand: rounded, with a sign."""
    from studies_table import figure, interval

    assert figure({"mean": 0.69649, "sd": 0.0125}) == "0.696 ± 0.013"
    found = {"mean": 0.0676, "low": -0.0001, "high": 0.1}
    assert interval({"difference": found}) == "+0.068 [-0.000, +0.100]"


def test_techniques_far_from_the_baseline_are_listed_and_others_are_counted():
    from studies_table import techniques

    def effect(mean, adjusted=1.0, verdict="inconclusive"):
        found = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}
        return {"difference": found, "adjusted": adjusted, "verdict": verdict}

    means = {"all": 0.5, "shear": 0.1, "near": 0.0199, "nearer": -0.015, "harmful": -0.02}
    catdog = {
        "arms": {arm: {"accuracy": {"mean": 0.5 + mean, "sd": 0.001}} for arm, mean in means.items()},
        "effects": {"arms": {arm: effect(mean) for arm, mean in means.items()}},
    }
    said = techniques(catdog)
    rows = [line for line in said.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["shear", "harmful"]
    assert "| `shear` | 0.600 ± 0.001 | +0.100 [+0.090, +0.110] |" in said
    said = " ".join(said.split())
    assert "The other 2 lie between -0.015 and +0.020." in said
    assert "After Holm's correction for 5 comparisons, none is significant" in said


def test_what_the_page_of_studies_says_in_words_holds(study):
    arms = study("catdog")["arms"]
    accuracy = {arm: arms[arm]["accuracy"]["mean"] for arm in arms}
    assert abs(accuracy["duplicates"] - accuracy["imbalanced"]) < 0.005  # repeating does not help
    assert accuracy["all"] > accuracy["copies"] + 0.02 > accuracy["duplicates"] + 0.04
    settings = study("catdog")["settings"]
    assert settings["train_images"] == {"cat": 4800, "dog": 1200}
    assert (settings["epochs"], settings["seeds"], settings["batch_size"]) == (10, 3, 64)
    scenes = study("intel")["settings"]
    assert scenes["train_images"] == {"sea": 672, "glacier": 1344}
    assert sum(scenes["test_images"].values()) == 769
    assert study("intel-techniques")["settings"]["epochs"] == 5
    alone = study("intel-techniques")["effects"]["arms"]
    assert {of["verdict"] for of in alone.values()} == {"ineffective"}


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


def test_no_result_names_a_folder_of_a_machine(study):
    for name in ("catdog", "intel", "intel-balanced", "intel-techniques"):
        assert study(name)["command"].startswith("python -m gpuaug study ")
        assert not any(word.startswith("/") for word in study(name)["command"].split())


def test_pairs_of_a_long_tail_are_compared_seed_by_seed():
    from long_tail_table import against_the_literature

    def arm(*by_seed):
        return {"accuracy": {"by_seed": by_seed}}

    # Against majority, deferred has +0.10, +0.11, +0.09, and logit adjustment 0, +0.2, -0.1. Student's t of
    # two degrees of freedom is 4.303: half widths 4.303 * 0.01 / sqrt(3) and 4.303 * 0.1528 / sqrt(3).
    found = {
        "majority": arm(0.50, 0.60, 0.70),
        "deferred(5)": arm(0.60, 0.71, 0.79),
        "logit_adjusted": arm(0.50, 0.80, 0.60),
    }
    first, _, last = against_the_literature({"arms": found})
    assert first.endswith(": confirmed. `deferred(5)` − `majority` = +0.100 [+0.075, +0.125].")
    assert "neither confirmed nor contradicted" in last
    assert last.endswith("= +0.033 [-0.346, +0.413].")
    assert (
        ": contradicted. "
        in against_the_literature(
            {"arms": {**found, "majority": found["deferred(5)"], "deferred(5)": found["majority"]}}
        )[0]
    )
