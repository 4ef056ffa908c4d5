"""Large outputs on the CPU: their memory serves again once they are gone, and never before."""

import threading

import pytest
import torch

import gpuaug

pytestmark = pytest.mark.native
SIDE = 192
COUNT = 20  # 8.4 MiB of floats: past the caches as well


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(256, (COUNT, 3, SIDE, SIDE), dtype=torch.uint8)


def expected(images: torch.Tensor) -> torch.Tensor:
    return ((images.double() / 255 - 0.5) / 0.25).float()


@pytest.fixture
def normalize() -> gpuaug.Normalize:
    return gpuaug.Normalize(0.5, 0.25)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("side", [SIDE, SIDE - 1])
def test_values_of_a_large_output(images, normalize, memory_format, side):
    images = images[..., :side].contiguous(memory_format=memory_format)
    out = normalize(images)
    assert torch.equal(out, expected(images))
    assert out.is_contiguous(memory_format=memory_format)


def test_memory_serves_again(images, normalize):
    outputs = [normalize(images) for _ in range(4)]
    seen = {out.data_ptr() for out in outputs}
    outputs.clear()
    others = [torch.ones(COUNT, 3, SIDE, SIDE) for _ in range(4)]  # they take what the system got back
    assert normalize(images).data_ptr() in seen - {other.data_ptr() for other in others}


def test_a_living_view_keeps_its_memory(images, normalize):
    part = normalize(images)[-1, 0]
    before = part.clone()
    others = [normalize(255 - images) for _ in range(8)]
    assert torch.equal(part, before)
    assert len({out.data_ptr() for out in others}) == 8


def test_smaller_and_larger_outputs_take_turns(images, normalize):
    for count in (COUNT, 3, COUNT // 2, 1, COUNT, COUNT - 1) * 3:
        assert torch.equal(normalize(images[:count]), expected(images[:count]))


def test_an_output_may_end_in_another_thread(images, normalize):
    def work() -> None:
        for _ in range(10):
            outputs.append(normalize(images))
            del outputs[:-3]

    outputs: list[torch.Tensor] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs
    assert all(torch.equal(out, expected(images)) for out in outputs)


def test_an_output_is_saved_and_shared_like_any_tensor(images, normalize, tmp_path):
    out = normalize(images)
    assert out.untyped_storage().nbytes() >= out.numel() * 4
    torch.save(out, tmp_path / "out.pt")
    assert torch.equal(torch.load(tmp_path / "out.pt"), out)
    assert torch.equal(out.share_memory_(), expected(images))


def test_an_output_shrinks_in_place_but_does_not_grow(images, normalize):
    out = normalize(images)
    shape = tuple(out.shape)
    if out.untyped_storage().resizable():
        pytest.skip("this PyTorch allocates the outputs itself")
    assert torch.equal(out.resize_(shape[0] - 1, *shape[1:]), expected(images)[:-1])
    with pytest.raises(RuntimeError, match="not resizable"):
        out.resize_(2 * shape[0], *shape[1:])
