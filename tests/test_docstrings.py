"""Docstrings of public names: complete for a reader of ``help()``, and of the reference made from them."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import gpuaug

ROOT = Path(__file__).parents[1] / "gpuaug"
QUESTIONS = ("What", "Whom", "Where", "Who", "How", "Which", "Whose")
PUBLIC = ("files", "functional", "images", "loading", "losses", "sampling", "transforms", "translate")
SECTIONS = ("Args", "Attributes", "Raises", "Returns", "Warns", "Yields")


def modules():
    for name in PUBLIC:
        module = importlib.import_module(f"gpuaug.{name}")
        yield module
        for _, path, _ in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
            yield importlib.import_module(path)


def is_own_function(value, module):
    return inspect.isfunction(value) and value.__module__ == module.__name__ and value.__name__[0] != "_"


def public_objects():
    """Each class and function of an ``__all__``, and of ``functional``, once."""
    found = {}
    for module in (gpuaug, *modules()):
        names = getattr(module, "__all__", ())
        if module is gpuaug.functional:
            names = [name for name, value in vars(module).items() if is_own_function(value, module)]
        for name in names:
            thing = getattr(module, name)
            is_own = getattr(thing, "__module__", "").startswith("gpuaug.")
            if is_own and (inspect.isclass(thing) or inspect.isfunction(thing)):
                found[id(thing)] = thing
    return sorted(found.values(), key=lambda thing: (thing.__module__, thing.__qualname__))


OBJECTS = public_objects()
every_object = pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing.__qualname__)
FILES = sorted(ROOT.rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def docstring(thing):
    """The object's own, as ``help()`` shows it; a docstring of a base does not count."""
    return inspect.cleandoc(
        vars(thing).get("__doc__") or "" if inspect.isclass(thing) else thing.__doc__ or ""
    )


def section(text, name):
    """The entries of a section, by name: ``low, high: the ends`` has two names."""
    _, _, after = text.partition(f"\n{name}:\n")
    lines = "".join(re.findall(r"\A(?:    .*\n?|\n(?=    ))*", after))
    entries = re.findall(r"^    (\*{0,2}\w[\w, *]*): (.*(?:\n {8}.*)*)", lines, re.M)
    return {name: " ".join(meaning.split()) for names, meaning in entries for name in names.split(", ")}


def parameters(thing):
    if inspect.isclass(thing) and issubclass(thing, Warning):
        return []
    return [
        name
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def is_record(thing):
    """Whether fields are described as ``Attributes``: of dataclasses and named tuples."""
    return inspect.isclass(thing) and (hasattr(thing, "__dataclass_fields__") or hasattr(thing, "_fields"))


def raised_by(thing):
    """The errors that a constructor or function raises by itself, or by a check of its settings."""
    if is_record(thing):
        return set()
    if not inspect.isclass(thing):
        source = inspect.getsource(thing)
    else:
        own = [
            base
            for base in thing.__mro__
            if base.__module__.startswith("gpuaug.") and "__init__" in vars(base)
        ]
        source = "".join(inspect.getsource(inspect.unwrap(base.__init__)) for base in own)
    ranges = importlib.import_module("gpuaug.transforms.ranges")
    checks = "|".join(
        name for name, value in vars(ranges).items() if inspect.isfunction(value) and name[0] != "_"
    )
    errors = set(re.findall(r"raise (ValueError|TypeError)\b", source))
    return errors | (
        {"ValueError"} if re.search(rf"= \(?(?:{checks})\(\"|_per_draw\(|read_counts\(", source) else set()
    )


def test_the_public_names_are_found():
    names = {thing.__qualname__ for thing in public_objects()}
    assert {"RandomErasing", "BalancedSampler", "crop_resize", "inverse_weights", "from_torchvision"} <= names
    assert len(names) > 90


@every_object
def test_begins_with_a_line_that_is_a_sentence(thing):
    first = docstring(thing).splitlines()[0]
    assert first.endswith(".")
    assert first.split()[0].rstrip(",") not in (*QUESTIONS, "Whether")


@every_object
def test_has_an_example_that_runs(thing):
    if inspect.isclass(thing) and issubclass(thing, Warning):
        return
    assert ">>>" in docstring(thing)


@every_object
def test_describes_every_parameter(thing):
    text = docstring(thing)
    described = section(text, "Args") | (section(text, "Attributes") if is_record(thing) else {})
    missing = [name for name in parameters(thing) if name not in described]
    assert not missing, f"help({thing.__qualname__}) does not describe {', '.join(missing)}"


@every_object
def test_describes_no_other_parameter(thing):
    unknown = set(section(docstring(thing), "Args")) - set(parameters(thing))
    assert not unknown


@every_object
def test_says_which_errors_it_raises(thing):
    named = ", ".join(section(docstring(thing), "Raises"))
    missing = [error for error in raised_by(thing) if error not in named]
    assert not missing, f"help({thing.__qualname__}) does not name {', '.join(missing)}"


@every_object
def test_is_written_in_restructured_text(thing):
    """Literals have two backticks, no star opens emphasis, and a list follows an empty line."""
    prose = re.sub(r"``[^`]+``|:\w+:`[^`]+`", "literal", docstring(thing))
    lines = [line for line in prose.splitlines() if not re.match(r" *(>>>|\.\.\. )", line)]
    for before, line in zip(["", *lines], lines, strict=False):
        assert "`" not in line
        is_item = re.match(r" *[-*] ", line)
        assert not is_item or not before.strip() or re.match(r" *[-*] |  ", before)
    for paragraph in re.split(r"\n *\n", prose):
        if ">>>" not in paragraph:
            assert not re.search(r"(?<![\w*])\*{1,2}(?=[^\s*])|\b\w+_(?!\w)", paragraph)


@every_object
def test_names_its_sections_as_napoleon_reads_them(thing):
    for line in docstring(thing).splitlines():
        found = re.fullmatch(r"(\w+):", line)
        assert not found or found[1] in SECTIONS


@every_file
def test_no_docstring_begins_with_a_question(path):
    """Also of what is private: it says what a thing is or does, not what someone may ask."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            words = (ast.get_docstring(node) or "-").split()
            assert words[0].rstrip(",") not in QUESTIONS, f"line {getattr(node, 'lineno', 1)}: {words}"
