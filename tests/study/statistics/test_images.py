"""Other test images: sets drawn anew, against sets written out, and how often the interval is right."""

import numpy as np
import pytest
import torch
from scipy import stats

from gpuaug.study.statistics.effects import effects
from gpuaug.study.statistics.images import draw_test_sets, on_other_images, score_on, with_other_images
from gpuaug.study.statistics.paired import Difference
from gpuaug.study.training.metrics import score
from gpuaug.study.training.predictions import pack, unpack
from gpuaug.study.training.rows import Epoch, Row

LABELS = torch.tensor([0] * 30 + [1] * 8 + [2] * 2)


def predictions(generator, labels=LABELS):
    wrong = torch.rand(len(labels), generator=generator) < 0.3
    return torch.where(wrong, torch.randint(3, labels.shape, generator=generator), labels)


def test_every_set_has_as_many_images_of_each_class():
    drawn = draw_test_sets(LABELS, 50)
    for label, count in enumerate((30, 8, 2)):
        assert (drawn[:, label == LABELS].sum(dim=1) == count).all()
    assert torch.equal(drawn, draw_test_sets(LABELS, 50))
    assert not torch.equal(drawn, draw_test_sets(LABELS, 50, seed=1))
    assert drawn[:, LABELS == 1].mean(dim=0) == pytest.approx(torch.ones(8), abs=0.5)


def test_scores_are_those_of_the_sets_written_out():
    predicted = predictions(torch.Generator().manual_seed(0))
    drawn = draw_test_sets(LABELS, 5)
    found = score_on(drawn, predicted, LABELS, 3)
    for number, times in enumerate(drawn.long()):
        images = torch.repeat_interleave(torch.arange(len(LABELS)), times)
        expected = score(predicted[images], LABELS[images], 3)
        assert found.accuracy[number] == pytest.approx(expected.accuracy)
        for of, wanted in zip(found.classes, expected.classes, strict=True):
            assert of.support == wanted.support
            for rate in ("recall", "precision", "f1"):
                assert getattr(of, rate)[number] == pytest.approx(getattr(wanted, rate)), rate


def rows(arm, generator, seeds=3):
    return [
        Row(arm, seed, Epoch(number, 1.0, score(predictions(generator), LABELS, 3)))
        for seed in range(seeds)
        for number in (1, 2)
    ]


@pytest.mark.parametrize("metric", ["accuracy", "minority-f1"])
def test_effects_have_an_interval_over_other_images_that_is_wider(metric):
    generator = torch.Generator().manual_seed(1)
    found = effects(
        [*rows("base", generator), *rows("arm", generator)],
        {"cat": 300, "dog": 80, "eel": 20},
        ["eel"],
        baseline="base",
        metric=metric,
        test_labels=LABELS,
    )
    low, high = found.arms["arm"].other_images
    difference = found.arms["arm"].difference
    assert low < difference.mean < high
    assert "another training set is in none" in found.caution
    assert low >= -1
    assert high <= 1


def test_a_metric_of_probabilities_has_no_interval_over_other_images():
    generator = torch.Generator().manual_seed(1)
    probabilities = torch.rand(len(LABELS), 3, generator=generator)
    kept = [
        Row(arm, seed, Epoch(1, 1.0, score(probabilities.argmax(dim=1), LABELS, 3, probabilities)))
        for arm in ("base", "arm")
        for seed in (0, 1)
    ]
    counts = {"cat": 300, "dog": 80, "eel": 20}
    found = effects(kept, counts, ["eel"], baseline="base", metric="auroc", test_labels=LABELS)
    assert found.arms["arm"].other_images is None


def test_runs_without_predictions_have_no_interval_over_other_images():
    generator = torch.Generator().manual_seed(1)
    kept = rows("base", generator)
    drawn = draw_test_sets(LABELS, 7)
    by_seed = {seed: [row for row in kept if row.seed == seed] for seed in range(3)}
    assert on_other_images(by_seed, lambda of: of.accuracy, drawn, LABELS, 3).shape == (3, 7)
    bare = {0: [Row("base", 0, Epoch(1, 1.0, score(LABELS, LABELS, 3))), Row("base", 0, Epoch(2, 1.0, OLD))]}
    assert on_other_images(bare, lambda of: of.accuracy, drawn, LABELS, 3) is None
    found = effects(
        [*kept, *[Row("old", of.seed, Epoch(of.epoch.number, 1.0, OLD)) for of in kept]],
        {"cat": 300, "dog": 80, "eel": 20},
        ["eel"],
        baseline="base",
        test_labels=LABELS,
    )
    assert found.arms["old"].other_images is None
    assert "another training set is in none" not in found.caution


OLD = type(score(LABELS, LABELS, 3))(1.0, score(LABELS, LABELS, 3).classes)


def test_other_images_are_what_the_interval_over_seeds_does_not_know():
    # Each image is right or wrong for good, but for one in twenty of a seed: most of the chance is of images.
    rng, seeds, images = np.random.default_rng(5), 4, 150
    labels = torch.zeros(images, dtype=torch.long)
    studies = by_seeds = by_both = 0
    for number in range(300):
        shares = np.array([[0.75], [0.70]])
        right = rng.random((2, images)) < shares  # of an arm and its baseline
        again = rng.random((2, seeds, images)) < shares[:, None]
        flipped = rng.random((2, seeds, images)) < 0.05
        arm, base = np.where(flipped, again, right[:, None]).astype(float)
        difference = Difference.between(arm.mean(axis=1), base.mean(axis=1))
        drawn = draw_test_sets(labels, 200, seed=number).numpy()
        resampled = (arm - base) @ drawn.T / images
        interval = with_other_images(difference, resampled)
        if interval is None:  # all seeds agree, which no interval can be had of
            continue
        studies += 1
        by_both += interval[0] <= 0.05 <= interval[1]
        by_seeds += difference.low <= 0.05 <= difference.high
    assert studies > 290
    assert by_both >= stats.binom.ppf(1e-4, studies, 0.95)
    assert by_seeds < 0.5 * studies


def test_no_interval_without_one_over_seeds():
    assert with_other_images(Difference.between([0.9], [0.5]), np.zeros((1, 5))) is None
    assert with_other_images(Difference.between([0.9, 0.8], [0.5, 0.4]), np.zeros((2, 5))) is None


def test_packed_predictions_come_back():
    labels = np.random.default_rng(0).integers(0, 1000, 5000)
    assert np.array_equal(unpack(pack(labels)), labels)
