"""What a technique's page says of masks, boxes and keypoints."""

import pytest

pytest.importorskip("skimage")
import technique_facts
import technique_pictures

import gpuaug


@pytest.mark.parametrize(
    ("transform", "masks", "boxes"),
    [
        (gpuaug.RandomHorizontalFlip(p=1.0), "follow", "follow"),
        (gpuaug.RandomCrop(112), "follow", "follow"),
        (gpuaug.SaltAndPepper(), "stay", "stay"),
        (gpuaug.GridDistortion(), "follow", "error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, gpuaug.transforms.Transform) else value,
)
def test_what_becomes_of_annotations(transform, masks, boxes):
    found = technique_facts.on_annotations(transform, technique_pictures.copies(2))
    assert found == {"masks": masks, "boxes": boxes, "keypoints": boxes}


def test_every_transform_and_mix_is_in_one_group():
    groups = technique_facts.names_by_group()
    names = [name for group in groups.values() for name in group]
    mixes = ["BalancedMixUp", "CMO", "CutMix", "MixUp", "Remix"]
    assert sorted(names) == sorted([entry.name for entry in gpuaug.transforms.catalogue()] + mixes)
    assert "AugMix" in groups["Policies"]
    assert next(iter(groups)) == "Reading"
    assert groups["Mixes of two images"] == mixes


def test_groups_stand_in_the_kernel_s_order():
    """The catalogue is in this order."""
    of_stages = [
        group
        for group in technique_facts.names_by_group()
        if group not in ("Policies", technique_facts.MIXES)
    ]
    groups = [technique_facts.group_of(entry) for entry in gpuaug.transforms.catalogue()]
    assert of_stages == [group for group in dict.fromkeys(groups) if group != "Policies"]
