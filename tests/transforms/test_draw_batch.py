"""The draws of a batch as a transform sees them: random numbers by place, chances and strength."""

import pytest
import torch

from gpuaug import random
from gpuaug.transforms.draw_batch import DrawBatch, check_host_integers

DRAWS = torch.tensor([[4, 0, 11], [5, 1, 12], [6, 2, 13]])


def batch(strength=None):
    made = DrawBatch(DRAWS, ([0, 2], [1, 3]))
    made.strength = None if strength is None else torch.tensor(strength, dtype=torch.float64)
    return made


def test_each_place_has_its_random_numbers():
    first, third = random.uniform(DRAWS[:, 2], [0, 2], [1, 3])
    draws = batch()
    assert torch.equal(draws.uniform(2), third)
    assert torch.equal(draws.uniform(0), first)
    assert draws.uniform(2).shape == (3, 3)
    assert draws.copy.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="1 is not in list"):
        draws.uniform(1)


@pytest.mark.parametrize("p", [0, 1, 0.0, 1.0])
def test_a_probability_of_0_or_1_needs_no_numbers(p):
    assert batch().choose(1, p) is bool(p)


def test_a_probability_uses_the_first_number():
    draws = batch()
    assert torch.equal(draws.choose(2, 0.5), draws.uniform(2)[:, 0] < 0.5)


def test_strength_moves_parameters_towards_the_neutral_one():
    values = torch.tensor([4.0, 4.0, 4.0], dtype=torch.float64)
    assert batch().grade(values, 1.0) is values
    assert batch([1.0, 0.5, 0.25]).grade(values, 2.0).tolist() == [4.0, 3.0, 2.5]
    pairs = torch.tensor([[3.0, 5.0]] * 3)
    assert batch([1.0, 0.5, 0.5]).grade(pairs, (1.0, 1.0)).tolist() == [[3.0, 5.0], [2.0, 3.0], [2.0, 3.0]]


def test_strength_grades_whole_numbers_in_steps():
    sizes = torch.tensor([7, 7, 7])
    assert batch().grade_whole(sizes, 1, step=2) is sizes
    assert batch([1.0, 0.4, 0.1]).grade_whole(sizes, 1, step=2).tolist() == [7, 3, 1]  # 3, 1.2, 0.3 steps
    assert batch([0.5, 0.5, 0.5]).grade_whole(torch.tensor([1, 3, 5]), 0).tolist() == [0, 2, 2]  # halves


def test_integers_must_be_on_the_host():
    with pytest.raises(TypeError, match=r"labels must be an int64 tensor \(n,\), got torch\.float32"):
        check_host_integers("labels", torch.zeros(2), "(n,)")
    with pytest.raises(RuntimeError, match=r"labels must be on the host, .* got meta"):
        check_host_integers("labels", torch.zeros(2, dtype=torch.int64, device="meta"), "(n,)")
