"""Images of different sizes in one buffer."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import gpuaug as ga
from gpuaug.images.packed import is_interleaved
from gpuaug.recipe.builder import RecipeBuilder

SIZES = [(4, 5), (1, 1), (7, 2), (3, 8)]


def random_images(channels=3, sizes=SIZES):
    """Random tensors (C, H, W)."""
    random = torch.Generator().manual_seed(0)
    return [torch.randint(256, (channels, *s), generator=random, dtype=torch.uint8) for s in sizes]


def interleaved(image):
    return image.permute(1, 2, 0).contiguous().permute(2, 0, 1)


def array(image):
    return np.ascontiguousarray(image.permute(1, 2, 0))


def check(packed, images):
    assert len(packed) == len(images)
    assert packed.storage.shape == (sum(image.numel() for image in images),)
    for found, image in zip(packed, images, strict=True):
        assert torch.equal(found, image)


def test_the_layout_by_hand():
    first = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    second = torch.arange(100, 103, dtype=torch.uint8).view(3, 1, 1)
    packed = ga.pack([first, second])
    assert packed.storage.tolist() == [*range(12), 100, 101, 102]
    assert (packed.offsets.tolist(), packed.heights.tolist(), packed.widths.tolist()) == (
        [0, 12],
        [2, 1],
        [2, 1],
    )
    assert (packed.channels, packed.interleaved) == (3, False)
    packed = ga.pack([interleaved(first), second])
    assert packed.storage.tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 100, 101, 102]
    assert packed.interleaved


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("give", "decoded"),
    [(lambda v: v, False), (interleaved, True), (array, True)],
    ids=["CHW", "HWC", "array"],
)
def test_images_keep_their_memory_order(give, decoded, channels):
    images = random_images(channels)
    packed = ga.pack([give(image) for image in images])
    assert packed.interleaved == (decoded and channels > 1)
    check(packed, images)


def test_images_in_both_orders_become_planar():
    images = random_images()
    packed = ga.pack([interleaved(image) if n % 2 else array(image) for n, image in enumerate(images)])
    assert packed.interleaved
    packed = ga.pack([image if n % 2 else interleaved(image) for n, image in enumerate(images)])
    assert not packed.interleaved
    check(packed, images)


def test_grey_arrays_have_one_channel():
    images = random_images(1)
    packed = ga.pack([image[0].numpy() for image in images])
    assert packed.channels == 1
    check(packed, images)


def test_memory_with_gaps_steps_back_or_not_to_be_written():
    big = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    big.flags.writeable = False
    views = [big[::2], big[:, ::-1], big[1:3, 2:7], np.flip(big)]
    packed = ga.pack(views)
    assert packed.interleaved
    check(packed, [torch.from_numpy(view.copy()).permute(2, 0, 1) for view in views])
    tensor = torch.from_numpy(big.copy())
    check(ga.pack([tensor[:3, ::2], tensor[:3, :2].mT]), [tensor[:3, ::2], tensor[:3, :2].mT])
    expanded = torch.zeros(1, 2, 2, dtype=torch.uint8).expand(3, 2, 2)
    assert not ga.pack([expanded]).interleaved


def test_a_dense_batch_is_a_sequence_too():
    images = torch.randint(256, (3, 3, 4, 5), dtype=torch.uint8)
    packed = ga.pack(images)
    check(packed, list(images))
    assert torch.equal(packed.dense(), images)
    packed = ga.pack(images.contiguous(memory_format=torch.channels_last))
    assert packed.interleaved
    assert torch.equal(packed.dense(), images)


def test_only_the_storage_moves():
    packed = ga.pack(random_images())
    moved = packed.to("meta", non_blocking=True)
    assert (moved.device.type, packed.device.type) == ("meta", "cpu")
    assert moved.offsets is packed.offsets
    assert (len(moved), moved.channels, moved.interleaved) == (4, 3, False)


@pytest.mark.cuda
def test_packed_images_are_pinned():
    pinned = ga.pack(random_images()).pin_memory()
    assert pinned.storage.is_pinned()
    check(pinned.to("cuda", non_blocking=True), [image.cuda() for image in random_images()])


def test_packed_images_are_picklable():
    check(pickle.loads(pickle.dumps(ga.pack(random_images()))), random_images())


@pytest.mark.parametrize("workers", [0, 2])
def test_comes_from_workers(workers):
    for packed in DataLoader(range(4), 2, num_workers=workers, collate_fn=packed_of):
        check(packed, random_images())


def packed_of(_):
    return ga.pack(random_images())


def test_an_index_outside_a_packed_batch_raises():
    packed = ga.pack(random_images())
    assert torch.equal(packed[-1], packed[3])
    with pytest.raises(IndexError):
        packed[4]


def test_one_channel_has_no_order():
    assert not is_interleaved(torch.zeros(1, 4, 5))
    assert not is_interleaved(torch.zeros(4, 5, 1).permute(2, 0, 1))


def test_drafts_know_offset_and_size():
    packed = ga.pack(random_images())
    whole = RecipeBuilder.of_packed(packed).recipes((4, 5))
    assert whole.field("offset").tolist() == [0, 60, 63, 105]
    assert list(zip(whole.field("height").tolist(), whole.field("width").tolist(), strict=True)) == SIZES
    some = RecipeBuilder.of_packed(packed, torch.tensor([3, 0, 3])).recipes((4, 5))
    assert some.field("offset").tolist() == [105, 0, 105]
    assert some.field("width").tolist() == [8, 5, 8]


@pytest.mark.parametrize("table", [False, True], ids=["bytes", "normalised"])
@pytest.mark.parametrize("give", [lambda v: v, interleaved], ids=["CHW", "HWC"])
def test_the_op_takes_packed_images(give, table):
    images = [give(image) for image in random_images()]
    options = {"mean": 0.5, "std": [0.2, 0.3, 0.4]} if table else {}

    def resized(builder):
        builder.resize((6, 3))
        return builder.recipes((3, 6))

    packed = ga.pack(images)
    out = ga.functional.augment(packed, resized(RecipeBuilder.of_packed(packed)), **options)
    assert out.is_contiguous(
        memory_format=torch.channels_last if packed.interleaved else torch.contiguous_format
    )
    for found, image in zip(out, images, strict=True):
        one = resized(RecipeBuilder.of_batch((1, *image.shape)))
        assert torch.equal(found, ga.functional.augment(image[None], one, **options)[0])


def test_single_ops_are_for_one_size():
    with pytest.raises(TypeError, match=r"images must be a tensor \(N, C, H, W\), got Packed"):
        ga.functional.flip(ga.pack(random_images()))


GOOD = torch.zeros(3, 2, 2, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ([], ValueError, "images must hold at least one image, got none"),
        ([GOOD, GOOD.float()], TypeError, "uint8, uint16 or int16, got float32 at position 1"),
        ([GOOD, np.zeros((2, 2, 3))], TypeError, "uint8, uint16 or int16, got float64 at position 1"),
        ([GOOD, GOOD.tolist()], TypeError, r"must be tensors \(C, H, W\) or NumPy .* got list at position 1"),
        ([GOOD, GOOD[:, :0]], ValueError, r"at least 1 pixel high .* got shape \(3, 0, 2\) at position 1"),
        ([np.zeros((2, 0), np.uint8)], ValueError, r"at least 1 pixel .* got shape \(2, 0\) at position 0"),
        ([GOOD, GOOD[0]], ValueError, r"shape \(C, H, W\) with C in \[1, 64\], got \(2, 2\) at position 1"),
        ([GOOD[None]], ValueError, r"shape \(C, H, W\) .* got \(1, 3, 2, 2\) at position 0"),
        ([torch.zeros(2, 2, 5, dtype=torch.uint8), GOOD], ValueError, "got 2 at position 0 and 3 at posi"),
        ([torch.zeros(5, 2, 2, dtype=torch.uint8)], ValueError, r"got \(5, 2, 2\) at position 0"),
        ([np.zeros((3, 2, 5), np.uint8)], ValueError, r"\(H, W, C\) or \(H, W\) .* got \(3, 2, 5\) at posit"),
        ([np.zeros(3, np.uint8)], ValueError, r"got \(3,\) at position 0"),
        ([torch.tensor(1, dtype=torch.uint8)], ValueError, r"got \(\) at position 0"),
        ([GOOD, GOOD.to("meta")], RuntimeError, "one device, got cpu at position 0 and meta at position 1"),
    ],
)  # fmt: skip
def test_wrong_images_are_not_packed(images, error, message):
    with pytest.raises(error, match=message):
        ga.pack(images)
