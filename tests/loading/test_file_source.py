"""Encoded images in a loader: threads, windows, and which data sets they are decoded for."""

import io
import pickle
import subprocess
import sys
import threading
from copy import deepcopy

import numpy as np
import pytest
import torch
from encoded_images import encoded, jpeg, picture
from loading_files import DAMAGED, DATA, DECODED, LABELS, chain, epoch, make, threads
from PIL import Image
from shown_indices import no_children
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import ImageFolder

import gpuaug
from gpuaug.files.image_file import ImageFile
from gpuaug.images.packed import pack
from gpuaug.loading.file_source import FileSource
from gpuaug.loading.sources import DecodedSource


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_whole_decoding_gives_what_the_transform_makes_of_the_images(workers, batch_size):
    augment = chain()
    loader = make(augment=augment, batch_size=batch_size, num_workers=workers, reducing_gap=None)
    draws = loader.sampler.draws()
    expected = augment(pack([DECODED[index] for index in draws[:, 0]]), draws)
    images, labels = epoch(loader)
    assert torch.equal(images, expected)
    assert labels.tolist() == [LABELS[index] for index in draws[:, 0]]


def test_a_smaller_scale_is_near_and_as_steady():
    whole, _ = epoch(make(reducing_gap=None))
    near, _ = epoch(make(num_workers=2))
    assert not torch.equal(near, whole)
    assert (near - whole).abs().mean() < 0.04  # of a range of 2
    for batch_size, workers in ((1, 0), (7, 3)):
        assert torch.equal(epoch(make(batch_size=batch_size, num_workers=workers))[0], near)


def test_files_are_decoded_by_threads_that_end():
    loader = make(num_workers=2)
    iterator = iter(loader)
    next(iterator)
    assert threads()
    assert no_children()
    iterator.close()
    assert not threads()
    epoch(loader)
    assert not threads()


def test_two_iterations_at_a_time():
    loader = make(num_workers=2)
    expected, _ = epoch(loader)
    loader.set_epoch(0)
    first = iter(loader)
    parts = [next(first)[0]]
    loader.set_epoch(0)
    second, _ = epoch(loader)
    parts += [images for images, _ in first]
    assert torch.equal(torch.cat(parts), expected)
    assert torch.equal(second, expected)


def test_batches_stay_as_they_were_handed_out():
    """The buffer is used again, what came out of it is not."""
    loader = make(num_workers=2)
    kept = [(images, images.clone()) for images, _ in loader]
    assert all(torch.equal(images, copy) for images, copy in kept)
    square = [encoded(picture(16, 16, n)) for n in range(len(LABELS))]
    loader = gpuaug.BalancedLoader(
        gpuaug.ImageFiles(square, LABELS), gpuaug.BalancedSampler(LABELS), None, 4, num_workers=2
    )
    kept = [(images, images.clone()) for images, _ in loader]
    assert all(torch.equal(images, copy) for images, copy in kept)
    assert kept[0][0].shape == (4, 3, 16, 16)


def test_memory_is_used_again():
    """There are as many buffers as batches were ever in use at the same time, which threads decide."""
    loader = make(num_workers=2, batch_size=9)
    buffers, held = loader._source._ring, {}
    for _ in range(6):
        epoch(loader)
        now = {id(buffer): buffer.bytes(0).data_ptr() for buffer in buffers._free}
        assert held.items() <= now.items()
        assert 1 <= len(now) <= 3
        held = now


def test_only_windows_are_decoded(monkeypatch):
    """Of the pixels of camera photographs that a crop to a tenth reads."""
    decoded = []
    decode = ImageFile.decode

    def recorded(self, out, left, top, scale):
        decoded.append(out.numel())
        decode(self, out, left, top, scale)

    monkeypatch.setattr(ImageFile, "decode", recorded)
    data = [jpeg(640, 480, seed=n) for n in range(4)]
    augment = gpuaug.RandomResizedCrop(16, scale=(0.1, 0.1))
    whole = 640 * 480 * 3
    for gap, share in ((None, 0.13), (2.0, 0.009)):
        decoded.clear()
        epoch(make(data, augment, labels=[0, 0, 1, 1], reducing_gap=gap))
        assert max(decoded) < share * whole


def test_sizes_are_those_of_the_heads_where_nothing_transforms():
    loader = gpuaug.BalancedLoader(gpuaug.ImageFiles(DATA, LABELS), gpuaug.BalancedSampler(LABELS), None)
    with pytest.raises(ValueError, match="augment must not be None for images of different sizes"):
        next(iter(loader))


def test_given_draws_of_files_are_served():
    loader = make(num_workers=2, reducing_gap=None)
    draws = loader.sampler.draws(5, 14)
    images, labels = map(torch.cat, zip(*loader.serve(draws), strict=True))
    assert torch.equal(images, chain()(pack([DECODED[index] for index in draws[:, 0]]), draws))
    assert labels.tolist() == [LABELS[index] for index in draws[:, 0]]
    assert loader.state_dict()["position"] == 0


@pytest.mark.parametrize("index", [-1, len(LABELS)])
def test_draws_of_samples_that_are_not_there(index):
    with pytest.raises(IndexError, match=rf"index must be in \[0, 18\), .* got {index}"):
        list(make(num_workers=2).serve(torch.tensor([[0, 0, 1], [index, 0, 1]])))


def test_labels_reach_a_per_class():
    """Images of the second class are inverted."""
    inverted = gpuaug.PerClass([gpuaug.RandomInvert(p=1.0)], op_probability=[[0.0], [1.0]])
    augment = gpuaug.Compose([gpuaug.Resize((16, 16)), inverted])
    images, labels = epoch(make(augment=augment, num_workers=2))
    plain, _ = epoch(make(augment=gpuaug.Resize((16, 16))))
    assert torch.equal(images[labels == 0], plain[labels == 0])
    assert torch.equal(images[labels == 1], 255 - plain[labels == 1])
    assert labels.unique().tolist() == [0, 1]


def test_batches_of_files_are_mixed():
    loader = make(augment=chain(), num_workers=2, mix=gpuaug.MixUp())
    draws = loader.sampler.draws(0, 4)
    images, (first, second, share) = next(iter(loader))
    plain, labels = next(iter(make()))
    mixed, (own, partners, shares) = gpuaug.MixUp()(plain, labels, draws)
    assert torch.equal(images, mixed)
    assert (first.tolist(), second.tolist(), share.tolist()) == (
        own.tolist(),
        partners.tolist(),
        shares.tolist(),
    )


# ---- Which data sets


def folder(root):
    for n, data in enumerate(DATA):
        path = root / "ab"[LABELS[n]] / f"{n:02}.{'png' if n % 5 == 4 else 'jpg'}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return root


def source_of(dataset, **options):
    labels = [label for _, label in dataset.samples] if isinstance(dataset, ImageFolder) else None
    labels = [0, 1] * (len(dataset) // 2) if labels is None else labels
    return gpuaug.BalancedLoader(dataset, gpuaug.BalancedSampler(labels), chain(), **options)._source


def test_torchvisions_folders_are_decoded_by_threads_unasked(tmp_path):
    whole = ImageFolder(folder(tmp_path))
    assert isinstance(source_of(whole), FileSource)
    assert isinstance(source_of(Subset(whole, range(4))), FileSource)
    sampler = gpuaug.BalancedSampler(whole.targets, seed=3)
    drawn = [LABELS[index] for index in sampler.draws()[:, 0]]
    images, labels = epoch(gpuaug.BalancedLoader(whole, sampler, chain(), 4, num_workers=2))
    expected, _ = epoch(make())
    assert torch.equal(images, expected)
    assert labels.tolist() == drawn


def test_others_keep_their_processes(tmp_path):
    class Own(ImageFolder):
        def __getitem__(self, index):
            return super().__getitem__(index)

    root = folder(tmp_path)
    transformed = ImageFolder(root, transform=lambda image: image.resize((20, 20)))
    for dataset in (Own(root), transformed, Subset(Own(root), range(4))):
        assert isinstance(source_of(dataset), DecodedSource)
    assert isinstance(source_of(ImageFolder(root), worker_init_fn=print, num_workers=1), DecodedSource)
    tensors = TensorDataset(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.zeros(4))
    assert isinstance(source_of(Subset(tensors, range(4))), DecodedSource)


@pytest.mark.parametrize("name", ["worker_init_fn", "multiprocessing_context"])
def test_options_for_processes_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must not be given with ImageFiles: threads"):
        make(num_workers=2, **{name: print if name == "worker_init_fn" else "spawn"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_workers": -1}, r"num_workers must be in \[0, 65536\), got -1"),
        ({"num_workers": 2, "prefetch_factor": 0}, r"prefetch_factor must be in \[1, 65536\), got 0"),
        ({"num_workers": 2, "timeout": -1}, r"timeout must be in \[0, inf\) seconds, got -1"),
    ],
)
def test_numbers_out_of_their_ranges(given, message):
    with pytest.raises(ValueError, match=message):
        make(**given)


def test_decoding_on_the_device_needs_one():
    with pytest.raises(RuntimeError, match=r"decode must be 'host' for .*, got 'device' and cpu"):
        make(decode="device")


def test_a_batch_for_the_device_is_of_whole_files():
    """What the device gets to decode, and the recipes of whole images."""
    files = gpuaug.ImageFiles(DATA, LABELS, decode="device")
    draws = gpuaug.BalancedSampler(LABELS, seed=3).draws(0, 6)
    augment = chain()
    source = FileSource(files, [draws.numpy()], num_workers=2)
    (batch,) = source.decode(lambda draws, sizes, labels: augment.recipes(draws, sizes, None, labels))
    index = draws[:, 0].tolist()
    assert batch.images.names == [f"sample {n}" for n in index]
    packed = batch.images.to(torch.device("cpu"), decode_by_pillow)
    whole = pack([DECODED[n] for n in index])
    expected = augment.apply_recipes(whole, augment.recipes(draws, whole))
    assert torch.equal(augment.apply_recipes(packed, batch.passes), expected)


def decode_by_pillow(data, device):
    return [
        torch.from_numpy(np.array(Image.open(io.BytesIO(bytes(part.numpy()))).convert("RGB"))).permute(
            2, 0, 1
        )
        for part in data
    ]


def test_a_loader_of_files_is_copied_and_pickled():
    loader = make(num_workers=2)
    expected, _ = epoch(loader)
    for other in (deepcopy(loader), pickle.loads(pickle.dumps(loader))):
        other.set_epoch(0)
        assert torch.equal(epoch(other)[0], expected)


# ---- Errors and interruptions


def test_an_error_names_the_file_and_comes_in_order(tmp_path):
    root = folder(tmp_path)
    (root / "a" / "03.jpg").write_bytes(DAMAGED)
    files = gpuaug.ImageFiles.from_folder(root)
    loader = make(files=files, num_workers=3, batch_size=2)
    first = loader.sampler.draws()[:, 0].tolist().index(3)
    seen = 0
    with pytest.raises(RuntimeError, match=r"sample 3 \(.*03\.jpg\): OSError: .*truncated"):  # noqa: PT012
        for images, _ in loader:
            seen += len(images)
    assert seen == first // 2 * 2 == loader.state_dict()["position"]
    assert not threads()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_transform_that_fails(workers):
    class Failing(gpuaug.Compose):
        def recipes(self, *given):
            raise KeyError("a mistake")

    loader = make(augment=Failing([gpuaug.Resize((16, 16))]), num_workers=workers)
    with pytest.raises(KeyError, match="a mistake"):
        next(iter(loader))
    assert not threads()


def test_a_file_that_takes_too_long(monkeypatch):
    """The error comes though the thread still hangs."""
    hangs, decode = threading.Event(), ImageFile.decode
    monkeypatch.setattr(ImageFile, "decode", lambda *given: (hangs.wait(100), decode(*given)))
    loader = make(num_workers=1, timeout=0.05)
    with pytest.raises(RuntimeError, match=r"timeout: no batch was decoded within 0\.05 seconds"):
        next(iter(loader))
    assert threads()
    hangs.set()
    for thread in threads():
        thread.join(50)
    loader.set_epoch(0)
    monkeypatch.setattr(ImageFile, "decode", decode)
    assert torch.equal(epoch(loader)[0], epoch(make())[0])


@pytest.mark.parametrize("end", ["", "raise ValueError('the end')", "sys.exit(3)"])
def test_a_process_that_ends_in_the_middle_of_an_epoch(end, tmp_path):
    """With threads at work, and an iterator that nobody closed."""
    path = tmp_path / "image.jpg"
    path.write_bytes(DATA[0])
    script = f"""
import sys, gpuaug
files = gpuaug.ImageFiles([{str(path)!r}] * 200, [0, 1] * 100)
augment = gpuaug.RandomResizedCrop(16)
loader = gpuaug.BalancedLoader(files, gpuaug.BalancedSampler(files.labels), augment, 4, num_workers=3)
batches = iter(loader)
next(batches)
{end}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == {"": 0, "sys.exit(3)": 3}.get(end, 1)
    assert [line for line in done.stderr.splitlines() if "rror" in line] == (
        ["ValueError: the end"] if "raise" in end else []
    )


def test_a_loop_that_is_left_goes_on_from_its_state():
    loader = make(num_workers=2)
    expected, _ = epoch(loader)
    loader.set_epoch(0)
    first = []
    for images, _ in loader:
        first.append(images)
        if len(first) == 2:
            break
    state = loader.state_dict()
    assert state["position"] == 8
    other = make(num_workers=3, batch_size=5)
    other.load_state_dict(state)
    rest, _ = epoch(other)
    assert torch.equal(torch.cat([*first, rest]), expected)


def test_threads_share_the_work(monkeypatch):
    names, together = set(), threading.Barrier(3, timeout=30)
    decode = ImageFile.decode

    def recorded(*given):
        if threading.current_thread().name not in names:
            names.add(threading.current_thread().name)
            together.wait()  # goes on once three decode at the same time
        decode(*given)

    monkeypatch.setattr(ImageFile, "decode", recorded)
    epoch(make(num_workers=3, batch_size=18))
    assert len(names) == 3
