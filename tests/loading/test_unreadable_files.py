"""Files that cannot be read: named, or replaced by what the draw's key says."""

import pytest
import torch
from encoded_images import encoded, picture
from loading_files import DAMAGED, DATA, DECODED, LABELS, chain, epoch, make

import gpuaug
from gpuaug.images.packed import pack


def unreadable(kind, root):
    if kind == "vanished":
        return root / "nowhere.jpg"
    if kind == "a folder":
        return root
    path = root / "file.jpg"
    data = {
        "truncated": DAMAGED,
        "empty": b"",
        "the head alone": DATA[3][:400] + b"\xff\xd9",
        "too large": _too_large(),
        "text": b"no image at all",
        "a cut-off png": DATA[4][:200],
    }
    path.write_bytes(data[kind])
    return path


def _too_large():
    at = DATA[0].index(b"\xff\xc0") + 5
    return DATA[0][:at] + (30_000).to_bytes(2, "big") * 2 + DATA[0][at + 4 :]


KINDS = ["vanished", "a folder", "truncated", "empty", "the head alone", "too large", "text", "a cut-off png"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [0, 3])
def test_a_file_that_cannot_be_read(kind, workers, tmp_path):
    data = [*DATA[:3], unreadable(kind, tmp_path), *DATA[4:]]
    with pytest.raises(RuntimeError, match="sample 3"):
        epoch(make(data, num_workers=workers))
    loader = make(data, num_workers=workers, on_error="skip", reducing_gap=None)
    draws = loader.sampler.draws()
    images, labels = epoch(loader)
    assert labels.tolist() == [LABELS[index] for index in draws[:, 0]]
    (skipped,) = loader.skipped
    places = (draws[:, 0] == 3).nonzero().flatten().tolist()
    assert (skipped.sample, skipped.draws) == (3, len(places))
    assert skipped.name == f"sample 3 ({data[3]})"
    expected = chain()(pack([DECODED[index] for index in draws[:, 0]]), draws)
    others = [place for place in range(len(draws)) if place not in places]
    assert torch.equal(images[others], expected[others])
    for place in places:  # of a sample of its class, under its own key
        made = [chain()(pack([DECODED[n]]), draws[place : place + 1]) for n in range(13) if n != 3]
        assert sum(torch.equal(images[place], image[0]) for image in made) == 1


def test_a_substitute_depends_on_the_draw_alone(tmp_path):
    data = [DAMAGED if n in (3, 5, 14) else item for n, item in enumerate(DATA)]
    expected, _ = epoch(make(data, on_error="skip"))
    for batch_size, workers in ((1, 2), (5, 0), (64, 3)):
        assert torch.equal(
            epoch(make(data, on_error="skip", batch_size=batch_size, num_workers=workers))[0], expected
        )


class Remote(list):
    """Items that come from elsewhere, one of which does not."""

    def __getitem__(self, index):
        if index == 3:
            raise StopIteration("the store is down")
        return super().__getitem__(index)


def test_an_item_that_cannot_be_had():
    with pytest.raises(RuntimeError, match="sample 3: StopIteration: the store is down"):
        epoch(make(Remote(DATA), num_workers=2))
    loader = make(Remote(DATA), on_error="skip")
    epoch(loader)
    (skipped,) = loader.skipped
    assert (skipped.sample, skipped.name) == (3, "sample 3")


def test_skipped_files_are_listed_without_a_transform_too():
    square = [encoded(picture(16, 16, n)) for n in range(len(LABELS))]
    square[3] = b""
    files = gpuaug.ImageFiles(square, LABELS, on_error="skip")
    loader = gpuaug.BalancedLoader(files, gpuaug.BalancedSampler(LABELS), None, 4)
    epoch(loader)
    assert [skipped.sample for skipped in loader.skipped] == [3]


def test_a_class_of_which_nothing_can_be_read():
    data = [b"" if label else item for item, label in zip(DATA, LABELS, strict=True)]
    with pytest.raises(RuntimeError, match="no other sample of its label can be read"):
        epoch(make(data, on_error="skip", num_workers=2))
