"""What holds for every policy: draws on their own, passes, channels, evaluation, and what is printed."""

import pytest
import torch
from every_transform import draws_of
from fixed_policies import Fixed, colored

import gpuaug as ga

POLICIES = [
    ga.RandAugment(),
    ga.RandAugment(num_ops=3, magnitude=20),
    ga.TrivialAugmentWide(),
    ga.AutoAugment(),
    ga.AutoAugment("svhn"),
    ga.TimmRandAugment(),
    ga.AugMix(),
]
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.label())


@every_policy
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_policys_draw_does_not_depend_on_its_batch(policy, channels):
    images = colored(40)[:, [0, 1, 2, 0][:channels]]
    draws = draws_of(40)
    whole = policy(images, draws)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    assert torch.equal(policy(images[order], draws[order]), whole[order])
    for n in range(40):
        assert torch.equal(policy(images[n : n + 1], draws[n : n + 1])[0], whole[n])
    assert torch.equal(
        policy(images[:3], draws, index=torch.arange(40) % 3), policy(images[torch.arange(40) % 3], draws)
    )


@every_policy
def test_policies_take_images_of_several_sizes(policy):
    images = [colored(1, height, width)[0] for height, width in ((20, 31), (16, 16), (40, 17), (18, 50))] * 4
    draws, chain = draws_of(16), ga.Compose([ga.Resize((24, 24)), policy])
    whole = chain(ga.pack(images), draws)
    for n, image in enumerate(images):
        assert torch.equal(chain(image[None], draws[n : n + 1])[0], whole[n])


@every_policy
def test_policies_leave_evaluation_and_originals_alone(policy):
    images, draws = colored(8), draws_of(8)
    draws[::2, 1] = 0
    chain = ga.Compose([policy], apply_to="copies")
    out = chain(images, draws)
    assert torch.equal(out[::2], images[::2])
    assert not torch.equal(out[1::2], images[1::2])
    assert torch.equal(chain.eval()(images, draws), images)
    chain.train()


def test_policies_take_at_most_as_many_passes_as_ops():
    def passes(*transforms):
        return ga.Compose(transforms).step.passes

    crop, norm = ga.RandomResizedCrop(16), ga.Normalize()
    assert passes(crop, ga.RandomHorizontalFlip(), ga.RandAugment(2), norm) == 2
    assert passes(crop, ga.RandAugment(3), norm) == 3
    assert passes(ga.RandAugment(2), ga.CutOut(4), norm) == 2
    assert passes(ga.TrivialAugmentWide()) == 1
    assert passes(ga.TrivialAugmentWide(), norm) == 1
    assert passes(ga.RandomCrop(16, padding=2), ga.RandAugment(2), norm) == 3  # another border
    assert passes(ga.ColorJitter(), ga.RandAugment(2), norm) == 3


def test_only_ops_that_cannot_share_a_pass_take_another():
    images, draws = colored(3), draws_of(3)
    one, two = Fixed(("Rotate", 20.0), ("Invert", 0.0)), Fixed(("Invert", 0.0), ("Rotate", 20.0))
    assert [p.stages != 0 for p in one.recipes(draws, images.shape)] == [True, False]
    assert [p.stages != 0 for p in two.recipes(draws, images.shape)] == [True, True]


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_later_passes_run_on_the_draws_that_need_them(floating, layout):
    images, draws = colored(40).contiguous(memory_format=layout), draws_of(40)
    images = images / 255 if floating else images
    policy = ga.RandAugment()
    first, second = policy.recipes(draws, tuple(images.shape))
    assert first.rows is None
    assert 0 < len(second.rows) < 20
    assert second.rows.tolist() == second.field("stages").nonzero().flatten().tolist()
    out = policy(images, draws)
    assert torch.equal(out, policy.apply_recipes(images, (first, second._replace(rows=None))))
    assert out.is_contiguous(memory_format=layout)
    normalized = ga.Compose([policy, ga.Normalize()]).recipes(draws, tuple(images.shape))
    assert normalized[1].rows is None  # of all draws it makes floats
    draw = next(n for n in range(40) if n not in second.rows.tolist())
    assert len(policy.recipes(draws[draw : draw + 1], (1, *images.shape[1:]))[1].rows) == 0


@pytest.mark.parametrize(
    "before", [ga.RandomHorizontalFlip(), ga.RandomCrop(30, padding=4), ga.RandomCrop(30)], ids=str
)
@pytest.mark.parametrize(
    "ops",
    [
        [("TranslateX", 7.0), ("Invert", 0.0)],
        [("Invert", 0.0), ("TranslateX", 7.0)],
        [("Equalize", 0.0), ("TranslateY", 7.0)],
        [("TranslateX", 7.0), ("AutoContrast", 0.0)],
        [("Solarize", 0.5), ("Posterize", 3.0)],
    ],
    ids=str,
)
def test_a_policy_in_a_chain_gives_the_same_as_alone(before, ops):
    images, draws = colored(9, 45, 45), draws_of(9)
    chain = ga.Compose([before, Fixed(*ops), ga.Normalize(0.5, 0.5)])
    expected = Fixed(*ops)(ga.Compose([before])(images, draws))
    assert torch.equal(chain(images, draws), ga.functional.normalize(expected, 0.5, 0.5))


def test_masks_boxes_and_keypoints_follow_a_policy():
    images, draws = colored(2, 40, 40), draws_of(2)
    masks = torch.arange(1600).view(1, 40, 40).expand(2, 40, 40)
    points = torch.tensor([[[10.0, 20.0]]]).expand(2, 1, 2)
    moved = Fixed(("Invert", 0.0), ("TranslateX", 7.0))(images, draws, masks=masks, keypoints=points)
    assert torch.equal(moved.masks[:, :, 7:], masks[:, :, :-7])
    assert (moved.masks[:, :, :7] == 0).all()
    assert moved.keypoints.tolist() == [[[17.0, 20.0]]] * 2


def test_policies_on_floats_agree_with_bytes():
    images, draws = colored(40), draws_of(40)
    for policy in POLICIES:
        floats = policy(images / 255, draws).mul(255)
        away = (floats - policy(images, draws)).abs()
        assert away.median() <= 0.5  # a curve makes a jump of a level
        assert away.mean() <= 1


@every_policy
def test_policies_refuse_two_channels(policy):
    name = type(policy).__name__
    with pytest.raises(ValueError, match=f"{name}: images must have 1, 3 or 4 channels, got 2"):
        policy(torch.zeros(1, 2, 8, 8, dtype=torch.uint8))


def test_printing_a_policy_shows_its_space():
    assert repr(ga.RandAugment(magnitude=10)).splitlines() == [
        "RandAugment(num_ops=2, magnitude=10, num_magnitude_bins=31)",
        "  Identity                         pass 1 to 2, geometry",
        "  ShearX ±0.1                      pass 1 to 2, geometry",
        "  ShearY ±0.1                      pass 1 to 2, geometry",
        "  TranslateX ±0.151 of the width   pass 1 to 2, geometry",
        "  TranslateY ±0.151 of the height  pass 1 to 2, geometry",
        "  Rotate ±10 degrees               pass 1 to 2, geometry",
        "  Brightness ±0.3                  pass 1 to 2, color",
        "  Color ±0.3                       pass 1 to 2, color",
        "  Contrast ±0.3                    pass 1 to 2, curves",
        "  Sharpness ±0.3                   pass 1 to 2, blur",
        "  Posterize 7 bits                 pass 1 to 2, curves",
        "  Solarize 0.667                   pass 1 to 2, curves",
        "  AutoContrast                     pass 1 to 2, curves",
        "  Equalize                         pass 1 to 2, curves",
        "2 passes: 2 kernel launches a batch, on CUDA up to 2 more, which count levels",
    ]
