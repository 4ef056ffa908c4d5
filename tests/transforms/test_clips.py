"""Clips of frames: one recipe for all frames of a clip, and noise that may be anew for each."""

from __future__ import annotations

import pickle

import pytest
import torch
from every_transform import OF_CHAINS, build, draws_of, every_transform
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import gpuaug as ga
from gpuaug.recipe.frames import frame_keys

NOISES = [
    ga.GaussNoise(0.1),
    ga.MultiplicativeNoise((0.4, 1.6), elementwise=False),
    ga.SaltAndPepper(0.3),
    ga.ISONoise(0.02, 0.4),
]


def random_clips(n: int, frames: int, channels: int = 3, height: int = 20, width: int = 24) -> Tensor:
    random = torch.Generator().manual_seed(n * 100 + frames)
    shape = (n, frames, channels, height, width)
    return torch.randint(256, shape, generator=random, dtype=torch.uint8)


def frame_by_frame(chain: ga.transforms.Transform, clips: Tensor, draws: Tensor) -> Tensor:
    return torch.stack([chain(frames, draws) for frames in clips.unbind(1)], dim=1)


def chain_of(size: tuple[int, int], **settings_: str) -> ga.Compose:
    """Two passes, color, and draws that go their own way."""
    return ga.Compose(
        [
            *(ga.RandomAffine(20), ga.RandomResizedCrop(size), ga.RandomHorizontalFlip()),
            *(ga.RandomApply([ga.GaussianBlur()]), ga.GaussNoise(), ga.SaltAndPepper(0.1)),
            *(ga.RandomRotation(15), ga.CutOut(3), ga.Normalize(0.4, 0.3)),
        ],
        **settings_,
    )


@given(
    n=st.integers(0, 3),
    frames=st.integers(1, 5),
    channels=st.sampled_from([1, 2, 3, 4, 5, 12]),
    sides=st.tuples(st.integers(1, 4), st.integers(1, 16))
    | st.tuples(st.integers(5, 16), st.integers(5, 16)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:clips are")
def test_each_frame_of_a_clip_is_treated_as_if_alone(n, frames, channels, sides, size):
    clips, draws, chain = random_clips(n, frames, channels, *sides), draws_of(n), chain_of(size)
    assert torch.equal(chain(clips, draws), frame_by_frame(chain, clips, draws))


@pytest.mark.filterwarnings("ignore:floating images take the differentiable path")
@pytest.mark.parametrize("floating", [False, True], ids=["bytes", "floats"])
@every_transform
def test_every_transform_does_the_same_to_all_frames(name, floating):
    clips, draws = random_clips(3, 4), draws_of(3)
    clips = clips / 255 if floating else clips
    own = build(name)
    for chain in (own, ga.Compose([own if name in OF_CHAINS else ga.RandomApply([own])])):
        torch.testing.assert_close(
            chain(clips, draws), frame_by_frame(chain, clips, draws), rtol=0, atol=1e-6 if floating else 0
        )


def test_a_clip_of_one_frame_is_an_image():
    clips, draws = random_clips(4, 1), draws_of(4)
    for per in ("clip", "frame"):
        chain = chain_of((9, 9), noise_per=per)
        assert torch.equal(chain(clips, draws)[:, 0], chain(clips[:, 0], draws))


def test_index_gathers_clips():
    clips, index, draws, chain = random_clips(5, 3), torch.tensor([4, 0, 0, 2]), draws_of(4), chain_of((7, 8))
    assert torch.equal(chain(clips, draws, index=index), chain(clips[index], draws))


def test_without_draws_a_clip_counts_as_one():
    flip = ga.RandomHorizontalFlip(seed=5)
    clips = random_clips(6, 4)
    out = flip(clips)
    assert flip.seen == 6
    assert torch.equal(out[:, 0], ga.RandomHorizontalFlip(seed=5)(clips[:, 0]))


def test_only_copies_of_clips_are_augmented():
    clips, draws = random_clips(4, 3), draws_of(4)
    draws[:, 1] = torch.tensor([0, 1, 0, 2])
    chain = ga.Compose([ga.RandomInvert(p=1.0)], apply_to="copies")
    assert torch.equal(chain(clips, draws)[[0, 2]], clips[[0, 2]])
    assert torch.equal(chain(clips, draws)[[1, 3]], 255 - clips[[1, 3]])


# ---- Noise


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_noise_of_a_frame_comes_from_its_key(noise):
    clips, draws = random_clips(1, 1, height=9, width=17).repeat(3, 4, 1, 1, 1), draws_of(3)
    whole = ga.Compose([noise])(clips, draws)
    assert all(torch.equal(frame, whole[:, 0]) for frame in whole.unbind(1))
    anew = ga.Compose([noise], noise_per="frame")(clips, draws)
    keys = frame_keys(draws[:, 2], 4)
    for number, frame in enumerate(anew.unbind(1)):
        own = torch.stack((draws[:, 0], draws[:, 1], keys[:, number]), dim=1)
        if not isinstance(noise, ga.ISONoise):  # its turn of the hue is drawn for the clip
            assert torch.equal(frame, ga.Compose([noise])(clips[:, 0], own))
    assert len({frame.numpy().tobytes() for frame in anew.flatten(0, 1)}) == 12
    assert torch.equal(anew[:, 0], whole[:, 0])


def test_noise_per_frame_leaves_other_parameters_to_the_clip():
    clips, draws = random_clips(1, 1).repeat(3, 4, 1, 1, 1), draws_of(3)
    still = [ga.RandomAffine(20), ga.RandomResizedCrop(9), ga.ColorJitter(0.4), ga.CutOut(3)]
    still += [ga.ElasticTransform(alpha=20), ga.GridDropout()]
    out = ga.Compose(still, noise_per="frame")(clips, draws)
    assert all(torch.equal(frame, out[:, 0]) for frame in out.unbind(1))
    # Of some of the draws only.
    some = ga.RandomApply([ga.ISONoise(0.02, 0.4)], p=0.5)
    clips, draws = clips[:1].repeat(12, 1, 1, 1, 1), draws_of(12)
    out = ga.Compose([some], noise_per="frame")(clips, draws)
    first = ga.Compose([some])(clips[:, 0], draws)
    assert torch.equal(out[:, 0], first)
    noisy = (first != clips[:, 0]).flatten(1).any(1)
    assert 0 < noisy.sum() < 12
    assert ((out[:, 1] != out[:, 0]).flatten(1).any(1) == noisy).all()


def test_keys_of_frames_are_distinct_and_random():
    keys = torch.tensor([7, -3, 2**62])
    frames = frame_keys(keys, 400)
    assert torch.equal(frames[:, 0], keys)
    assert torch.equal(frame_keys(keys, 5), frames[:, :5])  # a longer clip changes no earlier frame
    assert len(frames.unique()) == 1200
    bits = (frames[:, 1:].flatten()[:, None] >> torch.arange(64)) & 1
    assert (bits.double().mean(0) - 0.5).abs().max() < 4.5 * 0.5 / bits.shape[0] ** 0.5


# ---- Memory


def test_memory_formats_of_clips():
    """Decoders give (T, H, W, C)."""
    clips, draws, chain = random_clips(3, 4), draws_of(3), chain_of((8, 9))
    interleaved = clips.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    expected = chain(clips, draws)
    assert expected.is_contiguous()
    out = chain(interleaved, draws)
    assert torch.equal(out, expected)
    assert out.permute(0, 1, 3, 4, 2).is_contiguous()
    usual = ga.Compose([chain], memory_format=torch.contiguous_format)
    assert usual(interleaved, draws).is_contiguous()
    swapped = clips.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(chain(swapped, draws), expected)
    assert torch.equal(chain(clips[:1].expand(3, -1, -1, -1, -1)[:, ::2], draws)[0], expected[0, ::2])


def test_recipes_of_clips_ahead_of_time():
    clips, draws, chain = random_clips(3, 4), draws_of(3), chain_of((8, 9), noise_per="frame")
    passes = chain.recipes(draws, tuple(clips.shape))
    assert torch.equal(chain.apply_recipes(clips, passes), chain(clips, draws))


# ---- What follows


@pytest.mark.parametrize("channels", [None, 2])
def test_masks_boxes_and_keypoints_of_every_frame(channels):
    clips, draws = random_clips(3, 4), draws_of(3)
    chain = ga.Compose([ga.RandomAffine(20), ga.RandomResizedCrop((9, 11)), ga.RandomHorizontalFlip()])
    shape = (3, 4) if channels is None else (3, 4, channels)
    given_ = {
        "masks": torch.randint(9, (*shape, 20, 24)),
        "boxes": torch.rand(3, 4, 5, 4) * 20,
        "keypoints": torch.rand(3, 4, 6, 2) * 20,
    }
    for index in (None, torch.tensor([2, 2, 0])):
        out = chain(clips, draws, index=index, **given_)
        for frame in range(4):
            own = {name: value[:, frame] for name, value in given_.items()}
            alone = chain(clips[:, frame], draws, index=index, **own)
            for name in alone._fields:
                assert torch.equal(getattr(out, name)[:, frame], getattr(alone, name))


def test_masks_of_clips_follow_a_batched_transform():
    clips, draws, masks = random_clips(3, 4), draws_of(3), torch.randint(9, (3, 4, 20, 24))
    chain = ga.Compose([ga.RandomApply([ga.ElasticTransform(alpha=20)])])
    out = chain(clips, draws, masks=masks).masks
    for frame in range(4):
        assert torch.equal(out[:, frame], chain(clips[:, frame], draws, masks=masks[:, frame]).masks)


def test_tv_tensors_of_clips():
    tv_tensors = pytest.importorskip("torchvision.tv_tensors")
    clips, draws = random_clips(2, 3), draws_of(2)
    chain = ga.Compose([ga.RandomResizedCrop(9), ga.RandomHorizontalFlip()])
    masks = torch.randint(9, (2, 3, 20, 24))
    boxes = [
        tv_tensors.BoundingBoxes(
            torch.rand(n, 4) * 5 + torch.tensor([0, 0, 9, 9]), format="XYXY", canvas_size=(20, 24)
        )
        for n in range(1, 7)
    ]
    out = chain(tv_tensors.Video(clips), draws, masks=tv_tensors.Mask(masks), boxes=boxes)
    assert type(out.images) is tv_tensors.Video
    assert type(out.masks) is tv_tensors.Mask
    plain = chain(clips, draws, masks=masks)
    assert torch.equal(out.images, plain.images)
    assert torch.equal(out.masks, plain.masks)
    assert [len(some) for some in out.boxes] == [1, 2, 3, 4, 5, 6]
    for number, some in enumerate(out.boxes):  # one for each frame, clip after clip
        clip, frame = divmod(number, 3)
        every = [boxes[number]] * 2
        alone = chain(clips[:, frame], draws, boxes=every).boxes[clip]
        assert torch.equal(some, alone)
    assert type(chain(tv_tensors.Video(clips), draws)) is tv_tensors.Video
    with pytest.raises(ValueError, match=r"a Video must be \(N, T, C, H, W\), got .*: give images\[None\]"):
        chain(tv_tensors.Video(clips[0]))


# ---- Faults


@pytest.mark.parametrize(
    ("name", "shape"),
    [("masks", (3, 20, 24)), ("masks", (4, 3, 20, 24)), ("boxes", (3, 5, 4)), ("keypoints", (12, 5, 2))],
)
def test_annotations_that_are_not_of_each_frame_are_refused(name, shape):
    with pytest.raises(
        ValueError, match=rf"{name} must begin with \(N, T\), here \(3, 4\), for 3 clips of 4"
    ):
        ga.RandomHorizontalFlip()(random_clips(3, 4), **{name: torch.zeros(shape)})


def test_wrong_clips_are_refused():
    flip = ga.RandomHorizontalFlip()
    with pytest.raises(ValueError, match=r"clips of at least 1 frame, got shape \(2, 0, 3, 8, 8\)"):
        flip(torch.zeros(2, 0, 3, 8, 8).byte())
    with pytest.raises(ValueError, match=r"C in \[1, 64\], got \(2, 4, 65, 8, 8\)"):
        flip(torch.zeros(2, 4, 65, 8, 8).byte())
    with pytest.raises(ValueError, match=r"not 9 channels of 8 x 3, got .*: channels come third"):
        flip(torch.zeros(2, 4, 9, 8, 3).byte())
    with pytest.raises(ValueError, match="noise_per must be 'clip' or 'frame', got 'pixel'"):
        ga.Compose([flip], noise_per="pixel")
    with pytest.raises(ValueError, match="3 draws for 2 images"):
        flip(random_clips(2, 3), draws_of(3))
    with pytest.raises(ValueError, match=r"got \(2, 4, 3, 8, 8\): clips .*; give images.flatten\(0, 1\)"):
        ga.functional.flip(torch.zeros(2, 4, 3, 8, 8).byte())


def test_clips_in_the_order_of_networks_are_warned_of(monkeypatch):
    monkeypatch.setattr("gpuaug.transforms.advice._said", set())
    with pytest.warns(UserWarning, match=r"clips of 3 frames of 16 channels.* give images.transpose\(1, 2\)"):
        ga.RandomHorizontalFlip()(torch.zeros(2, 3, 16, 8, 8).byte())


def test_noise_per_is_printed_and_pickled():
    chain = chain_of((5, 5), noise_per="frame")
    assert "Compose(apply_to='all', noise_per='frame')" in repr(chain)
    assert "noise_per" not in repr(chain_of((5, 5)))
    clips, draws = random_clips(2, 3), draws_of(2)
    assert torch.equal(pickle.loads(pickle.dumps(chain))(clips, draws), chain(clips, draws))
    with pytest.raises(AttributeError, match="noise_per of Compose is fixed"):
        chain.noise_per = "clip"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("per", ["clip", "frame"])
def test_clips_compile(per):
    chain, clips, draws = chain_of((6, 6), noise_per=per), random_clips(3, 4), draws_of(3)
    torch._dynamo.reset()
    compiled = torch.compile(chain, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(clips, draws), chain(clips, draws))
