"""Memory that goes around."""

import pickle
import threading

import torch

from gpuaug.travel.buffers import BufferRing


class Event:
    """Of a copy from a buffer."""

    def __init__(self):
        self.done, self.waits = False, 0

    def query(self):
        return self.done

    def synchronize(self):
        self.done = True
        self.waits += 1


def test_a_buffer_is_used_again_and_nothing_is_allocated():
    ring = BufferRing()
    first = ring.take()
    address = first.bytes(1000).data_ptr()
    first.free()
    for size in (1000, 10, 900, 0):
        again = ring.take()
        assert again is first
        assert again.bytes(size).data_ptr() == address or size == 0
        assert again.bytes(size).shape == (size,)
        again.free()


def test_a_ring_has_as_many_buffers_as_are_in_use():
    ring = BufferRing()
    taken = [ring.take() for _ in range(3)]
    parts = [buffer.bytes(100) for buffer in taken]
    for value, part in enumerate(parts):
        part.fill_(value)
    assert [part.unique().tolist() for part in parts] == [[0], [1], [2]]
    for buffer in reversed(taken):
        buffer.free()
    assert [ring.take() for _ in range(3)] == taken[::-1]


def test_a_larger_batch_finds_room():
    buffer = BufferRing().take()
    small = buffer.bytes(10)
    assert buffer.bytes(5 << 20).shape == (5 << 20,)
    assert small.shape == (10,)


def test_a_buffer_whose_copy_is_done_comes_first():
    ring, first, second = BufferRing(), Event(), Event()
    buffers = [ring.take(), ring.take()]
    buffers[0].free(first)
    buffers[1].free(second)
    second.done = True
    assert ring.take() is buffers[1]
    other = ring.take()
    assert other not in buffers  # the first is still read
    assert first.waits == 0
    first.done = True
    assert ring.take() is buffers[0]


def test_a_full_ring_waits_for_its_first_buffer():
    ring, events = BufferRing(), [Event() for _ in range(3)]
    buffers = [ring.take() for _ in range(3)]
    for buffer, event in zip(buffers, events, strict=True):
        buffer.free(event)
    assert ring.take() is buffers[0]
    assert [event.waits for event in events] == [1, 0, 0]
    buffers[0].free(None)
    assert ring.take() is buffers[0]
    assert events[0].waits == 1


def test_memory_is_pinned_where_it_is_asked_for(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda memory: pinned.append(len(memory)) or memory)
    BufferRing().take().bytes(10)
    assert pinned == []
    buffer = BufferRing(pinned=True).take()
    buffer.bytes(10)
    buffer.bytes(12)
    assert len(pinned) == 1
    assert pinned[0] >= 12


def test_threads_get_buffers_of_their_own():
    ring, seen = BufferRing(), []

    def work():
        for _ in range(200):
            buffer = ring.take()
            assert buffer not in seen
            seen.append(buffer)
            seen.remove(buffer)
            buffer.free()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(ring._free) <= 4


def test_a_copy_of_a_ring_has_buffers_of_its_own():
    ring = BufferRing(pinned=True)
    ring.take().free()
    other = pickle.loads(pickle.dumps(ring))
    assert other.pinned
    assert other.take() is not ring.take()
