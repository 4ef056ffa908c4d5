"""The curriculum: who is asked about, and how levels move. Blue says an image's class, red its strength."""

import pytest
import torch

import gpuaug

LABELS = torch.tensor([0] * 20 + [1] * 7 + [2] * 3)
IMAGES = torch.zeros(len(LABELS), 3, 2, 2, dtype=torch.uint8)
IMAGES[:, 1] = torch.arange(len(LABELS))[:, None, None]  # green: the sample
IMAGES[:, 2] = LABELS[:, None, None]


def make(*, labels=LABELS, dataset=None, batch_size=16, p=0.5, num_workers=0, **settings):
    # At level l of 5 red is 20 * l for every draw: one transform, so its probability is 1 above level 0.
    augment = gpuaug.Compose([gpuaug.PerClass([gpuaug.RGBShift((100, 100), 0, 0)], p=p)])
    dataset = dataset if dataset is not None else gpuaug.DeviceDataset(IMAGES, LABELS)
    sampler = gpuaug.BalancedSampler(LABELS)
    loader = gpuaug.BalancedLoader(dataset, sampler, augment, batch_size, num_workers=num_workers)
    return gpuaug.Curriculum(loader, labels, **{"levels": 5, "samples": 3, **settings})


def knows(most):
    """A model that is right about class c up to level ``most[c]``."""

    def predict(images):
        label, level = images[:, 2, 0, 0].long(), images[:, 0, 0, 0] // 20
        return torch.where(level <= torch.tensor(most)[label], label, -1)

    return predict


def asked(curriculum, answer=lambda label: label):
    """(sample, class, level) of all that one update asks about."""
    seen = []

    def predict(images):
        red, green, blue = images[:, :, 0, 0].long().unbind(1)
        seen.extend(zip(green.tolist(), blue.tolist(), (red // 20).tolist(), strict=True))
        return answer(blue)

    curriculum.update(predict)
    return seen


def test_levels_move_by_one_towards_what_the_model_knows():
    curriculum, most = make(), [9, 2, -1]
    level = [0, 0, 0]
    for _ in range(9):
        curriculum.update(knows(most))
        level = [min(5, at + 1) if at <= m else max(0, at - 1) for at, m in zip(level, most, strict=True)]
        assert list(curriculum.level_.values()) == level
        assert curriculum.by_class.strength.tolist() == [at / 5 for at in level]
        assert curriculum.by_class.op_probability.flatten().tolist() == [float(at > 0) for at in level]
    assert level == [5, 3, 0]


def test_every_level_up_to_the_own_one_is_asked_about():
    curriculum = make()
    for _ in range(2):
        curriculum.update(knows([9, 9, -1]))
    seen = asked(curriculum)
    counts = {(c, level): 0 for c, most in ((0, 2), (1, 2), (2, 0)) for level in range(most + 1)}
    for sample, label, level in seen:
        assert LABELS[sample] == label
        counts[label, level] += 1
    assert counts == {(0, 0): 3, (0, 1): 6, (0, 2): 9, (1, 0): 3, (1, 1): 6, (1, 2): 9, (2, 0): 3}


def test_all_samples_of_a_class_are_equally_likely():
    curriculum = make(samples=2000, levels=1)
    seen = torch.tensor([sample for sample, _, _ in asked(curriculum)])
    for label, count in enumerate((20, 7, 3)):
        drawn = torch.bincount(seen[LABELS[seen] == label], minlength=len(LABELS))[label == LABELS]
        sigma = (2000 / count * (1 - 1 / count)) ** 0.5
        assert ((drawn - 2000 / count).abs() < 5 * sigma).all()


@pytest.mark.parametrize(("right", "level"), [(12, 0), (13, 1)])
def test_the_threshold_must_be_passed(right, level):
    curriculum = make(samples=20, threshold=0.6, levels=1)
    answers = {0: 0, 1: 0, 2: 0}

    def answer(labels):
        given = []
        for label in labels.tolist():
            answers[label] += 1
            given.append(label if answers[label] <= right else -1)
        return torch.tensor(given)

    asked(curriculum, answer)
    assert list(curriculum.level_.values()) == [level] * 3


def test_one_level_that_is_not_known_is_enough():
    curriculum = make()
    for _ in range(3):
        curriculum.update(knows([9, 9, 9]))
    # Level 1 alone is forgotten.
    curriculum.update(lambda images: images[:, 2, 0, 0].long() - (images[:, 0, 0, 0] == 20).long() * 5)
    assert list(curriculum.level_.values()) == [2, 2, 2]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_probed_samples_depend_on_seed_and_updates_alone(num_workers):
    first, others = make(), list(gpuaug.DeviceDataset(IMAGES, LABELS))
    second = make(dataset=others, batch_size=7, num_workers=num_workers)
    rounds = [asked(first) for _ in range(3)]
    assert [asked(second) for _ in range(3)] == rounds
    assert [sample for sample, _, level in rounds[1] if level == 0] != [sample for sample, _, _ in rounds[0]]
    assert asked(make(seed=1)) != rounds[0]


def test_an_update_leaves_the_loader_as_it_was():
    curriculum = make()
    loader = curriculum.loader
    loader.set_epoch(3)
    before, augment = loader.state_dict(), loader.augment.eval()
    curriculum.update(knows([9, 9, 9]))
    assert loader.state_dict() == before
    assert not augment.training
    assert curriculum.by_class.p == 0.5
    with pytest.raises(RuntimeError, match="out of memory"):
        curriculum.update(lambda images: (_ for _ in ()).throw(RuntimeError("out of memory")))
    assert not augment.training
    assert curriculum.by_class.p == 0.5
    assert curriculum.by_class.strength.tolist() == [0.2, 0.2, 0.2]


def test_a_curriculum_continues_from_its_state():
    first = make()
    for _ in range(2):
        first.update(knows([9, 1, -1]))
    second = make()
    second.load_state_dict(first.state_dict())
    assert second.level_ == first.level_
    assert second.by_class.strength.tolist() == [0.4, 0.4, 0.0]
    assert asked(second) == asked(first)
    with pytest.raises(ValueError, match="must be of 3 classes and 5 levels, got 2 and 5"):
        second.load_state_dict({"levels": 5, "level": [0, 0], "updates": 1})


def test_training_draws_follow_the_levels():
    curriculum = make(p=1.0)
    for _ in range(2):
        curriculum.update(knows([9, 0, -1]))
    for images, labels in curriculum.loader:
        assert images[:, 0, 0, 0].tolist() == [{0: 40, 1: 0, 2: 0}[int(label)] for label in labels]


def test_labels_may_leave_gaps():
    labels = LABELS * 3
    loader = gpuaug.BalancedLoader(
        gpuaug.DeviceDataset(IMAGES, labels),
        gpuaug.BalancedSampler(labels),
        gpuaug.PerClass([gpuaug.Sepia()]),
    )
    curriculum = gpuaug.Curriculum(loader, labels)
    curriculum.update(lambda images: images[:, 2, 0, 0].long() * 3)
    assert curriculum.level_ == {0: 1, 3: 1, 6: 1}
    assert curriculum.by_class.strength.tolist() == [0.1, 0, 0, 0.1, 0, 0, 0.1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": 0}, r"levels must be in \[1, 1000\], got 0"),
        ({"samples": 0}, r"samples must be"),
        ({"threshold": 1.5}, r"threshold must be in \[0, 1\], got 1.5"),
        ({"labels": LABELS[:5]}, "labels must have one entry for each of the 30 samples of .*, got 5"),
        ({"labels": [f"class {label}" for label in LABELS]}, "labels must be integers"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


@pytest.mark.parametrize("name", ["levels", "samples"])
@pytest.mark.parametrize("value", [(3, 5), 3.0, True])
def test_counts_are_whole_numbers(name, value):
    with pytest.raises(TypeError, match=rf"{name} must be an int in \[1, "):
        make(**{name: value})


def test_a_loader_that_has_none_is_refused():
    dataset, sampler = gpuaug.DeviceDataset(IMAGES, LABELS), gpuaug.BalancedSampler(LABELS)
    for augment in (None, gpuaug.RandomHorizontalFlip()):
        with pytest.raises(ValueError, match=r"must hold one gpuaug\.PerClass, got 0"):
            gpuaug.Curriculum(gpuaug.BalancedLoader(dataset, sampler, augment), LABELS)
    with pytest.raises(TypeError, match=r"loader must be a gpuaug\.BalancedLoader, got list"):
        gpuaug.Curriculum([], LABELS)


def test_predictions_of_another_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"predict must return one class for each image, \(9,\), got shape \(9, 3\)"
    ):
        make().update(lambda images: torch.zeros(len(images), 3))
