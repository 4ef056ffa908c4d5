"""Settings after a transform was built: fixed, its own, and not heavier for having been used."""

import copy
import pickle

import numpy as np
import pytest
import torch
from every_transform import required
from torch import nn

import gpuaug as ga
from gpuaug.transforms import catalogue
from gpuaug.transforms.mixes.base import Mix

ENTRIES = catalogue()
IMAGES = torch.randint(256, (4, 3, 20, 20), dtype=torch.uint8)
DRAWS = torch.stack((torch.arange(4), torch.ones(4).long(), torch.arange(4) * 0x1E3779B97F4A7C15), dim=1)


def build(entry, **settings):
    return entry.kind(**required(entry) | settings)


def flips():
    return [ga.RandomHorizontalFlip(), ga.RandomVerticalFlip()]


BUILT = {entry.name: (build(entry), [p.name for p in entry.parameters]) for entry in ENTRIES}
BUILT |= {
    "Compose": (ga.Compose(flips()), ["transforms", "apply_to", "memory_format"]),
    "OneOf": (ga.OneOf(flips()), ["transforms", "by", "weights", "p"]),
    "RandomApply": (ga.RandomApply(flips()), ["transforms", "p"]),
    "PerClass": (ga.PerClass(flips()), ["transforms", "p"]),
    "MixUp": (ga.MixUp(), ["alpha", "p", "partners"]),
    "CutMix": (ga.CutMix(), ["alpha", "p", "partners"]),
    "CMO": (ga.CMO([3, 1]), ["class_counts", "power", "alpha", "p", "partners"]),
    "Remix": (ga.Remix([3, 1]), ["class_counts", "kappa", "tau", "alpha", "p", "partners"]),
    "BalancedMixUp": (ga.BalancedMixUp([3, 1]), ["class_counts", "alpha", "p", "partners"]),
}
SETTINGS = [(name, setting) for name, (_, names) in BUILT.items() for setting in (*names, "seed")]


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_no_setting_can_be_set(name, setting):
    transform = BUILT[name][0]
    said = f"{setting} of {name} is fixed once it is built: build a new {name} with another {setting}"
    for value in (3, (0.1, 3.0), torch.ones(3), nn.Identity()):
        with pytest.raises(AttributeError, match=said):
            setattr(transform, setting, value)
    with pytest.raises(AttributeError, match=said):
        delattr(transform, setting)
    for other in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        with pytest.raises(AttributeError, match=said):
            setattr(other, setting, 3)


@pytest.mark.parametrize("name", BUILT)
def test_settings_are_values_that_cannot_change(name):
    """What is kept of a setting is immutable, or given out as a copy."""
    transform, settings = BUILT[name]
    for setting in settings:
        value = getattr(transform, setting, None)
        if isinstance(value, torch.Tensor):
            before = value.clone()
            value.add_(1)
            assert torch.equal(getattr(transform, setting), before)
        elif setting != "transforms":
            hash(value)  # a list has none


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES] + ["Compose", "OneOf"])
def test_attributes_of_modules_can_still_be_set(name):
    transform = copy.deepcopy(BUILT[name][0])
    assert not transform.eval().training
    assert transform.train().training
    transform.requires_grad_(False).float().to("cpu")
    transform.note = 1
    transform.note = 2
    handle = transform.register_forward_hook(lambda *_: None)
    handle.remove()


@pytest.mark.parametrize("wrap", [torch.tensor, np.array, list])
def test_settings_copy_the_callers_values(wrap):
    mean, std, axes, counts = ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], np.eye(3).tolist(), [4.0, 2.0])
    given = [wrap(value) for value in (mean, std, axes, mean, counts)]
    normalize = ga.Normalize(*given[:2])
    pca, cmo = ga.FancyPCA(0.5, *given[2:4]), ga.CMO(given[4], p=1.0)
    others = [ga.Remix(given[4], kappa=1), ga.BalancedMixUp(given[4])]
    floats, labels = IMAGES / 255, torch.tensor([0, 1, 0, 1])

    def results():
        mixed = [cmo(IMAGES, labels, DRAWS)[0], *(mix(IMAGES, labels, DRAWS)[1][2] for mix in others)]
        return [normalize(IMAGES, DRAWS), normalize(floats, DRAWS), pca(IMAGES, DRAWS), *mixed]

    before = results()
    for value in given:
        value[0] = value[1]
    for value in (normalize.mean, normalize.std, pca.axes, pca.variances, cmo.weights):
        value.zero_()
    assert all(torch.equal(a, b) for a, b in zip(before, results(), strict=True))


def test_tables_of_per_class_take_effect():
    by_class = ga.PerClass([ga.RandomInvert(p=1.0)], strength=0.0)
    assert torch.equal(by_class(IMAGES, DRAWS), IMAGES)
    by_class.strength = 1.0
    assert torch.equal(by_class(IMAGES, DRAWS), 255 - IMAGES)
    by_class.op_probability.zero_()  # a copy
    assert torch.equal(by_class(IMAGES, DRAWS), 255 - IMAGES)
    by_class.op_probability = 0.0
    assert torch.equal(by_class(IMAGES, DRAWS), IMAGES)


@pytest.mark.parametrize("name", BUILT)
def test_pickles_of_transforms_do_not_grow(name):
    transform = copy.deepcopy(BUILT[name][0])
    size = len(pickle.dumps(transform))
    call = (torch.arange(4) % 2,) if isinstance(transform, Mix) else ()
    for images in (IMAGES, IMAGES / 255, IMAGES[:3]):
        transform(images, *(value[: len(images)] for value in call))
    assert len(pickle.dumps(transform)) == size
    other = pickle.loads(pickle.dumps(transform))
    assert other.seen == transform.seen == 11
    one, two = transform(IMAGES, *call), other(IMAGES, *call)
    assert torch.equal(one[0] if call else one, two[0] if call else two)


def test_a_subclass_may_set_other_attributes():
    class Counting(ga.RandomHorizontalFlip):
        def __init__(self, p: float, most: int) -> None:
            super().__init__(p)
            self.most = most
            self.most = min(most, 10)  # while it is built
            self.calls = 0

    flip = Counting(0.5, most=20)
    flip.calls += 1
    assert (flip.most, flip.calls) == (10, 1)
    with pytest.raises(AttributeError, match="most of Counting is fixed"):
        flip.most = 5
