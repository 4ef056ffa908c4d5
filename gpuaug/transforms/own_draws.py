"""Draws for images that come without any: numbered by the object that sees them, keyed by its seed.

Differences and repetitions:

- Two objects differ. Without a seed each draws one from PyTorch's default generator when it is built, so an
  earlier ``torch.manual_seed`` repeats a run. With the same seed, objects of different kinds differ, and so
  do objects at different positions of one ``nn.Sequential`` or ``nn.ModuleList``. Otherwise two objects with
  one seed are equal: both treat their k-th image alike, however images are divided into batches.
- Calls differ: an object counts the images that it has seen. A copy (``copy.deepcopy``, pickle) starts with
  the same count and then counts by itself, so the two repeat each other.
- Workers of a ``DataLoader``, its epochs and ranks differ, whatever the seed. In a worker, the keys also
  depend on ``get_worker_info().seed``, which PyTorch renews for each worker and, unless workers persist, for
  each epoch, from the default generator or the loader's. With ``torch.distributed`` they also depend on the
  rank. So a run repeats with the same seed, number of ranks and number of workers; with workers also the same
  ``torch.manual_seed`` or ``DataLoader(generator=...)`` is needed.
- Compiled and uncompiled calls are equal. A trace of ``make_fx`` or ``FakeTensorMode`` draws its keys from
  PyTorch's generator at each run, and counts nothing.
"""

from __future__ import annotations

import os
import threading
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from gpuaug import random
from gpuaug.arguments import check_memory
from gpuaug.tracing import traced, untraced

_KEY, _SEEN, _RANK = range(3)  # positions in a state
_RANKS = 1 << 31
_STREAM = 1  # in the counter, where draws of an epoch have 0
_lock = threading.Lock()


def _renew_lock() -> None:
    """Renew the lock in a forked process: another thread of the parent may have held it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


class OwnDraws:
    """The draws of one object for the images that it sees.

    >>> own = OwnDraws(7, "flip")
    >>> own.take(2)[:, :2].tolist(), own.take(1)[:, :2].tolist(), own.seen
    ([[0, 1], [1, 1]], [[2, 1]], 3)

    Args:
        seed: in [0, 2**64).
        kind: kind of the object.
        place: position of the object in an ``nn.Sequential``.
        seen: number of images already seen.
    """

    def __init__(self, seed: int, kind: str, place: int = 0, seen: int = 0) -> None:
        digest = blake2b(f"{seed} {place} {kind}".encode(), digest_size=8).digest()
        self._hold(np.array([int.from_bytes(digest, "little", signed=True), seen, 0], np.int64))

    def _hold(self, words: np.ndarray) -> None:
        """Keep the state as an array and as a tensor over the same memory.

        No mode of PyTorch sees the array. ``torch.compile`` treats the tensor as an input, so no graph
        depends on the count.
        """
        self._words = words
        with untraced():
            self._state = torch.from_numpy(words)

    @property
    def seen(self) -> int:
        return int(self._words[_SEEN])

    def take(self, count: int) -> Tensor:
        """Take the next draws, int64 ``(count, 3)``, each of copy 1."""
        if torch.compiler.is_compiling():
            draws: Tensor = torch.ops.gpuaug.own_draws(self._state, count)
            return draws
        if traced():
            key = torch.randint(-(1 << 63), (1 << 63) - 1, (count,), device="cpu")
            return torch.stack((torch.arange(count, device="cpu"), torch.ones_like(key), key), dim=1)
        return _take(self._words, count)

    def __getstate__(self) -> bytes:
        words = self._words.copy()
        words[_RANK] = _rank(words)  # a spawned worker has no process group
        return words.tobytes()

    def __setstate__(self, state: bytes) -> None:
        self._hold(np.frombuffer(state, dtype=np.int64).copy())


def given_or_drawn(seed: int | None) -> int:
    """Return the given seed, checked, or draw one from PyTorch's default generator.

    >>> torch.manual_seed(0), given_or_drawn(7), given_or_drawn(None) == given_or_drawn(None)
    (<torch...>, 7, False)
    """
    if seed is not None:
        return random.check_seed(seed)
    with untraced():
        return int(torch.empty((), dtype=torch.int64, device="cpu").random_())


def _take(words: np.ndarray, count: int) -> Tensor:
    with _lock:  # threads share the count
        start = int(words[_SEEN])
        index = torch.arange(start, start + count, device="cpu")
        draws = random.keyed_draws(_stream(words), 0, index, torch.ones_like(index))
        words[_SEEN] = start + count  # last, so that draws which failed for lack of memory do not count
    return draws


def _stream(words: np.ndarray) -> int:
    """The seed of the draws' keys in this worker and rank."""
    key, worker, rank = int(words[_KEY]) % (1 << 64), get_worker_info(), _rank(words)
    if worker is None and rank == 0:
        return key
    index = random.signed(0 if worker is None else worker.seed % (1 << 64))
    copy = random.signed(2 * rank + (worker is not None))
    return int(random.draw_keys(key, _STREAM, index[None], copy[None])) % (1 << 64)


def _rank(words: np.ndarray) -> int:
    """The rank of this process, or of the process that sent the object here."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank()
    return int(words[_RANK])


# The same as an op, for graphs: it finds its worker and rank at run time, and changes only its argument.
torch.library.define("gpuaug::own_draws", "(Tensor(a!) state, SymInt count) -> Tensor")


@torch.library.impl("gpuaug::own_draws", "CPU")
def _own_draws(state: Tensor, count: int) -> Tensor:
    _check_state(state)
    check_memory("state", state)
    words = state.numpy()
    seen, rank = int(words[_SEEN]), int(words[_RANK])
    if seen < 0 or not 0 <= rank < _RANKS:
        raise ValueError(
            f"state must count images from 0 and name a rank in [0, 2**31), got {seen} and {rank}"
        )
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    if seen + count >= 1 << 63:
        raise ValueError(f"count must leave the images seen below 2**63, got {count} after {seen}")
    return _take(words, count)


@torch.library.register_fake("gpuaug::own_draws")
def _fake(state: Tensor, count: Any) -> Tensor:
    _check_state(state)
    return state.new_empty((count, 3))


def _check_state(state: Tensor) -> None:
    if state.dtype != torch.int64 or state.shape != (3,):
        raise ValueError(f"state must be int64 (3,), got {state.dtype} {tuple(state.shape)}")
