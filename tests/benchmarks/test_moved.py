"""What moved since the committed results, by tables made by hand."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


def chains(**times):
    libraries = {name: {"us": 1.0, "times_gpuaug": value} for name, value in times.items()}
    return {"chains": {"cases": {"flip": {"libraries": {"gpuaug": {"times_gpuaug": 1.0}, **libraries}}}}}


def test_ratios_of_chains():
    from moved import of_chains

    report = {**chains(kornia=10.0, dali=0.5), "targets": [{"value": 3}]}
    assert dict(of_chains(report)) == {
        "chains: flip: time of kornia / gpuaug": 10.0,
        "chains: flip: time of dali / gpuaug": 0.5,
    }


def test_ratios_of_files():
    from moved import of_files

    loaders = {"gpuaug": {"images_per_second": 200.0}, "dali": {"images_per_second": 50.0}}
    rows = {
        "gpuaug, 0 workers": {"images_per_second": 30.0},
        "only fetches, 0 workers": {"images_per_second": 40.0},
        "gpuaug, 2 workers": {"images_per_second": 30.0},
    }
    report = {"sets": {"9x9": {"loaders": loaders, "limits": {"gpuaug": 250.0}}}, "arrays": {"rows": rows}}
    assert dict(of_files(report)) == {
        "9x9: images/s of dali / gpuaug": 0.25,
        "9x9: images/s of gpuaug / the fastest decoder": 0.8,
        "arrays, 0 workers: images/s of gpuaug / only fetches": 0.75,
    }


def test_ratios_of_samplers_leave_out_what_was_refused():
    from moved import of_samplers

    found = {
        "gpuaug": {"epoch_s": 2.0, "peak_mib": 10.0},
        "torchsampler": {"epoch_s": 8.0, "peak_mib": 100.0},
        "WeightedRandomSampler": {"refused": "number of categories cannot exceed 2^24"},
    }
    assert dict(of_samplers({"sizes": {"9 labels": found}})) == {
        "9 labels: epoch_s of torchsampler / gpuaug": 4.0,
        "9 labels: peak_mib of torchsampler / gpuaug": 10.0,
    }


def test_a_machine_that_is_twice_as_slow_moves_nothing():
    """Times double for every library; their ratios stay."""
    from moved import lines, of_samplers

    def report(seconds):
        row = {"epoch_s": seconds, "peak_mib": 1.0}
        return {"sizes": {"9 labels": {"gpuaug": row, "torchsampler": {**row, "epoch_s": 3 * seconds}}}}

    before, now = (dict(of_samplers(report(seconds))) for seconds in (1.0, 2.0))
    assert lines(before, now) == ["  2 ratios then, 2 now; 0 of 2 moved by more than a fifth"]


@pytest.mark.parametrize(("now", "moved"), [(12.0, False), (12.1, True), (8.34, False), (8.3, True)])
def test_a_fifth_in_either_direction(now, moved):
    from moved import lines

    found = lines({"kornia": 10.0}, {"kornia": now})
    assert len(found) == 1 + moved
    assert f"{int(moved)} of 1 moved" in found[0]


@pytest.fixture
def repository(tmp_path, request, monkeypatch):
    """A repository with committed results of two files, and the program."""
    folder = tmp_path / "benchmarks"
    (folder / "results").mkdir(parents=True)
    program = folder / "moved.py"
    program.write_text((request.config.rootpath / "benchmarks/moved.py").read_text())
    (folder / "results/chains.json").write_text(json.dumps(chains(kornia=10.0, dali=8.0)))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    who = ["-c", "user.name=test", "-c", "user.email="]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "results"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return folder


def printed(folder):
    done = subprocess.run([sys.executable, folder / "moved.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_results_that_were_measured_anew_are_compared_with_those_committed(repository):
    (repository / "results/chains.json").write_text(json.dumps(chains(kornia=15.0, dali=8.1)))
    said = printed(repository)
    assert "  2 ratios then, 2 now; 1 of 2 moved by more than a fifth\n" in said
    assert "  chains: flip: time of kornia / gpuaug  10.00 -> 15.00  x 1.50\n" in said
    assert "files.json: nothing to compare: not in HEAD\n" in said


def test_results_that_are_gone_are_named(repository):
    (repository / "results/chains.json").unlink()
    assert "chains.json: nothing to compare: not measured\n" in printed(repository)


def test_every_committed_file_that_make_bench_writes_has_ratios(request):
    from moved import RATIOS

    folder = request.config.rootpath / "benchmarks/results"
    for name, ratios in RATIOS.items():
        found = dict(ratios(json.loads((folder / name).read_text())))
        assert len(found) >= 10
        assert all(value > 0 for value in found.values())
