"""The front door opens: the README's program runs, and the files that it names are there."""

import re

import torch


def test_the_ten_lines_run(request):
    readme = (request.config.rootpath / "README.md").read_text()
    program = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    names = {}
    exec(compile(program, "README.md", "exec"), names)
    assert names["batch"].shape == (64, 3, 32, 32)
    assert names["batch"].dtype == torch.float32
    assert sorted(names["sampler"].plan_.values()) == [480, 480]


def test_the_map_names_what_is_there(request):
    root = request.config.rootpath
    readme = (root / "README.md").read_text()
    tree = readme[readme.index("gpuaug/\n") : readme.index("benchmarks/         ")]
    folder = None
    for line in tree.splitlines():
        if re.match(r"\S+/$", line):
            folder = line
        elif line.startswith("  ") and folder:
            for name in re.findall(r"\b[\w.]+\.(?:py|h|cpp|cu|cuh)\b", line):
                assert (root / folder / name).exists() or list((root / folder).rglob(name)), name
