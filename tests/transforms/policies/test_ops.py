"""Every op at fixed magnitudes, beside torchvision's."""

import pytest
import torch
from fixed_policies import Fixed, colored, shirts, torchvisions

# Ops, magnitudes, and by how many levels a byte may differ. A level is what rounding makes: torchvision cuts
# the fraction off where levels are multiplied (Brightness, Color, Contrast, Sharpness, AutoContrast), this
# rounds; it interpolates in float32 (ShearX to Rotate), and this in steps of 1/2048. Whole numbers are exact.
CASES = [
    ("Identity", [0.0], 0),
    ("ShearX", [0.09, -0.3, 0.99], 1),
    ("ShearY", [-0.09, 0.3, -0.99], 1),
    ("TranslateX", [7.99, -7.99, 31.0, 0.5], 0),
    ("TranslateY", [3.2, -20.0, -0.9], 0),
    ("Rotate", [9.0, -30.0, 135.0, 90.0], 1),
    ("Brightness", [0.27, -0.27, 0.99, -0.99], 1),
    ("Color", [0.27, -0.27, 0.9, -0.5, 0.99], 1),
    ("Color", [-0.9, -0.99], 2),  # torchvision cuts off twice, the grey and the sum
    ("Contrast", [0.27, -0.27, 0.9, -0.9], 1),
    ("Sharpness", [0.27, -0.27, 0.99, -0.99], 1),
    ("Posterize", [8, 7, 4, 2, 0], 0),
    ("Solarize", [1.0, 0.7, 0.8, 0.1, 0.0], 0),
    ("AutoContrast", [0.0], 1),
    ("Equalize", [0.0], 0),
    ("Invert", [0.0], 0),
]
every_op = pytest.mark.parametrize(
    ("name", "magnitude", "levels"),
    [(name, magnitude, levels) for name, magnitudes, levels in CASES for magnitude in magnitudes],
)


@every_op
@pytest.mark.parametrize("images", [shirts(), colored()], ids=["shirts", "colored"])
def test_each_op_matches_torchvision(name, magnitude, levels, images):
    magnitude = float(torch.tensor(magnitude))  # torchvision's are float32
    got = Fixed((name, magnitude))(images)
    expected = torch.stack([torchvisions(image, (name, magnitude)) for image in images])
    assert (got.int() - expected.int()).abs().max() <= levels
    assert torch.equal(got, images) == torch.equal(expected, images)


# A matrix that was rounded in between, and an interpolation of rounded levels, differ by a level or two from
# one that was not: see ``order.py``. All other pairs are those of the two ops in turn, to the byte.
MERGED = {"Brightness", "Color", "ShearX", "Rotate"}
PAIRED = [
    ("ShearX", 0.3),
    ("Rotate", -20.0),
    ("TranslateX", 9.0),
    ("TranslateX", -9.0),
    ("TranslateY", 5.0),
    ("Brightness", 0.4),
    ("Brightness", -0.4),
    ("Color", 0.5),
    ("Color", -0.5),
    ("Contrast", -0.5),
    ("Sharpness", 0.9),
    ("Posterize", 3),
    ("Solarize", 0.4),
    ("Solarize", 0.0),
    ("Invert", 0.0),
    ("AutoContrast", 0.0),
    ("Equalize", 0.0),
    ("Identity", 0.0),
]


@pytest.mark.parametrize("first", PAIRED, ids=str)
@pytest.mark.parametrize("second", PAIRED, ids=str)
def test_two_ops_equal_one_after_the_other(first, second):
    images = colored(4)
    got = Fixed(first, second)(images).int()
    expected = Fixed(second)(Fixed(first)(images)).int()
    merged = first[0] in MERGED and second[0] in MERGED
    assert (got - expected).abs().max() <= (2 if merged else 0)


@pytest.mark.parametrize("seed", range(20))
def test_many_ops_equal_one_after_the_other(seed):
    order = torch.randperm(len(PAIRED), generator=torch.Generator().manual_seed(seed)).tolist()
    ops = [PAIRED[number] for number in order[:5] if PAIRED[number][0] not in MERGED]
    images = colored(4)
    expected = images
    for op in ops:
        expected = Fixed(op)(expected)
    assert torch.equal(Fixed(*ops)(images), expected)
