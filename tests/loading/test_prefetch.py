"""One batch ahead, on a side stream. What the streams are asked to do is seen through stand-ins for them."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from gpuaug.images.packed import pack
from gpuaug.loading.prefetch import Batch, Prefetcher
from gpuaug.recipe.builder import RecipeBuilder

DEVICE = torch.device("cuda", 0)


class FakeBatch:
    def __init__(self, number, log, free=None):
        self.number, self.log, self.free = number, log, free

    def to(self, device):
        assert device == DEVICE
        self.log.append(f"copy {self.number}")
        return self

    def record_stream(self, stream):
        self.log.append(f"{stream} keeps {self.number}")


class FakeEvent:
    """Of copies on a stream."""

    def __init__(self, name):
        self.name = name


class FakeStream:
    def __init__(self, name, log):
        self.name, self.log, self.events = name, log, 0

    def __str__(self):
        return self.name

    def record_event(self):
        self.events += 1
        return FakeEvent(f"event {self.events} of {self}")

    def wait_stream(self, other):
        self.log.append(f"{self} waits for {other}")


@pytest.fixture
def log(monkeypatch):
    """What was asked for, in order; copies say which stream they were made on."""
    log = []
    side, consumer = FakeStream("side", log), FakeStream("consumer", log)

    @contextmanager
    def on(stream):
        log.append(f"on {stream}:")
        yield
        log.append("end")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: side)
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: consumer)
    return log


def finish(batch):
    batch.log.append(f"finish {batch.number}")
    return batch.number


def test_each_batch_is_copied_before_the_one_before_is_handed_out(log):
    for number in Prefetcher((FakeBatch(n, log) for n in (0, 1)), DEVICE, finish):
        log.append(f"use {number}")
    assert log == [
        *["on side:", "copy 0", "end"],
        *["consumer waits for side", "consumer keeps 0", "finish 0"],
        *["on side:", "copy 1", "end"],
        "use 0",
        *["consumer waits for side", "consumer keeps 1", "finish 1"],
        "use 1",
    ]


def test_memory_is_given_back_with_the_event_of_its_copy(log):
    """So that nothing is written there before the copy has read it."""
    log.clear()
    batches = [FakeBatch(0, log, lambda event: log.append(event.name))]
    assert list(Prefetcher(batches, DEVICE, finish)) == [0]
    assert log[:4] == ["on side:", "copy 0", "event 1 of side", "end"]


def test_an_error_comes_after_the_batches_before_it(log):
    def batches():
        yield FakeBatch(0, log)
        yield FakeBatch(1, log)
        raise OSError("broken")

    seen = []
    with pytest.raises(OSError, match="broken"):
        seen.extend(Prefetcher(batches(), DEVICE, finish))
    assert seen == [0, 1]


def test_an_interrupt_comes_at_once(log):
    def batches():
        yield FakeBatch(0, log)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(iter(Prefetcher(batches(), DEVICE, finish)))


def test_no_batches_give_no_results(log):
    assert list(Prefetcher([], DEVICE, finish)) == []


def test_the_storage_of_packed_images_is_kept():
    kept = []

    class Recorded(torch.Tensor):
        def record_stream(self, stream):
            kept.append((self, stream))

    images = pack([torch.zeros(3, 4, 5, dtype=torch.uint8), torch.zeros(3, 2, 6, dtype=torch.uint8)])
    storage, labels = (v.as_subclass(Recorded) for v in (images.storage, torch.arange(2)))
    Batch(replace(images, storage=storage), labels, torch.zeros(2, 3)).record_stream("consumer")
    assert [(id(tensor), stream) for tensor, stream in kept] == [
        (id(storage), "consumer"),
        (id(labels), "consumer"),
    ]


def test_whatever_comes_with_images_travels(monkeypatch):
    """To a device that holds no values: what is a tensor goes, each as the class that it is."""
    tv_tensors = pytest.importorskip("torchvision.tv_tensors")
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    boxes = tv_tensors.BoundingBoxes(torch.zeros(2, 4), format="XYWH", canvas_size=(4, 5))
    rest = ({"boxes": [boxes], "name": ["a"], "more": (torch.zeros(3), 4)}, torch.arange(1))
    batch = Batch(
        torch.zeros(1, 3, 4, 5), rest, torch.zeros(1, 3), masks=(torch.zeros(1, 1, 4, 5),), name="img"
    )
    there = batch.to(torch.device("meta"))
    found, labels = there.rest
    assert type(found["boxes"][0]) is tv_tensors.BoundingBoxes
    assert (found["boxes"][0].format, found["boxes"][0].canvas_size) == (boxes.format, boxes.canvas_size)
    assert (found["name"], found["more"][1], there.name) == (["a"], 4, "img")
    moved = [found["boxes"][0], found["more"][0], labels, there.images, *there.masks]
    assert {tensor.device.type for tensor in moved} == {"meta"}
    kept = []
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: kept.append(tensor.shape))
    batch.record_stream("consumer")
    assert kept == [(1, 3, 4, 5), (2, 4), (3,), (1,), (1, 1, 4, 5)]


def same_passes(arrived, passes):
    for there, here in zip(arrived, passes, strict=True):
        assert there.records.device == DEVICE
        assert torch.equal(there.records.cpu(), here.records)


@pytest.mark.cuda
def test_packed_images_arrive_whole():
    images = pack([torch.randint(256, (3, h, 9 - h), dtype=torch.uint8) for h in (2, 5, 3)])
    passes = (RecipeBuilder.of_packed(images).recipes((4, 4)),)
    arrived = Batch(images, torch.arange(3), torch.zeros(3, 3), passes).to(DEVICE)
    arrived.record_stream(torch.cuda.current_stream())
    torch.cuda.synchronize()
    assert arrived.images.device == DEVICE
    assert torch.equal(arrived.images.storage.cpu(), images.storage)
    assert arrived.images.offsets.device.type == "cpu"
    same_passes(arrived.passes, passes)


@pytest.mark.cuda
def test_a_batch_arrives_whole():
    shape = (5, 3, 4, 4)
    images, labels = torch.randint(256, shape, dtype=torch.uint8), torch.arange(5)
    passes = (RecipeBuilder.of_batch(shape).recipes((4, 4)), RecipeBuilder.of_batch(shape).recipes((4, 4)))
    images = images.contiguous(memory_format=torch.channels_last)
    draws = torch.arange(15).view(5, 3)
    arrived = Batch(images, labels, draws, passes).to(DEVICE)
    arrived.record_stream(torch.cuda.current_stream())
    torch.cuda.synchronize()
    assert torch.equal(arrived.images.cpu(), images)
    assert arrived.images.stride() == images.stride()
    assert arrived.rest.device == DEVICE
    assert torch.equal(arrived.rest.cpu(), labels)
    assert arrived.draws is draws
    same_passes(arrived.passes, passes)
