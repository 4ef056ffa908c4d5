"""The classifier of a network: found, replaced, trained anew."""

import pytest
import torch
from torch import nn

from gpuaug.losses import CosineClassifier
from gpuaug.study.training.classifier import end_in_cosines, find_classifier, renew_classifier
from gpuaug.study.training.networks import find_network

NAMES = {"convnet": "head.0", "resnet32": "head", "resnet18-paper": "network.fc.3"}


@pytest.mark.parametrize("network", NAMES)
def test_the_classifier_of_the_studys_networks(network):
    model = find_network(network).seeded(0, 8, 3, 32, 32)  # 8: as many as some layers have channels
    assert find_classifier(model, 8) == NAMES[network]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mobilenet_v3_small", "squeezenet1_1", "densenet121", "vit_b_32"])
def test_the_classifier_of_torchvisions_networks(network):
    pytest.importorskip("torchvision")
    with torch.device("meta"):
        model = find_network(network).build(7, 3, 224, 224)
    name = find_classifier(model, 7)
    assert name.split(".")[1] in ("classifier", "heads")


def test_a_network_without_a_classifier():
    with pytest.raises(ValueError, match="must end in a linear layer or 1 x 1 convolution of 5 classes"):
        find_classifier(nn.Sequential(nn.Linear(4, 3), nn.Conv2d(3, 5, 3)), 5)


@pytest.mark.parametrize("network", NAMES)
def test_cosines_are_within_1(network):
    model = find_network(network).seeded(0, 3, 1, 32, 32).eval()
    body = {name: value.clone() for name, value in model.state_dict().items() if NAMES[network] not in name}
    end_in_cosines(model, 3)
    assert isinstance(model.get_submodule(NAMES[network]), CosineClassifier)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in body.items())
    out = model(torch.randn(4, 1, 32, 32))
    out = out - out.mean(dim=1, keepdim=True)  # a log-softmax moves all of a row
    assert out.shape == (4, 3)
    assert 0 < out.abs().max() <= 2


@pytest.mark.parametrize("cosine", [False, True])
def test_only_a_new_classifier_learns(cosine):
    model = find_network("convnet").seeded(0, 3, 1, 32, 32)
    if cosine:
        end_in_cosines(model, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    layer = renew_classifier(model, 3, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"head.0.{name}" for name in layer.state_dict()}
    assert {name for name, p in model.named_parameters() if p.requires_grad} == changed
    first = {name: value.clone() for name, value in layer.state_dict().items()}
    assert all(torch.equal(v, first[n]) for n, v in renew_classifier(model, 3, 1).state_dict().items())
    assert not torch.equal(renew_classifier(model, 3, 2).weight, first["weight"])
