"""What Accelerate makes of the samplers and loaders, in one process: the parts that its own tests try.

The oracle is Accelerate over a plain list of the order. ``test_accelerate`` has the runs in two processes.
"""

import gc
import itertools
import weakref

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader

import gpuaug

accelerate = pytest.importorskip(
    "accelerate", reason="needs accelerate: pip install -r tests/requirements.txt"
)
from accelerate.data_loader import BatchSamplerShard, prepare_data_loader, skip_first_batches  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.set_vital. is deprecated"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]

LABELS = [0] * 13 + [1] * 4 + [2]  # 39 draws an epoch
IMAGES = torch.zeros(len(LABELS), 1, 4, 4, dtype=torch.uint8)
SAMPLES = list(zip(IMAGES, LABELS, strict=True))
DATASET = gpuaug.WithDraws(SAMPLES)
SIZE = 4
PLACE = {"num_replicas": 1, "rank": 0}


@pytest.fixture(autouse=True)
def _fresh_state():
    accelerate.PartialState(cpu=True)
    yield
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    accelerate.state.GradientState._reset_state()


def single(drop_last=False):
    return BatchSampler(gpuaug.BalancedSampler(LABELS, seed=7, **PLACE), SIZE, drop_last)


def batches():
    return gpuaug.BalancedBatchSampler(LABELS, 2, 2, batches=9, seed=7, **PLACE)


def order_of(epoch, kind=single):
    """The batches of an epoch, from what knows nothing of iterations."""
    sampler = kind().sampler
    sampler.set_epoch(epoch)
    draws = sampler.draws()[..., 0]
    return [part.tolist() for part in (draws.split(SIZE) if draws.dim() == 1 else draws)]


def prepared(kind=single, workers=0, **options):
    loader = DataLoader(DATASET, batch_sampler=kind(), num_workers=workers)
    return prepare_data_loader(loader, put_on_device=True, **options)


def indices(loader):
    return [draws[:, 0].tolist() for _, _, draws in loader]


@pytest.mark.parametrize("kind", [single, batches])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("processes", [2, 4])
def test_shards_are_those_of_a_plain_list(kind, even, split, drop_last, processes):
    if kind is batches and drop_last:
        pytest.skip("its batches are whole")
    options = {"split_batches": split, "even_batches": even}
    for epoch in range(2):
        order = order_of(epoch, kind)
        plain = BatchSampler([index for batch in order for index in batch], SIZE, drop_last)
        ours = []
        for rank in range(processes):
            own = single(drop_last) if kind is single else batches()
            own.sampler.set_epoch(epoch)
            shard = BatchSamplerShard(own, processes, rank, **options)
            ours.append([list(map(int, batch)) for batch in shard])
            assert ours[-1] == list(BatchSamplerShard(plain, processes, rank, **options))
        if not split and not even and not drop_last:  # nothing is lost, and nothing comes twice
            turns = itertools.zip_longest(*ours)
            assert [batch for turn in turns for batch in turn if batch is not None] == order


WAYS = {
    "shards": {"num_processes": 2},
    "shards of batches": {"num_processes": 2, "split_batches": True},
    "shards, uneven": {"num_processes": 2, "even_batches": False},
    "one": {"num_processes": 1},
    "dispatched": {"num_processes": 1, "dispatch_batches": True},
}


@pytest.mark.parametrize(("workers", "stateful"), [(0, False), (0, True), (2, True)])
@pytest.mark.parametrize("way", WAYS)
def test_prepared_loaders_share_every_epoch(way, workers, stateful):
    if stateful:
        pytest.importorskip("torchdata")
    options = WAYS[way]
    count = options["num_processes"]
    ranks = [
        prepared(workers=workers, process_index=rank, use_stateful_dataloader=stateful, **options)
        for rank in range(count)
    ]
    for epoch in range(3):
        drawn = [indices(loader) for loader in ranks]
        turns = list(itertools.zip_longest(*drawn, fillvalue=[]))
        whole = [index for turn in turns for batch in turn for index in batch]
        order = [index for batch in order_of(epoch) for index in batch]
        assert whole[: len(order)] == order
        # What is repeated so that all ranks get as much: the first ones.
        assert whole[len(order) :] == order[: len(whole) - len(order)]
        if way == "shards, uneven":
            assert len(whole) == len(order)
        assert [len(loader) for loader in ranks] == list(map(len, drawn))


@pytest.mark.parametrize("dispatch", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [single, batches])
def test_a_state_of_a_prepared_loader_goes_on(kind, workers, dispatch):
    pytest.importorskip("torchdata")

    options = {"use_stateful_dataloader": True, "dispatch_batches": dispatch}
    run, seen = prepared(kind, workers, **options), []
    for number, (_, _, draws) in enumerate(run):
        seen.append(draws[:, 0].tolist())
        if number == 3:
            state = run.state_dict()
            break
    again = prepared(kind, workers, **options)
    again.load_state_dict(state)
    assert seen + indices(again) == order_of(0, kind)
    assert indices(again) == order_of(1, kind)


@pytest.mark.parametrize("dispatch", [False, True])
@pytest.mark.parametrize("kind", [single, batches])
def test_batches_that_are_skipped(kind, dispatch):
    loader = prepared(kind, dispatch_batches=dispatch)
    for epoch in (0, 3):
        loader.set_epoch(epoch)
        assert indices(skip_first_batches(loader, 2)) == order_of(epoch, kind)[2:]


@pytest.mark.parametrize("dispatch", [False, True])
@pytest.mark.parametrize("kind", [single, batches])
def test_the_end_and_the_epoch_are_told(kind, dispatch):
    loader = prepared(kind, dispatch_batches=dispatch)
    for epoch in (0, 1, 5):
        loader.set_epoch(epoch)
        ends = [loader.end_of_dataloader for _ in loader]
        assert ends == [False] * (len(order_of(epoch, kind)) - 1) + [True]
        assert loader.batch_sampler.sampler.epoch == epoch


def test_a_batch_that_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="round multiple"):
        prepared(num_processes=3, process_index=0, split_batches=True)


CONFIGURATIONS = [
    {},
    {"split_batches": True},
    {"dispatch_batches": True},
    {"even_batches": False},
    {"use_seedable_sampler": True},
    {"use_stateful_dataloader": True},
]


def balanced():
    sampler = gpuaug.BalancedSampler(LABELS, seed=7)
    return gpuaug.BalancedLoader(SAMPLES, sampler, gpuaug.RandomHorizontalFlip(), batch_size=SIZE)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=lambda options: next(iter(options), "default"))
def test_a_balanced_loader_is_left_as_it_is(options):
    if "use_stateful_dataloader" in options:
        pytest.importorskip("torchdata")
    configuration = accelerate.utils.DataLoaderConfiguration(**options)
    accelerator = accelerate.Accelerator(cpu=True, dataloader_config=configuration)
    loader = balanced()
    assert accelerator.prepare(loader) is loader
    assert accelerator.prepare_data_loader(loader) is loader
    for epoch in range(2):
        expected = [[LABELS[index] for index in batch] for batch in order_of(epoch)]
        assert [labels.tolist() for _, labels in loader] == expected


def test_a_prepared_loader_is_let_go():
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(balanced())
    iterator = iter(loader)
    next(iterator)
    gone = [weakref.ref(each) for each in (accelerator, loader, loader.sampler)]
    del accelerator, loader, iterator
    gc.collect()
    assert [each() for each in gone] == [None] * 3
