"""Segments beside a loop over pixels, and beside scikit-image's on photographs."""

import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import binary_dilation

from gpuaug.transforms.batched import cells
from gpuaug.transforms.batched.lab import lab
from gpuaug.transforms.batched.slic import ITERATIONS, UNIT, slic


def images_of(n, channels, height, width):
    """Smooth shapes under noise: levels as floats."""
    random = torch.Generator().manual_seed(n + 10 * height + width)
    coarse = torch.rand(n, channels, 3, 3, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    noise = 0.1 * torch.randn(n, channels, height, width, generator=random)
    return (smooth + noise).clamp(0, 1).mul(255).round()


def one_by_one(image, grid, compactness):
    """SLIC of one image, pixel by pixel, in whole numbers of Python."""
    _, height, width = image.shape
    (down, across), scale = grid, UNIT * compactness / max(height / grid[0], width / grid[1])
    colors = (lab(image[None]) * UNIT).round().long()[0]
    pixels = {
        (y, x): [*colors[:, y, x].tolist(), round(y * scale), round(x * scale)]
        for y in range(height)
        for x in range(width)
    }
    home = {(y, x): (y * down // height, x * across // width) for y, x in pixels}
    corner = {}
    for at in pixels:
        corner.setdefault(home[at], at)
    # Cells of eight pixels or more deal out every second one to each hand.
    deal = [2 if side / count > 7 else 1 for side, count in zip((height, width), grid, strict=True)]
    hand = {
        at: sum(
            (pixel - first) % hands * weight
            for pixel, first, hands, weight in zip(at, corner[home[at]], deal, (deal[1], 1), strict=True)
        )
        for at in pixels
    }
    members = {(i, j): [] for i in range(down) for j in range(across)}
    for at, cell in home.items():
        if hand[at] == 0:
            members[cell].append(at)
    centres = {}
    for step in range(ITERATIONS):
        for cell, own in members.items():
            if own:
                centres[cell] = np.array([pixels[at] for at in own]).mean(0).round()
        members, segment = {cell: [] for cell in members}, np.empty((height, width), dtype=int)
        for at, pixel in pixels.items():
            i, j = home[at]
            near = [(i + di, j + dj) for di in (-1, 0, 1) for dj in (-1, 0, 1)]
            near = [cell for cell in near if cell in members]
            away = [float(((centres[cell] - pixel) ** 2).sum()) for cell in near]
            for cell, distance in zip(near, away, strict=True):
                if distance == min(away) and hand[at] == step % (deal[0] * deal[1]):
                    members[cell].append(at)
            first = near[away.index(min(away))]
            segment[at] = first[0] * across + first[1]
    return segment


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(
    ("size", "grid", "compactness"),
    [
        ((17, 23), (3, 4), 10.0),
        ((16, 16), (4, 4), 1.0),
        ((12, 31), (2, 7), 100.0),
        ((1, 19), (1, 5), 20.0),
        ((5, 3), (5, 3), 10.0),
        ((8, 9), (1, 1), 10.0),
        ((29, 33), (2, 3), 10.0),
        ((24, 13), (3, 4), 10.0),
    ],
)
def test_segments_match_a_loop_over_pixels(channels, size, grid, compactness):
    images = images_of(2, channels, *size)
    out = slic(images, grid, compactness)
    assert out.dtype == torch.int64
    for image, segments in zip(images, out, strict=True):
        assert np.array_equal(segments, one_by_one(image, grid, compactness))


def test_the_largest_sums_of_segments_are_exact():
    """Pure blue is furthest from grey; 2**24 is as far as float32 counts."""
    blue = torch.zeros(1, 3, 300, 256)
    blue[:, 2] = 255
    largest = cells.Cells(300, 256, (1, 1), 100.0 * UNIT, blue.device)
    assert largest.hands == 6
    hands = largest.cut((lab(blue) * UNIT).round())
    assert hands.abs().double().sum(3).max() < 2**24
    assert hands[:, :, -1].sum() == 300 * 256
    assert (slic(blue, (1, 1), 100.0) == 0).all()


def test_cells_are_put_together_as_they_were_cut():
    images = images_of(2, 1, 37, 29)
    for grid in ((1, 1), (4, 3), (37, 29), (2, 29)):
        parts = cells.Cells(37, 29, grid, 80.0, images.device)
        own = [torch.full((2 * parts.count, hand.shape[2]), cells.OWN) for hand in parts.cut(images)]
        home = [torch.arange(side) * count // side for side, count in zip((37, 29), grid, strict=True)]
        expected = home[0][:, None] * grid[1] + home[1]
        assert torch.equal(parts.put_together(own), expected.expand(2, -1, -1))


def test_a_segment_without_pixels_keeps_its_centre():
    noise = torch.randint(256, (3, 3, 14, 14), generator=torch.Generator().manual_seed(5)).float()
    out = slic(noise, (7, 7), 1.0)
    assert min(len(segments.unique()) for segments in out) < 49
    for image, segments in zip(noise, out, strict=True):
        assert np.array_equal(segments, one_by_one(image, (7, 7), 1.0))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_segments_do_not_depend_on_the_batch(count):
    images = images_of(5, 3, 40, 36)
    whole = slic(images, (5, 4), 10.0)
    assert torch.equal(torch.cat([slic(part, (5, 4), 10.0) for part in images.split(count)]), whole)


def test_segments_do_not_depend_on_threads_and_precision():
    images = images_of(3, 3, 96, 96)
    expected, threads = slic(images, (3, 3), 10.0), torch.get_num_threads()
    precision = torch.get_float32_matmul_precision()
    try:
        torch.set_num_threads(3)
        assert torch.equal(slic(images, (3, 3), 10.0), expected)
        torch.set_float32_matmul_precision("medium")
        assert torch.equal(slic(images, (3, 3), 10.0), expected)
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def test_grey_images_have_the_segments_of_their_channel():
    grey = images_of(3, 1, 30, 30)
    assert torch.equal(slic(grey.expand(-1, 3, -1, -1), (4, 4), 10.0), slic(grey, (4, 4), 10.0))


def test_segments_are_the_same_on_every_device(device):
    images = images_of(4, 3, 50, 60)
    assert torch.equal(slic(images.to(device), (6, 7), 10.0).cpu(), slic(images, (6, 7), 10.0))


def test_a_flat_image_keeps_its_grid():
    out = slic(torch.full((1, 3, 12, 12), 90.0), (3, 3), 10.0)
    y, x = torch.meshgrid(torch.arange(12) // 4, torch.arange(12) // 4, indexing="ij")
    assert torch.equal(out[0], y * 3 + x)


# ---- Beside scikit-image


@pytest.fixture(scope="module")
def photographs(shared_data):
    """Every 180th of three classes of scenes, 100 x 100: ``(n, 100, 100, 3)``."""
    with zipfile.ZipFile(shared_data / "intel-scenes.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[::180]
        return np.stack([np.array(Image.open(archive.open(name)).convert("RGB")) for name in names])


def painted(image, segments):
    """Each pixel as the mean color of its segment."""
    where, count = segments.ravel(), np.bincount(segments.ravel())
    colors = image.reshape(-1, 3).T
    means = [np.bincount(where, color) / np.maximum(count, 1) for color in colors]
    return np.stack([mean[where] for mean in means], axis=1).reshape(image.shape)


def psnr(image, segments):
    return 10 * np.log10(255**2 / ((image - painted(image, segments)) ** 2).mean())


def borders(segments):
    out = np.zeros(segments.shape, dtype=bool)
    out[:, 1:] |= segments[:, 1:] != segments[:, :-1]
    out[1:] |= segments[1:] != segments[:-1]
    return out


def recall(found, borders_):
    """The share of borders that have one found within two pixels."""
    return (borders_ & binary_dilation(found, np.ones((5, 5)))).sum() / borders_.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("side", "compactness"), [(10, 10.0), (7, 10.0), (5, 20.0), (10, 30.0)])
def test_segments_of_photographs_are_as_good_as_scikit_images(photographs, side, compactness):
    segmentation = pytest.importorskip("skimage.segmentation", reason="needs scikit-image")
    images = torch.from_numpy(photographs).permute(0, 3, 1, 2).float()
    ours = slic(images, (side, side), compactness).numpy()
    assert len(ours) >= 24
    loss, joined, found, extra = [], [], [], []
    for image, segments in zip(photographs, ours, strict=True):
        settings = {"n_segments": side**2, "compactness": compactness, "start_label": 0}
        theirs = segmentation.slic(image, **settings, enforce_connectivity=False)
        assert abs(len(np.unique(theirs)) - side**2) <= 1
        loss.append(psnr(image, theirs) - psnr(image, segments))
        joined.append(psnr(image, segmentation.slic(image, **settings)) - psnr(image, segments))
        found.append(recall(borders(segments), borders(theirs)))
        extra.append(recall(borders(theirs), borders(segments)))
    # Theirs look two cells far, and so are a little nearer to the image; joined, they are further from it.
    assert np.mean(loss) < 0.5
    assert max(loss) < 2
    assert np.mean(joined) < 0
    assert np.mean(found) > 0.95
    assert np.mean(extra) > 0.95
