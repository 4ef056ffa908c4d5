"""The order of a result's memory: the images' own, or what ``memory_format`` says, for every transform."""

import pytest
import torch
from every_transform import ENTRIES, build, every_transform, required

import gpuaug as ga

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
IMAGES = torch.randint(256, (6, 3, 34, 22), generator=torch.Generator().manual_seed(0)).byte()
DRAWS = torch.stack((torch.arange(6), torch.arange(6) % 3, 11 + 7 * torch.arange(6)), dim=1)


def check(chain, images, expected):
    out = chain(images, DRAWS)
    assert out.is_contiguous(memory_format=expected)
    flat = out.reshape(len(out), -1)
    usual = chain(images.contiguous(), DRAWS).reshape(len(out), -1)
    # A power of floats may differ in the last bit between places in memory.
    torch.testing.assert_close(flat, usual, rtol=0, atol=1e-6 if images.is_floating_point() else 0)
    if expected == torch.contiguous_format:
        assert torch.equal(out.view(len(out), -1), flat)


@every_transform
@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("floating", [False, True], ids=["bytes", "floats"])
def test_every_transform_keeps_the_memory_format(name, given, floating):
    images = (IMAGES / 255 if floating else IMAGES).contiguous(memory_format=FORMATS[given])
    some = ENTRIES[name].kind(**required(ENTRIES[name]))  # acts on some of the images
    for own in (build(name), some):
        check(own, images, FORMATS[given])
        for asked in FORMATS.values():
            check(ga.Compose([own], memory_format=asked), images, asked)


@pytest.mark.parametrize("asked", [None, *FORMATS])
def test_a_loader_keeps_the_memory_format(asked):
    # Height, width, channels, as decoders give them.
    samples = [(image.permute(1, 2, 0).contiguous().numpy(), n % 2) for n, image in enumerate(IMAGES)]
    options = {} if asked is None else {"memory_format": FORMATS[asked]}
    chain = ga.Compose([ga.RandomHorizontalFlip(), ga.Normalize(0.5, 0.5)], **options)
    sampler = ga.BalancedSampler([label for _, label in samples])
    for images, _ in ga.BalancedLoader(samples, sampler, chain, batch_size=3):
        assert images.is_contiguous(memory_format=FORMATS[asked or "channels_last"])
        if asked == "contiguous":
            assert images.view(3, -1).shape == (3, images[0].numel())


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("mix", [ga.MixUp(), ga.CutMix(), ga.CMO([3, 3]), ga.Remix([3, 3])], ids=str)
def test_a_mix_keeps_the_memory_format(mix, given):
    labels = torch.arange(6) % 2
    for images in (IMAGES, IMAGES / 255):
        out, _ = mix(images.contiguous(memory_format=FORMATS[given]), labels)
        assert out.is_contiguous(memory_format=FORMATS[given])
