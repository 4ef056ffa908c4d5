"""What comes with an image through the loader: masks, boxes and keypoints follow, everything else is kept."""

import numpy as np
import pytest
import torch
from PIL import Image
from shown_indices import LABELS, make, no_children

import gpuaug as ga
from gpuaug.loading import DeviceDataset, WithDraws, collate

tv_tensors = pytest.importorskip("torchvision.tv_tensors")

HEIGHT, WIDTH = 14, 20
MOVING = ga.Compose([ga.RandomCrop((12, 16)), ga.RandomHorizontalFlip(), ga.RandomVerticalFlip()])


def pixels(index, size=(HEIGHT, WIDTH)):
    return np.random.default_rng(index).integers(0, 256, (*size, 3), np.uint8)


def first_channel(index, size=(HEIGHT, WIDTH)):
    return torch.from_numpy(pixels(index, size)[..., 0].copy())


class Made:
    """Samples that ``make`` gives of their index."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return len(LABELS)

    def __getitem__(self, index):
        return self.make(index)


def mask_of(index, size=(HEIGHT, WIDTH)):
    return tv_tensors.Mask(first_channel(index, size))


def boxes_of(index, size=(HEIGHT, WIDTH)):
    """``index % 4`` boxes, so that now and then there is none."""
    x = torch.arange(index % 4, dtype=torch.float32)[:, None]
    boxes = torch.cat((x + 1, x + 2, x + 5, x + 7 + index % 3), dim=1)
    return tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size)


def points_of(index, size=(HEIGHT, WIDTH)):
    points = torch.tensor([[index, 1.0], [2.0, index]])
    return tv_tensors.KeyPoints(points, canvas_size=size)


def target_of(index):
    return {"boxes": boxes_of(index), "labels": torch.arange(index % 4), "id": index}


OPTIONS = [{}, {"num_workers": 2}]
EVERYWHERE = pytest.mark.parametrize("options", OPTIONS, ids=["here", "workers"])


def drawn(loader):
    return loader.sampler.draws()[:, 0].tolist()


def plain(value):
    return value.as_subclass(torch.Tensor)


# ---- Masks


def is_moved(images, masks):
    """The masks are the images' first channels, moved as these are; and something did move."""
    assert torch.equal(plain(masks), plain(images)[:, 0])


@pytest.mark.parametrize("kind", ["here", "workers", "resident"])
def test_a_mask_follows_its_image(kind):
    dataset = Made(lambda index: (pixels(index), mask_of(index)))
    if kind == "resident":
        dataset = DeviceDataset.from_dataset(dataset)
        assert type(dataset.labels) is tv_tensors.Mask
    loader = make(dataset, MOVING, num_workers=2 if kind == "workers" else 0)
    batches = list(loader)
    assert [type(masks) for _, masks in batches] == [tv_tensors.Mask] * 5
    for images, masks in batches:
        is_moved(images, masks)
    still = torch.cat([images for images, _ in make(dataset, ga.CenterCrop((12, 16)))])
    assert not torch.equal(still, torch.cat([images for images, _ in batches]))


@pytest.mark.parametrize("form", ["tensor", "array", "PIL", "stacked", "resident"])
def test_an_array_that_looks_like_a_mask_is_an_error(form):
    forms = {
        "tensor": first_channel,
        "array": lambda index: first_channel(index).numpy(),
        "PIL": lambda index: Image.fromarray(first_channel(index).numpy()),
        "stacked": lambda index: first_channel(index)[None],
        "resident": first_channel,
    }
    dataset = Made(lambda index: (pixels(index), forms[form](index)))
    if form == "resident":
        dataset = DeviceDataset.from_dataset(dataset)
    with pytest.raises(
        ValueError, match=r"looks? like .*mask.*, 14 x 20: wrap .*tv_tensors\.Mask or give masks=True"
    ):
        list(make(dataset, MOVING))
    for images, masks in make(dataset, MOVING, masks=True):
        assert type(masks) is torch.Tensor
        is_moved(images, masks[:, 0] if form == "stacked" else masks)
    if form != "PIL":
        loader = make(dataset, MOVING, masks=False)
        given = torch.cat([masks for _, masks in loader])
        assert torch.equal(
            given.view(-1, HEIGHT, WIDTH), torch.stack([first_channel(i) for i in drawn(loader)])
        )
    else:
        with pytest.raises(TypeError, match=r"sample \d+: \[1\] cannot be collated: .*PIL"):
            list(make(dataset, MOVING, masks=False))


def test_without_a_transform_nothing_is_asked():
    loader = make(Made(lambda index: (pixels(index), first_channel(index))))
    for images, masks in loader:
        is_moved(images, masks)
    for images, masks in make(Made(lambda index: (pixels(index), mask_of(index)))):
        assert type(masks) is tv_tensors.Mask
        is_moved(images, masks)


@EVERYWHERE
def test_masks_of_images_of_different_sizes(options):
    def sample(index):
        size = (10 + index, 30 - index)
        return pixels(index, size), mask_of(index, size)

    augment = ga.Compose([ga.RandomCrop(9), ga.RandomHorizontalFlip()])
    for images, masks in make(Made(sample), augment, **options):
        assert masks.shape == (len(images), 9, 9)
        is_moved(images, masks)


def test_masks_follow_distortions():
    augment = ga.Compose([ga.ElasticTransform(30.0, 3.0)])
    loader = make(Made(lambda index: (pixels(index), mask_of(index))), augment, batch_size=18)
    ((images, masks),) = loader
    given = torch.stack([first_channel(index) for index in drawn(loader)])
    whole = torch.stack([torch.from_numpy(pixels(index)).permute(2, 0, 1) for index in drawn(loader)])
    out = augment(whole, loader.sampler.draws(), masks=given)
    assert torch.equal(plain(masks), out.masks)
    assert torch.equal(images, out.images)
    assert not torch.equal(out.masks, given)


# ---- Dictionaries, tuples and everything else


@EVERYWHERE
def test_a_dictionary_stays_one(options):
    def sample(index):
        return {
            "id": f"no. {index}",
            "mask": mask_of(index),
            "image": tv_tensors.Image(torch.from_numpy(pixels(index)).permute(2, 0, 1)),
            "label": np.int64(LABELS[index]),
            "more": [index, {"weight": torch.tensor([index, 0.5])}],
        }

    loader = make(Made(sample), MOVING, batch_size=18, **options)
    (batch,) = loader
    order = drawn(loader)
    assert list(batch) == ["id", "mask", "image", "label", "more"]
    assert type(batch["image"]) is tv_tensors.Image
    is_moved(batch["image"], batch["mask"])
    assert batch["id"] == [f"no. {index}" for index in order]
    assert batch["label"].tolist() == [LABELS[index] for index in order]
    assert batch["more"][0].tolist() == order
    assert torch.equal(batch["more"][1]["weight"], torch.tensor([[index, 0.5] for index in order]))
    assert loader.state_dict()["position"] == 18
    assert no_children()


@EVERYWHERE
def test_a_longer_tuple_stays_one(options):
    loader = make(
        Made(lambda index: (pixels(index), LABELS[index], mask_of(index), str(index))), MOVING, 18, **options
    )
    ((images, labels, masks, names),) = loader
    is_moved(images, masks)
    assert labels.tolist() == [LABELS[index] for index in drawn(loader)]
    assert names == list(map(str, drawn(loader)))


@EVERYWHERE
@pytest.mark.parametrize("layout", ["pair", "dictionary"])
def test_boxes_come_as_lists_as_detection_has_them(options, layout):
    def sample(index):
        if layout == "pair":
            return pixels(index), target_of(index)
        return {"image": pixels(index), **target_of(index)}

    loader = make(Made(sample), MOVING, batch_size=18, **options)
    (batch,) = loader
    order = drawn(loader)
    if layout == "pair":
        images, targets = batch
        assert [list(target) for target in targets] == [["boxes", "labels", "id"]] * 18
        batch = {name: [target[name] for target in targets] for name in targets[0]} | {"image": images}
    assert batch["id"] == order
    assert all(isinstance(batch[name], list) for name in ("boxes", "labels", "id"))
    for own, index in zip(batch["labels"], order, strict=True):
        assert torch.equal(own, torch.arange(index % 4))
    whole = torch.stack([torch.from_numpy(pixels(index)).permute(2, 0, 1) for index in order])
    given = [boxes_of(index) for index in order]
    out = MOVING(whole, loader.sampler.draws(), boxes=given)
    assert torch.equal(batch["image"], out.images)
    for own, wanted in zip(batch["boxes"], out.boxes, strict=True):
        assert (type(own), own.format, tuple(own.canvas_size)) == (type(wanted), wanted.format, (12, 16))
        assert torch.equal(plain(own), plain(wanted))
    assert any(not torch.equal(plain(a), plain(b)) for a, b in zip(batch["boxes"], given, strict=True))


@EVERYWHERE
def test_instances_with_masks_boxes_and_keypoints(options):
    def sample(index):
        count = index % 4
        masks = tv_tensors.Mask(first_channel(index).expand(count, -1, -1).clone())
        return pixels(index), {"masks": masks, "boxes": boxes_of(index), "points": points_of(index)}

    for images, targets in make(Made(sample), MOVING, **options):
        for image, target in zip(images, targets, strict=True):
            assert len(target["masks"]) == len(target["boxes"])
            assert tuple(target["points"].canvas_size) == (12, 16)
            for mask in plain(target["masks"]):
                assert torch.equal(mask, image[0])


def test_annotations_that_cannot_follow_are_refused():
    loader = make(Made(lambda index: (pixels(index), boxes_of(index))), ga.ElasticTransform())
    with pytest.raises(ValueError, match="boxes cannot follow ElasticTransform"):
        list(loader)


@EVERYWHERE
def test_boxes_without_a_transform_stay_as_they_are(options):
    loader = make(Made(lambda index: (pixels(index), boxes_of(index))), None, 18, **options)
    ((_, boxes),) = loader
    for own, index in zip(boxes, drawn(loader), strict=True):
        assert (type(own), own.format) == (tv_tensors.BoundingBoxes, boxes_of(index).format)
        assert torch.equal(plain(own), plain(boxes_of(index)))


@pytest.mark.cuda
@pytest.mark.parametrize("workers", [0, 2])
def test_everything_comes_to_the_gpu(workers):
    def sample(index):
        return pixels(index), mask_of(index), target_of(index)

    here = make(Made(sample), MOVING)
    there = make(Made(sample), MOVING, device="cuda", num_workers=workers)
    for (images, masks, targets), (own, own_masks, own_targets) in zip(there, here, strict=True):
        assert torch.equal(images.cpu(), own)
        for mask, wanted in zip(masks, own_masks, strict=True):
            assert mask.is_cuda
            assert torch.equal(plain(mask).cpu(), plain(wanted))
        for target, wanted in zip(targets, own_targets, strict=True):
            assert target["boxes"].is_cuda
            assert type(target["boxes"]) is tv_tensors.BoundingBoxes
            assert torch.equal(plain(target["boxes"]).cpu(), plain(wanted["boxes"]))
            assert torch.equal(target["labels"].cpu(), wanted["labels"])


# ---- Labels of other forms in the loader's own parts


@pytest.mark.parametrize("name", ["label", "labels", "target"])
def test_a_mix_and_classes_find_the_label_of_a_dictionary(name):
    dataset = Made(lambda index: {"image": pixels(index), name: LABELS[index], "id": index})
    by_class = ga.PerClass([ga.RandomHorizontalFlip(1.0)], strength=[0.0, 1.0])
    for batch in make(dataset, by_class):
        for image, label, index in zip(batch["image"], batch[name], batch["id"].tolist(), strict=True):
            own = torch.from_numpy(pixels(index)).permute(2, 0, 1)
            assert torch.equal(image, own.flip(2) if label else own)
    (batch,) = make(dataset, None, 18, mix=ga.MixUp())
    first, second, share = batch[name]
    assert first.tolist() == [LABELS[index] for index in batch["id"]]
    assert (len(second), len(share)) == (18, 18)


def test_images_and_labels_are_served_of_any_form():
    dataset = Made(lambda index: {"id": index, "image": pixels(index), "label": LABELS[index]})
    loader = make(dataset, ga.RandomHorizontalFlip())
    draws = loader.sampler.draws()[3:8]
    images, labels = zip(*loader.serve(draws), strict=True)
    assert torch.cat(labels).tolist() == [LABELS[index] for index in draws[:, 0].tolist()]
    assert torch.cat(images).shape == (5, 3, HEIGHT, WIDTH)
    loader = make(Made(lambda index: {"image": pixels(index), "name": str(index)}), ga.RandomHorizontalFlip())
    with pytest.raises(ValueError, match="samples must have a label that is a number or a tensor, got none"):
        list(loader.serve(draws))


def test_a_mix_of_masks_is_refused():
    loader = make(Made(lambda index: (pixels(index), LABELS[index], mask_of(index))), MOVING, mix=ga.MixUp())
    with pytest.raises(ValueError, match=r"mix must be None for .* masks, boxes or keypoints, got MixUp"):
        list(loader)


# ---- Faults


def of_two_types(index):
    return torch.zeros(2).to([torch.uint8, torch.int64][index % 2])


@pytest.mark.parametrize(
    ("odd", "error", "message"),
    [
        (lambda i: torch.zeros(2 + i % 2), ValueError, r"\[1\] must have one shape in a batch, got \("),
        (lambda i: 1.0 if i == 10 else 1, TypeError, r"\[1\] must be alike in a batch, got .* for sample"),
        (lambda i: {"ab"[i == 10]: 1}, ValueError, r"\[1\] must be alike .* dictionary of \['b'\]"),
        (lambda i: (1,) * (1 + i % 2), ValueError, r"\[1\] must be alike in a batch, got . items for sample"),
        (lambda i: None, TypeError, r"sample \d+: \[1\] cannot be collated: .*NoneType"),
        (of_two_types, TypeError, r"\[1\] must be alike .*int64"),
        (lambda i: mask_of(i, (3, 3)), ValueError, r"mask at \[1\] must .* 14 x 20 pixels, got .*\(3, 3\)"),
        (lambda i: tv_tensors.Image(torch.zeros(3, 2, 2)), TypeError, r"got a tv_tensors.Image at \[1"),
    ],
)  # fmt: skip
@EVERYWHERE
def test_faults_name_the_samples(odd, error, message, options):
    loader = make(Made(lambda index: (pixels(index), odd(index))), MOVING, **options)
    with pytest.raises(error, match=message):
        list(loader)


def test_strings_come_as_lists():
    for kind in (str, np.str_):
        loader = make(Made(lambda index, kind=kind: (pixels(index), kind("ab"[LABELS[index]]))), None, 18)
        ((_, names),) = loader
        assert names == ["ab"[LABELS[index]] for index in drawn(loader)]


def test_masks_must_say_what_they_are():
    with pytest.raises(TypeError, match="masks must be True, False or None, got str"):
        make(masks="yes")


# ---- WithDraws


@pytest.mark.parametrize("layout", ["tuple", "dictionary"])
def test_a_data_loader_of_its_own(layout):
    """Image, mask and boxes through ``WithDraws`` and ``collate``, then through a transform."""

    def sample(index):
        image = tv_tensors.Image(torch.from_numpy(pixels(index)).permute(2, 0, 1))
        parts = {"image": image, "mask": mask_of(index), "boxes": boxes_of(index)}
        return parts if layout == "dictionary" else tuple(parts.values())

    sampler = ga.BalancedSampler(LABELS, seed=1)
    loader = torch.utils.data.DataLoader(
        WithDraws(Made(sample)), 18, sampler=sampler, collate_fn=collate, num_workers=1
    )
    (batch,) = loader
    images, masks, boxes, draws = batch.values() if layout == "dictionary" else batch
    assert type(images) is tv_tensors.Image
    assert torch.equal(draws, sampler.draws())
    out = MOVING(images, draws, masks=masks, boxes=boxes)
    ((own, own_masks, own_boxes),) = make(
        Made(lambda index: tuple(sample(index).values()) if layout == "dictionary" else sample(index)),
        MOVING,
        18,
        sampler=ga.BalancedSampler(LABELS, seed=1),
    )
    assert torch.equal(plain(own), plain(out.images))
    for a, b in zip([*out.masks, *out.boxes], [*own_masks, *own_boxes], strict=True):
        assert torch.equal(plain(a), plain(b))
