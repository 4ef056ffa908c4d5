"""What the CUDA kernel executes is what the results say, and the page shows them."""

from __future__ import annotations

import json
import shutil

import pytest
import torch


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / "benchmarks")


@pytest.fixture
def pinned():
    from kernel_instructions import RESULTS

    return json.loads(RESULTS.read_text())


@pytest.mark.slow
def test_the_kernel_executes_what_the_results_say(pinned):
    from kernel_cases import CASES
    from kernel_instructions import count, differences, nvcc_release

    release = nvcc_release()
    if release is None:
        pytest.skip("needs nvcc, on the path or in $CUDA_HOME/bin (/usr/local/cuda/bin)")
    if release != pinned["nvcc"]["now"]:
        pytest.skip(
            f"nvcc is of {release}, the results of {pinned['nvcc']['now']}: another compiler, other counts"
        )
    if not (shutil.which("g++") or shutil.which("clang++")):
        pytest.skip("needs a C++ compiler")
    changed = differences(count(CASES), pinned)
    assert not changed, "; if it is meant: python benchmarks/kernel_instructions.py --write"


def test_every_case_is_in_the_results(pinned):
    from kernel_cases import CASES

    assert list(pinned["cases"]) == list(CASES)
    for case in pinned["cases"].values():
        for counts in case.values():
            # A warp's instruction is executed by one lane at the least, and by 32 at the most.
            assert counts["lane"] / 32 <= counts["warp"] + 0.01 < counts["lane"]


def test_a_count_that_has_changed_is_told():
    from kernel_instructions import differences

    pinned = {"cases": {"A": {"now": {"lane": 100.0, "warp": 4.0}}}}
    assert differences({"A": {"lane": 100.9, "warp": 3.97}}, pinned) == []
    for counts in {"lane": 101.1, "warp": 4.0}, {"lane": 100.0, "warp": 3.95}:
        (said,) = differences({"A": counts}, pinned)
        assert said.startswith("A: ")
    assert len(differences({"B": {"lane": 100.0, "warp": 4.0}}, pinned)) == 2


def test_earlier_counts_stay():
    from kernel_instructions import written

    pinned = {"nvcc": {"before": "13.0", "now": "13.0"}, "cases": {"A": {"before": {"lane": 9.0}}}}
    results = written({"A": {"lane": 7.0}, "B": {"lane": 5.0}}, pinned, "13.1")
    assert results == {
        "nvcc": {"before": "13.0", "now": "13.1"},
        "cases": {"A": {"before": {"lane": 9.0}, "now": {"lane": 7.0}}, "B": {"now": {"lane": 5.0}}},
    }


@pytest.mark.parametrize(("name", "step"), [("A, 224 px", 20 / 32), ("A, 225 px, from HWC", 140 / 225)])
def test_draws_are_windows_and_some_are_flipped(name, step):
    from kernel_cases import CASES

    from gpuaug.recipe.layout import WORD

    calls = [call for call, _ in CASES[name].calls()]
    across = torch.cat([records[:, WORD["xx"]] for _, records, *_ in calls]) / 2**32
    assert across.abs().sub(step).abs().max() < 1e-6
    assert 0 < (across < 0).sum() < len(across)
    side, interleaved = CASES[name].side, name.endswith("HWC")
    assert {call[3:7] for call in calls} == {(3, side, side, interleaved)}
    assert CASES[name].pixels == len(across) * side**2


def test_small_batches_have_a_block_for_each_multiprocessor_and_a_warp_for_each_scheduler(pinned):
    from kernel_cases import CASES

    small = {name: case["now"] for name, case in pinned["cases"].items() if CASES[name].small}
    assert small
    for counts in small.values():
        assert counts["blocks"] >= 132
        assert counts["blocks"] * counts["threads"] >= 132 * 4 * 32
        assert 0 < counts["waits"] < counts["longest"]


def test_the_page_shows_the_results():
    from instructions_table import PART

    assert PART.is_current()


def test_the_prediction_by_hand():
    """A pixel of A reads 3 * (20/32)^2 bytes and writes 6; 3 warp instructions take longer than that."""
    from instructions_table import predict

    share = (3 * 0.390625 + 6) / 3.0e12 / (3 / (132 * 4 * 1.98e9 * 0.85))
    assert predict("A, 224 px", 3.0, "H100").share_of_copy == pytest.approx(share)
    assert predict("A, 224 px", 1.0, "H100").share_of_copy == 1
