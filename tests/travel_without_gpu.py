"""What ``test_to_device.py`` runs on the runtime of ``benchmarks/host_side``: streams whose copies run when
they are told to.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from gpuaug import Compose, MedianBlur, RandomAffine, functional
from gpuaug.per_draw import carried_to
from gpuaug.recipe.builder import RecipeBuilder
from gpuaug.recipe.recipes import Recipes
from gpuaug.travel.to_device import _AHEAD, carried, travel

runtime = ctypes.CDLL(None)  # its functions, where it is preloaded
DEVICES = [torch.device("cuda", 0), torch.device("cuda", 1)]


def calls(name: str) -> int:
    return int(runtime.stub_count(name.encode()))


def numbered(number: int) -> Tensor:
    return torch.full((1000,), number)


def arrived(sent: list[Tensor]) -> list[int]:
    """The number that each tensor is full of, once all copies have run."""
    runtime.stub_finish()
    there = [tensor.cpu() for tensor in sent]
    assert all(bool((tensor == tensor[0]).all()) for tensor in there)
    return [int(tensor[0]) for tensor in there]


def nothing_is_allocated_after_the_first_calls() -> None:
    draws = torch.stack((torch.arange(8), torch.arange(8) % 3 + 1, torch.arange(8) * 7919), dim=1)
    (recipes,) = Compose([RandomAffine(30), MedianBlur()]).recipes(draws, (8, 3, 20, 24))
    assert recipes.groups
    with torch.inference_mode():  # what is pinned here serves outside
        travel(recipes, DEVICES[0])
    pinned = Tensor.pin_memory
    names = ("cudaHostAlloc", "cudaEventCreateWithFlags", "cudaEventSynchronize", "cudaStreamSynchronize")
    before = {name: calls(name) for name in (*names, "cudaMemcpyAsync")}
    Tensor.pin_memory = None  # type: ignore[assignment, method-assign]
    sent = [travel(recipes, DEVICES[0]) for _ in range(20)]
    Tensor.pin_memory = pinned  # type: ignore[method-assign]
    assert {name: calls(name) - before[name] for name in before} == {
        **dict.fromkeys(names, 0),
        "cudaMemcpyAsync": 20,
    }
    for there in sent:
        for one, other in zip(there.tensors, recipes.tensors, strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one.cpu(), other)


def functionals_pin_nothing_after_their_first_calls() -> None:
    """Their recipes and tables: from the ring, on any device."""
    images = torch.zeros(6, 3, 8, 8, dtype=torch.uint8).to(DEVICES[1])
    sigma = torch.linspace(0.5, 2.0, 6)
    sent: list[tuple[Recipes, Tensor | None]] = []

    def noted(
        images: Tensor, recipes: Recipes, *, mean: Any = None, std: Any = None, dtype: Any = None
    ) -> None:
        table = carried_to(torch.arange(3), images.device) if mean is not None else None
        sent.append((recipes, table))

    functional.augment = noted  # no kernel runs here
    names = ("cudaHostAlloc", "cudaEventSynchronize", "cudaStreamSynchronize")
    used = ("cudaMemcpyAsync", "cudaEventRecord")  # no event is recorded behind a copy from pageable memory
    for _ in range(2):
        before = {name: calls(name) for name in names + used}
        functional.gaussian_blur(images, sigma)
        functional.normalize(images, 0.5, 0.25)
    assert [calls(name) - before[name] for name in names + used] == [0, 0, 0, 3, 3]
    recipes, table = sent[-2][0], sent[-1][1]
    assert recipes.records.device == table.device == DEVICES[1]
    assert torch.equal(table.cpu(), torch.arange(3))
    builder = RecipeBuilder.of_batch((6, 3, 8, 8))
    builder.blur(sigma)
    assert torch.equal(recipes.records.cpu(), builder.recipes((8, 8)).records)


def copies_that_run_late_find_their_bytes() -> None:
    """More than a ring has buffers, on a stream of each device."""
    runtime.stub_hold(1)
    for device in DEVICES:
        with torch.cuda.device(device), torch.cuda.stream(torch.cuda.Stream(device)):
            waits = calls("cudaEventSynchronize")
            sent = [carried(numbered(number), device) for number in range(_AHEAD)]
            assert calls("cudaEventSynchronize") == waits
            sent += [carried(numbered(number), device) for number in range(_AHEAD, _AHEAD + 9)]
            assert calls("cudaEventSynchronize") > waits
            assert all(tensor.device == device for tensor in sent)
            assert arrived(sent) == list(range(_AHEAD + 9))
    runtime.stub_hold(0)


def another_device_than_the_current_one() -> None:
    assert torch.cuda.current_device() == 0
    sent = [carried(numbered(number), DEVICES[1]) for number in range(5)]
    assert all(tensor.device == DEVICES[1] for tensor in sent)
    assert arrived(sent) == [0, 1, 2, 3, 4]


def threads_and_streams_at_once() -> None:
    shared = torch.cuda.Stream(DEVICES[0])

    def send(thread: int) -> list[Tensor]:
        own = shared if thread % 2 else torch.cuda.Stream(DEVICES[0])
        with torch.cuda.stream(own):
            return [carried(numbered(100 * thread + number), DEVICES[0]) for number in range(100)]

    runtime.stub_hold(1)
    with ThreadPoolExecutor(8) as pool:
        for thread, sent in enumerate(list(pool.map(send, range(8)))):
            assert arrived(sent) == list(range(100 * thread, 100 * thread + 100))
    runtime.stub_hold(0)


def a_graph_is_captured() -> None:
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        carried(numbered(1), DEVICES[0])  # its ring has a buffer, whose event may not be asked
    before = calls("cudaEventQuery"), calls("cudaMemcpyAsync")
    with torch.cuda.graph(torch.cuda.CUDAGraph(), stream=stream):
        queries = calls("cudaEventQuery")
        carried(numbered(2), DEVICES[0])
        assert calls("cudaEventQuery") == queries
    assert calls("cudaMemcpyAsync") == before[1] + 1


CHECKS: dict[str, Callable[[], None]] = {
    check.__name__: check
    for check in (
        nothing_is_allocated_after_the_first_calls,
        functionals_pin_nothing_after_their_first_calls,
        copies_that_run_late_find_their_bytes,
        another_device_than_the_current_one,
        threads_and_streams_at_once,
        a_graph_is_captured,
    )
}

if __name__ == "__main__":
    CHECKS[sys.argv[1]]()
    print("held")
