"""Arrows one way: which room of the package may import which, and that no two modules import each other.

Every import counts, also inside a function and under ``TYPE_CHECKING``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# A room, and the rooms that it may import. The package itself (``gpuaug/__init__.py``) exports from all.
ROOMS = {
    "arguments": "",
    "lazy_kornia": "",
    "random": "",
    "tracing": "",
    "images": "",
    "losses": "tracing",
    "recipe": "arguments images random",
    "stages": "arguments lazy_kornia images random recipe",
    "ops": "arguments lazy_kornia images random tracing recipe stages",
    "travel": "images recipe tracing",
    "per_draw": "tracing travel",
    "functional": "arguments lazy_kornia images random recipe stages ops tracing travel per_draw",
    "transforms": "arguments lazy_kornia images random recipe stages ops tracing travel functional",
    "translate": "transforms",
    "files": "images ops.backends",
    "sampling": "arguments random ops.backends",
    "loading": "arguments images random recipe travel functional transforms files sampling",
    "study": "gpuaug images losses random ops.backends transforms files sampling loading",
    "__main__": "study ops.backends",
}
STUDY = {
    "extras": "",
    "spelling": "",
    "data": "extras spelling",
    "arms": "spelling",
    "training": "spelling data arms",
    "statistics": "training",
    "search": "data arms training statistics",
    "growing": "data arms training statistics",
    "report": "data arms training statistics search",
    "cli": "extras spelling data arms training statistics search growing report",
}

Import = tuple[str, int, str]  # module, line, what it imports


def imports(sources: dict[str, str]) -> Iterator[Import]:
    """Every import of the modules, ``{name: text}``, among themselves."""
    for module, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            named = []
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}:{node.lineno} imports relatively"
                full = [f"{node.module}.{alias.name}" for alias in node.names]
                named = [name if name in sources else str(node.module) for name in full]
            yield from ((module, node.lineno, name) for name in named if name in sources)


def room_of(module: str, within: str) -> str:
    """The part of a module's name after ``within``; "gpuaug" for the package itself."""
    return module.removeprefix(f"{within}.").partition(".")[0]


def against(sources: dict[str, str], rooms: dict[str, str], within: str) -> list[str]:
    """The imports that the rooms do not allow, each with its file and line."""
    found = []
    for module, line, name in imports(sources):
        if not (module.startswith(f"{within}.") and (name == within or name.startswith(f"{within}."))):
            continue
        room, other = room_of(module, within), room_of(name, within)
        allowed = rooms[room].split()
        if room != other and other not in allowed and name.removeprefix(f"{within}.") not in allowed:
            found.append(f"{module.replace('.', '/')}.py:{line}: {room} imports {other} ({name})")
    return found


def circles(sources: dict[str, str]) -> list[str]:
    """The modules that import themselves by way of others. One is taken away at a time that imports none."""
    arrows = {module: set[str]() for module in sources}
    for module, _, name in imports(sources):
        arrows[module].add(name)
    while free := [module for module, names in arrows.items() if not names & arrows.keys() - {module}]:
        for module in free:
            del arrows[module]
    while free := [module for module in arrows if not any(module in arrows[other] for other in arrows)]:
        for module in free:
            del arrows[module]
    return sorted(arrows)


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    root = Path(__file__).parents[1]
    found = {}
    for path in (root / "gpuaug").rglob("*.py"):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        found[name] = path.read_text()
    return found


def test_every_room_is_listed(sources: dict[str, str]):
    assert {room_of(name, "gpuaug") for name in sources} == {*ROOMS, "gpuaug"}
    inside = {name for name in sources if name.startswith("gpuaug.study.")}
    assert {room_of(name, "gpuaug.study") for name in inside} == set(STUDY)


def test_no_room_imports_one_above_it(sources: dict[str, str]):
    assert against(sources, ROOMS, "gpuaug") == []


def test_no_room_of_the_study_imports_one_above_it(sources: dict[str, str]):
    assert against(sources, STUDY, "gpuaug.study") == []


def test_no_two_modules_import_each_other(sources: dict[str, str]):
    assert circles(sources) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f():\n    import gpuaug.loading.loader", "gpuaug/images/batch.py:2: images imports loading"),
        ("from gpuaug.loading import loader", "gpuaug/images/batch.py:1: images imports loading"),
        ("from gpuaug.loading.loader import Loader", "gpuaug/images/batch.py:1: images imports loading"),
        ("from gpuaug.images import packed", ""),
    ],
)
def test_an_arrow_back_is_found(text: str, message: str):
    made = {"gpuaug.images.batch": text, "gpuaug.images.packed": "", "gpuaug.loading": ""}
    found = against(made | {"gpuaug.loading.loader": "import gpuaug.images.packed"}, ROOMS, "gpuaug")
    assert [found[0][: len(message)]] == [message] if message else found == []


def test_a_part_of_a_room_may_be_all_that_is_allowed():
    made = {"gpuaug.sampling.order": "from gpuaug.ops import backends, floating"}
    made |= {"gpuaug.ops": "", "gpuaug.ops.backends": "", "gpuaug.ops.floating": ""}
    (found,) = against(made, ROOMS, "gpuaug")
    assert found == "gpuaug/sampling/order.py:1: sampling imports ops (gpuaug.ops.floating)"


def test_a_circle_is_found():
    made = {"a": "import b", "b": "if TYPE_CHECKING:\n    from c import d", "c": "import a", "e": "import a"}
    assert circles(made) == ["a", "b", "c"]
    assert circles(made | {"c": ""}) == []
