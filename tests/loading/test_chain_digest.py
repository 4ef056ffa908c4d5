"""The digest of a transform's settings, in a loader's state: a resume with another transform says so."""

import json
import subprocess
import sys
import warnings

import numpy
import pytest
import torch

import gpuaug
from gpuaug.loading.chain_digest import chain_digest
from gpuaug.transforms import catalogue

IMAGES, LABELS = torch.zeros(6, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 0, 0, 0, 1, 1])


def chain(p=0.5, amount=0.1, mean=0.5, **settings):
    return gpuaug.Compose(
        [gpuaug.RandomHorizontalFlip(p), gpuaug.SaltAndPepper(amount), gpuaug.Normalize(mean, 0.5)],
        **settings,
    )


def loader(augment, mix=None):
    sampler = gpuaug.BalancedSampler(LABELS, seed=0)
    return gpuaug.BalancedLoader(gpuaug.DeviceDataset(IMAGES, LABELS), sampler, augment, 2, mix=mix)


OTHERS = {
    "probability": chain(p=0.25),
    "setting": chain(amount=0.2),
    "mean": chain(mean=[0.5, 0.5, 0.501]),
    "whom": chain(apply_to="copies"),
    "order": gpuaug.Compose(
        [gpuaug.SaltAndPepper(0.1), gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(0.5, 0.5)]
    ),
    "class": gpuaug.Compose(
        [gpuaug.RandomVerticalFlip(), gpuaug.SaltAndPepper(0.1), gpuaug.Normalize(0.5, 0.5)]
    ),
    "none": None,
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_state_of_another_transform_warns_and_goes_on(other):
    first = loader(chain())
    next(iter(first))
    second = loader(OTHERS[other])
    with pytest.warns(UserWarning, match="state_dict is of another transform or mix: .* digest [0-9a-f]{16}"):
        second.load_state_dict(first.state_dict())
    assert second.state_dict()["position"] == 2


OTHER_MIXES = {
    "setting": (gpuaug.MixUp(0.4), gpuaug.MixUp(0.5)),
    "class": (gpuaug.MixUp(), gpuaug.CutMix()),
    **{
        f"counts of {kind.__name__}": (kind([4, 2]), kind([2, 4]))
        for kind in (gpuaug.CMO, gpuaug.Remix, gpuaug.BalancedMixUp)
    },
}


@pytest.mark.parametrize(("one", "other"), OTHER_MIXES.values(), ids=OTHER_MIXES)
def test_a_state_of_another_mix_warns(one, other):
    first, second = loader(chain(), one), loader(chain(), other)
    with pytest.warns(UserWarning, match="another transform or mix"):
        second.load_state_dict(first.state_dict())


def test_arrays_and_numpys_numbers_are_settings():
    class Stretch(gpuaug.RandomInvert):
        def __init__(self, by):
            super().__init__()
            self.by = by

    for one, other in ((numpy.array([1, 2]), numpy.array([1, 3])), (numpy.float32(0.5), numpy.float32(0.25))):
        assert chain_digest(Stretch(one)) == chain_digest(Stretch(one.copy()))
        assert chain_digest(Stretch(one)) != chain_digest(Stretch(other))


def test_the_same_settings_do_not_warn():
    first = loader(chain(seed=1, memory_format=torch.channels_last), gpuaug.CutMix())
    second = loader(chain(seed=2).eval(), gpuaug.CutMix())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second.load_state_dict(first.state_dict())


def test_a_samplers_state_says_nothing_of_a_transform():
    some = loader(chain())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        some.load_state_dict({**some.sampler.state_dict(), "position": 4})
    assert some.state_dict()["position"] == 4


def test_a_curriculum_that_moved_its_tables_has_the_same_digest():
    def by_class(strength):
        return gpuaug.Compose([gpuaug.PerClass([gpuaug.CutOut(4)], strength)])

    assert chain_digest(by_class(0.1)) == chain_digest(by_class([0.5, 1.0]))
    assert chain_digest(by_class(0.1)) != chain_digest(gpuaug.Compose([gpuaug.PerClass([gpuaug.CutOut(2)])]))


def test_every_transform_has_the_same_digest_in_another_process():
    here = {of.name: chain_digest(of.kind()) for of in catalogue() if not of.required}
    code = (
        "import json\n"
        "from gpuaug.loading.chain_digest import chain_digest\n"
        "from gpuaug.transforms import catalogue\n"
        "print(json.dumps({of.name: chain_digest(of.kind()) for of in catalogue() if not of.required}))\n"
    )
    command = [sys.executable, "-c", code]
    there = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert there == here
    assert len(set(here.values())) == len(here) > 40
