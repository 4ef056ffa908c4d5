"""A transform is an ``nn.Module`` like others: its names mean what PyTorch says, and it is handled as one."""

import copy
import importlib
import pickle
import pkgutil

import pytest
import torch
from every_transform import required
from torch import nn

import gpuaug as ga
from gpuaug import transforms
from gpuaug.transforms import catalogue
from gpuaug.transforms.members import Members
from gpuaug.transforms.mixes.base import Mix
from gpuaug.transforms.runnable import Runnable

# What a subclass of nn.Module is there to say, and what keeps its meaning here.
MEANT = {"__init__", "__call__", "forward", "extra_repr", "__repr__"}
KEPT = {"__getstate__", "__setstate__", "__setattr__", "__delattr__"}
CLASS = {"__module__", "__doc__", "__annotations__", "__dict__", "__weakref__", "__init_subclass__"}
REFUSED = {"add_module", "register_module"}  # of Members, whose list is fixed
IMAGES = torch.randint(256, (4, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DRAWS = torch.stack((torch.arange(4), torch.ones(4).long(), torch.arange(4) * 7919), dim=1)
MODULE = {*dir(nn.Module), *vars(nn.Module()), *nn.Module.__annotations__}

for _, module, _ in pkgutil.walk_packages(transforms.__path__, f"{transforms.__name__}."):
    importlib.import_module(module)


def with_subclasses(kind):
    return {kind}.union(*map(with_subclasses, kind.__subclasses__()))


OWN = [
    kind
    for kind in with_subclasses(Runnable) | with_subclasses(Mix) | {Members}
    if kind.__module__.startswith("gpuaug.")
]


def chain():
    return ga.Compose(
        [ga.RandomHorizontalFlip(), ga.OneOf([ga.Sharpen(), ga.RandomInvert()]), ga.Normalize(0.5, 0.5)],
        seed=3,
    )


@pytest.mark.parametrize("kind", sorted(OWN, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_no_name_of_a_module_has_another_meaning(kind):
    defined = {name for base in kind.__mro__ if base.__module__.startswith("gpuaug.") for name in vars(base)}
    refused = REFUSED if kind is Members else set()
    assert (defined & MODULE) - MEANT - KEPT - CLASS - refused == set()


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_no_attribute_of_an_object_hides_one_of_a_module(entry):
    built = entry.kind(**required(entry))
    assert (vars(built).keys() & MODULE) - vars(nn.Module()).keys() == set()


def test_apply_visits_every_module():
    flip, sharpen, invert = ga.RandomHorizontalFlip(), ga.Sharpen(), ga.RandomInvert()
    inner = ga.Compose([sharpen, invert])
    whole, seen = nn.Sequential(flip, inner), []
    assert whole.apply(seen.append) is whole
    assert seen == [flip, sharpen, invert, inner.transforms, inner, whole]
    assert list(whole.modules()) == [whole, flip, inner, inner.transforms, sharpen, invert]


def test_compiled_modules_give_the_same_bytes():
    compiled, expected = chain(), chain()
    compiled.compile(backend="eager")
    assert torch.equal(compiled(IMAGES, DRAWS), expected(IMAGES, DRAWS))
    assert torch.equal(compiled(IMAGES), expected(IMAGES))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda chain: pickle.loads(pickle.dumps(chain))])
def test_compiled_modules_can_be_copied(clone):
    compiled = chain()
    compiled.compile(backend="eager")
    assert torch.equal(clone(compiled)(IMAGES, DRAWS), chain()(IMAGES, DRAWS))


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.half(),
        lambda module: module.double(),
        lambda module: module.bfloat16(),
        lambda module: module.to(torch.float16),
        lambda module: module.type(torch.float64),
        lambda module: module.cpu(),
        lambda module: module.share_memory(),
        lambda module: module.requires_grad_(False),
        lambda module: module.load_state_dict(module.state_dict()) and module,
    ],
)
def test_module_methods_such_as_half_change_no_pixel(change):
    module = change(chain())
    assert torch.equal(module(IMAGES, DRAWS), chain()(IMAGES, DRAWS))


def test_a_transform_has_no_tensors_for_an_optimizer_or_a_state():
    assert list(chain().parameters()) == list(chain().buffers()) == []
    assert chain().state_dict() == {}
