"""The front door opens: the README's program runs, and its studies do something."""

import argparse
import re
import shlex

import torch

from gpuaug.sampling import BalancedSampler, Schedule
from gpuaug.study.arms.arms import read_arms
from gpuaug.study.cli.options import add_arguments


def test_the_ten_lines_run(request):
    readme = (request.config.rootpath / "README.md").read_text()
    program = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    names = {}
    exec(compile(program, "README.md", "exec"), names)
    assert names["batch"].shape == (64, 3, 32, 32)
    assert names["batch"].dtype == torch.float32
    assert sorted(names["sampler"].plan_.values()) == [480, 480]


def test_studies_of_the_readme_have_options_and_arms_that_do_something(request):
    readme = (request.config.rootpath / "README.md").read_text()
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    studies = re.findall(r"^gpuaug study (.*)$", readme, re.MULTILINE)
    assert len(studies) >= 4
    for words in studies:
        asked = parser.parse_args(shlex.split(words))
        for name, arm in read_arms(asked.arms, epochs=asked.epochs).items():
            if isinstance(arm.target, Schedule):
                sampler, plans = BalancedSampler([0, 0, 0, 1], arm.target), []
                for epoch in (0, asked.epochs - 1):
                    sampler.set_epoch(epoch)
                    plans.append(sampler.plan_)
                assert plans[0] != plans[1], f"{name} is one target through all epochs of: {words}"
