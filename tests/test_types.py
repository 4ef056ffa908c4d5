"""What a type checker sees of gpuaug's names."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
GIVEN = """
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

import gpuaug

images = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
labels = torch.tensor([0, 0, 1])
maybe: Tensor | None = None if images.sum() else images
augment = gpuaug.Compose([gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(0.5, 0.5)])
sampler = gpuaug.BalancedSampler(labels)
batches = gpuaug.BalancedBatchSampler(labels, 2, 1)
loader = gpuaug.BalancedLoader(TensorDataset(images, labels), sampler, augment)
"""
AUGMENTED = (
    "tuple[Tensor, Tensor | list[Tensor] | None, Tensor | list[Tensor] | None, Tensor | list[Tensor] | None, "
    "fallback=Augmented]"
)
REVEALED = {
    "augment(images)": "Tensor",
    "augment(gpuaug.pack([images[0]]), sampler.draws(0, 1))": "Tensor",
    "gpuaug.RandomResizedCrop(4)(images)": "Tensor",
    "gpuaug.OneOf([augment])(images, index=labels)": "Tensor",
    "gpuaug.Solarize(0.5)": "Solarize",
    "gpuaug.Sharpen()": "Sharpen",
    "gpuaug.PerClass([augment])": "PerClass",
    "gpuaug.CutMix()": "CutMix",
    "gpuaug.transforms.catalogue()": "list[Entry]",
    "augment(images, masks=images)": AUGMENTED,
    "augment(images, boxes=[images], masks=maybe)": AUGMENTED,
    "augment(images, keypoints=images)": AUGMENTED,
    "augment(images, masks=images).images": "Tensor",
    "gpuaug.MixUp()(images, labels)": "tuple[Tensor, tuple[Tensor, Tensor, Tensor]]",
    "gpuaug.CMO(labels)(images, labels)": "tuple[Tensor, tuple[Tensor, Tensor, Tensor]]",
    "gpuaug.Remix(labels)(images, labels)": "tuple[Tensor, tuple[Tensor, Tensor, Tensor]]",
    "gpuaug.BalancedMixUp(labels)(images, labels)": "tuple[Tensor, tuple[Tensor, Tensor, Tensor]]",
    "sampler.partners(lambda samples, draws: draws).of(images)": "Tensor",
    "next(iter(sampler))": "Draw",
    "next(iter(batches))": "list[Draw]",
    "sampler.priors(0)": "Tensor",
    "batches.priors()": "Tensor",
    "gpuaug.prior_correction(images, sampler.priors(0), [0.9, 0.1])": "Tensor",
    "gpuaug.losses.LDAMLoss(sampler.counts_)": "LDAMLoss",
    "gpuaug.losses.inverse_weights(sampler.plan_)": "Tensor",
    "sampler.plan_": "dict[int | str, int]",
    "sampler.draws()": "Tensor",
    "len(sampler)": "int",
    "next(iter(gpuaug.RepeatFactorSampler(labels, 0.5)))": "Draw",
    "next(iter(loader))": "Any",  # as the samples are: a tuple of any length, or a dictionary
    "loader.state_dict()": "dict[str, Any]",
    "gpuaug.functional.flip(images)": "Tensor",
    "gpuaug.functional.crop_resize(images, images, size=(8, 8))": "Tensor",
    "gpuaug.functional.gaussian_blur(images, 1.0)": "Tensor",
    "gpuaug.functional.normalize(images, 0.5, 0.5)": "Tensor",
    "gpuaug.pack([images[0]])": "Packed",
}
REFUSED = {
    'augment("images")': "call-overload",
    "augment(images, mask=images)": "call-overload",
    "gpuaug.RandomHorizontalFlip(probability=0.5)": "call-arg",
    "gpuaug.Compose([print])": "list-item",
    'gpuaug.functional.flip(images, horizontal="yes")': "arg-type",
    "augment(images).masks": "attr-defined",
    'gpuaug.Solarize("half")': "arg-type",
    'gpuaug.losses.FocalLoss(gamma="2")': "arg-type",
    "gpuaug.Transform": "attr-defined",  # gpuaug.transforms has it
    "gpuaug.Container": "attr-defined",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of each expression, revealed or refused, in their order."""
    api = pytest.importorskip("mypy.api", reason="needs mypy")
    lines = [*(f"reveal_type({expression})" for expression in REVEALED), *REFUSED]
    sample = tmp_path_factory.mktemp("types") / "sample.py"
    sample.write_text("\n".join([*GIVEN.splitlines(), *lines]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # its pyproject.toml, cache and gpuaug
        out, errors, _ = api.run([str(sample)])
    assert not errors, errors
    first = len(GIVEN.splitlines()) + 1
    by_line: dict[int, str] = {}
    for number, text in re.findall(r"sample\.py:(\d+): (.*)$", out, re.M):
        by_line.setdefault(int(number), text)
    assert not [by_line[number] for number in by_line if number < first]
    return [by_line.get(number, "") for number in range(first, first + len(lines))]


@pytest.mark.parametrize("expression", REVEALED)
def test_an_expression_has_its_type(said: list[str], expression: str) -> None:
    text = said[list(REVEALED).index(expression)]
    found = re.search(r'Revealed type is "(.*)"', text)
    assert found, text
    assert re.sub(r"\b\w+\.", "", found[1]) == REVEALED[expression]


@pytest.mark.parametrize("expression", REFUSED)
def test_a_mistake_is_refused(said: list[str], expression: str) -> None:
    assert said[len(REVEALED) + list(REFUSED).index(expression)].startswith("error: ")
