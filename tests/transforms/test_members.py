"""The transforms of a chain after it was built: the list is fixed, and the chain's own."""

import pytest

import gpuaug as ga


def flips():
    return [ga.RandomHorizontalFlip(), ga.RandomVerticalFlip()]


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.append(ga.Sepia()),
        lambda members: members.insert(0, ga.Sepia()),
        lambda members: members.extend(flips()),
        lambda members: members.pop(0),
        lambda members: members.__setitem__(0, ga.Sepia()),
        lambda members: members.__delitem__(0),
        lambda members: members.__iadd__(flips()),
        lambda members: members.add_module("0", ga.Sepia()),
        lambda members: setattr(members, "0", ga.Sepia()),
        lambda members: delattr(members, "0"),
        lambda members: members.set_submodule("0", ga.Sepia()),
    ],
)
@pytest.mark.parametrize("kind", [ga.Compose, ga.OneOf, ga.RandomApply, ga.PerClass])
def test_transforms_of_a_chain_are_fixed(kind, change):
    chain = kind(flips())
    before = list(chain.transforms)
    with pytest.raises(AttributeError, match="transforms are fixed once a chain is built: build a new chain"):
        change(chain.transforms)
    assert list(chain.transforms) == before
    assert list(chain.transforms[:1]) == before[:1]


def test_a_list_that_is_changed_later_is_not_the_chains():
    transforms = flips()
    chain = ga.Compose(transforms)
    transforms.append(ga.Sepia())
    assert len(chain.transforms) == 2
