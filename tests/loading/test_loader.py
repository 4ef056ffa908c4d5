"""The loader: batches, epochs, states, and what is refused when it is built."""

import json
import os

import numpy as np
import pytest
import torch
from shown_indices import LABELS, ProcessNumbers, Recorder, Samples, expected, indices, make, no_children
from torch.utils.data import SequentialSampler
from torchvision.transforms import v2

from gpuaug import CMO, BalancedMixUp, BalancedSampler, CutMix, MixUp, RandomHorizontalFlip, Remix
from gpuaug.loading import DeviceDataset, WithDraws
from gpuaug.transforms import Transform


def resident():
    return DeviceDataset.from_dataset(Samples())


# ---- Batches


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}], ids=["here", "workers"])
@pytest.mark.parametrize("wrap", [lambda samples: samples, WithDraws], ids=["plain", "wrapped"])
def test_without_a_transform_the_bytes_come_as_they_are(wrap, options):
    check_bytes(make(wrap(Samples()), **options))


def test_without_a_transform_the_bytes_come_as_they_lie():
    check_bytes(make(resident()))


def check_bytes(loader):
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(4, 3, 3, 4)] * 4 + [(2, 3, 3, 4)]
    assert all(images.dtype == torch.uint8 for images, _ in batches)
    loader.set_epoch(0)
    assert indices(loader) == expected(loader)
    assert torch.cat([labels for _, labels in batches]).tolist() == [LABELS[i] for i in expected(loader)]


@pytest.mark.parametrize("kind", ["decoded", "resident"])
def test_the_transform_is_given_batches_and_draws(kind):
    recorder = Recorder()
    dataset = resident() if kind == "resident" else Samples()
    loader = make(dataset, recorder, 8)
    assert [len(images) for images, _ in loader] == [8, 8, 2]
    assert torch.equal(torch.cat([draws for draws, _, _ in recorder.made]), loader.sampler.draws())
    for (draws, shape, index), (images, passes) in zip(recorder.made, recorder.applied, strict=True):
        assert passes == ("recipes", len(draws))
        assert shape == tuple(images.shape)
        if kind == "resident":
            assert images is dataset.images
            assert torch.equal(index, draws[:, 0])
        else:
            assert images[:, 0, 0, 0].tolist() == draws[:, 0].tolist()
            assert index is None


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "count"), [(4, False, 5), (4, True, 4), (18, True, 1), (64, False, 1)]
)
def test_length_counts_the_batches_of_an_epoch(batch_size, drop_last, count):
    loader = make(batch_size=batch_size, drop_last=drop_last)
    assert len(loader) == count == len(list(loader))


@pytest.mark.parametrize("workers", [0, 2])
def test_iterations_go_on_from_epoch_to_epoch(workers):
    loader = make(num_workers=workers)
    first = indices(loader)
    second = indices(loader)
    assert loader.sampler.epoch == 1
    assert second == expected(loader)
    assert second != first
    loader.set_epoch(1)
    assert indices(loader) == second
    loader.set_epoch(0)
    assert indices(loader) == first


def test_ranks_share_the_epoch():
    shares = [indices(make(sampler=BalancedSampler(LABELS, num_replicas=3, rank=rank))) for rank in range(3)]
    together = [index for trio in zip(*shares, strict=True) for index in trio]
    assert together == BalancedSampler(LABELS).draws()[:, 0].tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_global_generators_are_left_alone(workers):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    list(make(num_workers=workers))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


@pytest.mark.parametrize("persistent", [True, False])
def test_workers_stay_only_where_asked(persistent):
    loader = make(ProcessNumbers(), num_workers=1, persistent_workers=persistent)
    first = next(iter(loader))[1].unique().item()  # left in the middle
    second = {number for _, labels in loader for number in labels.tolist()}
    assert (second == {first}) == persistent
    assert os.getpid() not in second
    del loader
    assert no_children()


def test_spawned_workers_give_the_same_batches():
    loader = make(num_workers=1, multiprocessing_context="spawn")
    assert indices(loader) == expected(loader)


# ---- States


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_the_state_counts_what_was_handed_out(kind, ranks):
    loader = make(
        resident() if kind == "resident" else Samples(),
        sampler=BalancedSampler(LABELS, num_replicas=ranks, rank=0),
        num_workers=2 if kind == "workers" else 0,
    )
    assert loader.state_dict()["position"] == 0
    for number, _ in enumerate(loader, start=1):
        state = loader.state_dict()
        assert state["position"] == min(4 * number * ranks, 18)
        assert json.loads(json.dumps(state)) == state
        if kind == "workers" and number == 1:
            assert loader.sampler.state_dict()["position"] > state["position"]  # fetched ahead
    assert state["position"] == 18
    loader.set_epoch(1)
    assert (loader.state_dict()["epoch"], loader.state_dict()["position"]) == (1, 0)


def test_a_state_of_the_end_goes_on_with_the_next_epoch():
    done = make()
    list(done)
    loader = make()
    loader.load_state_dict(done.state_dict())
    assert (loader.state_dict()["epoch"], loader.state_dict()["position"]) == (1, 0)
    assert indices(loader) == expected(loader)


@pytest.mark.parametrize("where", ["loader", "sampler"])
def test_the_iteration_after_a_resumed_one_begins_at_0(where):
    loader = make()
    owner = loader if where == "loader" else loader.sampler
    owner.load_state_dict({**loader.state_dict(), "epoch": 2, "position": 7})
    assert loader.state_dict()["position"] == 7
    assert indices(loader) == expected(loader, 7)
    assert indices(loader) == expected(loader)


def test_a_state_of_other_labels_is_refused():
    other = BalancedSampler([1 - label for label in LABELS], seed=1)
    with pytest.raises(ValueError, match="same labels, plan, seed and version"):
        make().load_state_dict(other.state_dict())


# ---- Faults when it is built


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sampler": SequentialSampler(LABELS)}, TypeError, "BalancedSampler or RepeatFactorSampler, got"),
        ({"augment": torch.nn.Identity()}, TypeError, "gpuaug transform, such as .* got Identity"),
        ({"augment": Transform}, TypeError, "gpuaug transform, such as .* got type"),
        ({"augment": v2.Compose([v2.RandomHorizontalFlip()])}, TypeError, r"from_torchvision\(chain\)"),
        ({"dataset": [0]}, ValueError, "got 1 in the data set and 12 labels in the sampler"),
        ({"dataset": iter([0])}, TypeError, "dataset must be map-style"),
        ({"batch_size": 0}, ValueError, r"batch_size must be in \[1, 2147483648\), got 0"),
        ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor"),
        ({"dataset": "resident", "num_workers": 2}, ValueError, "num_workers must not be given"),
        ({"dataset": "resident", "timeout": 3}, ValueError, "timeout must not be given with a DeviceDataset"),
        ({"dataset": "meta"}, RuntimeError, "device must be a CPU or CUDA device, got meta"),
        ({"dataset": "meta", "device": "cpu"}, RuntimeError, "DeviceDataset, meta, got cpu; dataset.to"),
        ({"device": "meta"}, RuntimeError, "device must be a CPU or CUDA device, got meta"),
        ({"device": "cuda:99"}, RuntimeError, r"PyTorch sees(, got| no CUDA device, got) cuda:99"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_the_loader_are_refused(arguments, error, message):
    kinds = {"resident": resident, "meta": lambda: resident().to("meta")}
    if isinstance(arguments.get("dataset"), str):
        arguments = {**arguments, "dataset": kinds[arguments["dataset"]]()}
    with pytest.raises(error, match=message):
        make(**arguments)


# ---- Mixing


MIXES = [MixUp(0.4), CutMix(), CMO([12, 6], p=1.0), Remix([12, 3]), BalancedMixUp([12, 6])]


@pytest.mark.parametrize("kind", ["decoded", "resident"])
@pytest.mark.parametrize("mix", MIXES, ids=repr)
def test_batches_are_mixed_by_their_draws(kind, mix):
    dataset = resident() if kind == "resident" else Samples()
    augment = RandomHorizontalFlip()
    plain, mixed = make(dataset, augment), make(dataset, augment, mix=mix)
    draws = plain.sampler.draws().split(4)
    for own, (images, labels), (got, targets) in zip(draws, plain, mixed, strict=True):
        expected, wanted = mix(images, labels, own)
        assert torch.equal(got, expected)
        assert all(torch.equal(a, b) for a, b in zip(targets, wanted, strict=True))
    assert mixed.state_dict() == {**plain.state_dict(), "transform": mixed.state_dict()["transform"]}


def test_served_draws_are_not_mixed():
    loader = make(mix=MixUp())
    ((images, labels),) = loader.serve(loader.sampler.draws()[:4])
    assert torch.equal(labels, next(iter(make()))[1])
    assert torch.equal(images, next(iter(make()))[0])


def test_a_mix_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"mix must be a gpuaug\.MixUp, CutMix, CMO, .* or None, got str"):
        make(mix="mixup")
