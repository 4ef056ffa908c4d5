"""The networks by name: their sizes, outputs, losses, and what is said of images that do not fit."""

import pytest
import torch
import torch.nn.functional as F

from gpuaug.study.training.networks import NETWORKS, check_network, find_network, long_tailed_rate


def parameters(name, classes, channels=3, size=32):
    network = find_network(name).seeded(0, classes, channels, size, size)
    return sum(p.numel() for p in network.parameters())


def test_paper_resnet18_is_torchvisions_but_for_the_head():
    published = 11_689_512  # of torchvision's resnet18 with 1,000 classes
    head = (512 * 512 + 512) + (512 * 2 + 2)
    assert parameters("resnet18-paper", 2) == published - (512 * 1000 + 1000) + head


def test_paper_head_gives_log_probabilities_and_is_trained_on_them():
    network = find_network("resnet18-paper")
    model = network.seeded(0, 2, 3, 32, 32)
    assert [type(layer).__name__ for layer in model.network.fc] == [
        "Linear", "ReLU", "Dropout", "Linear", "LogSoftmax"
    ]  # fmt: skip
    assert model.network.fc[2].p == 0.2
    out = model(torch.rand(4, 3, 32, 32))
    torch.testing.assert_close(out.exp().sum(dim=1), torch.ones(4))
    assert network.loss is F.nll_loss


def test_resnet32_has_the_published_size():
    # 32 layers, 0.46 million parameters (He et al., table 6).
    convolutions = 3 * 16 * 9 + 10 * 16 * 16 * 9 + (16 * 32 + 9 * 32 * 32) * 9 + (32 * 64 + 9 * 64 * 64) * 9
    norms = 2 * (11 * 16 + 10 * 32 + 10 * 64)
    assert parameters("resnet32", 10) == convolutions + norms + 64 * 10 + 10 == 464_154
    layers = [
        module
        for module in find_network("resnet32").seeded(0, 10, 3, 32, 32).modules()
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))
    ]
    assert len(layers) == 32


def test_rate_of_a_short_study_is_in_proportion():
    assert [long_tailed_rate(epoch, 10) for epoch in range(10)] == pytest.approx([1.0] * 8 + [0.01, 0.0001])


@pytest.mark.parametrize("name", [*NETWORKS, "squeezenet1_1"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_network_takes_grey_and_color(name, channels):
    check_network(name, 3, channels, 32, 32)
    model = find_network(name).seeded(0, 3, channels, 32, 32)
    assert model(torch.rand(2, channels, 32, 32)).shape == (2, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_weights_and_the_global_generator_is_left_alone(name):
    before = torch.get_rng_state()
    first, second, other = (find_network(name).seeded(seed, 2, 3, 32, 32).state_dict() for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_wrong_networks():
    with pytest.raises(ValueError, match=r"model must be of convnet, .* got fasterrcnn_resnet50_fpn"):
        find_network("fasterrcnn_resnet50_fpn")
    with pytest.raises(ValueError, match="model alexnet does not take images of 3 x 16 x 16: "):
        check_network("alexnet", 2, 3, 16, 16)
    with pytest.raises(ValueError, match="images must be at least 16 pixels"):
        check_network("convnet", 2, 3, 8, 8)
