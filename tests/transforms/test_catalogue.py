"""The catalogue: every public transform is in it, with all it needs, and can be built and run."""

import importlib
import inspect
import pkgutil

import pytest
import torch
from every_transform import required

import gpuaug
from gpuaug import transforms
from gpuaug.transforms import Compose, OneOf, PerClass, RandomApply, Transform, catalogue

ENTRIES = catalogue()
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def build(entry):
    return entry.kind(**required(entry))


def test_every_public_transform_is_in_the_catalogue_once():
    combined = {Transform, Compose, OneOf, PerClass, RandomApply}
    for home in (gpuaug, transforms):
        public = {getattr(home, name) for name in home.__all__}
        kinds = {kind for kind in public if inspect.isclass(kind) and issubclass(kind, Transform)}
        assert kinds - combined == {entry.kind for entry in ENTRIES}
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


def modules():
    """Every module of the folder, also one that nothing imports."""
    for _, name, _ in pkgutil.walk_packages(transforms.__path__, f"{transforms.__name__}."):
        yield importlib.import_module(name)


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_a_module_s_transforms_are_exported(module):
    """A new module is one more line in ``transforms/exports.py``."""
    own = {
        name
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, Transform) and kind.__module__ == module.__name__
    }
    named = {name for name in own if getattr(module, name).reference}  # bases and containers name nothing
    exported = set(getattr(module, "__all__", ()))
    assert named <= exported
    for name in exported & own:
        assert getattr(gpuaug, name) is getattr(transforms, name) is getattr(module, name)


@every_entry
def test_entries_describe_every_parameter(entry):
    assert entry.reference
    assert entry.backend in ("kernel", "kornia", "torch")
    assert (entry.backend == "kernel") == (entry.stage != "batched")
    for parameter in entry.parameters:
        assert parameter.meaning, f"{entry.name}'s docstring says nothing of {parameter.name}"


@every_entry
@pytest.mark.parametrize("channels", [1, 3])
def test_every_transform_runs_with_its_defaults(entry, channels):
    random = torch.Generator().manual_seed(channels)
    images = torch.randint(256, (2, channels, 20, 20), dtype=torch.uint8, generator=random)
    transform = build(entry)
    if channels == 1 and not getattr(entry.kind, "grey", True):
        with pytest.raises(ValueError, match=f"{entry.name}: images must have 3 or 4 channels, got 1"):
            transform(images)
        return
    out = transform(images)
    assert out.shape[:2] == (2, channels)
    assert transform(images.double() / 255).isfinite().all()
    assert type(transform).__name__ == entry.name
    assert entry.name in repr(transform)


def test_parameters_match_the_class():
    (entry,) = (entry for entry in ENTRIES if entry.name == "MotionBlur")
    kernel_size, angle, _ = entry.parameters
    assert (kernel_size.name, kernel_size.default) == ("kernel_size", (3, 7))
    assert angle.meaning.startswith("in degrees, counterclockwise from the row, a number or (least, most)")
    assert next(entry for entry in ENTRIES if entry.name == "RandomCrop").required == ["size"]
