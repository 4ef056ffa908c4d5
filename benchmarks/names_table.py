"""The tables of names of ``docs/guides/other-libraries.md``, from the rules of ``gpuaug/translate``.

python benchmarks/names_table.py           # fails where the page says something else
python benchmarks/names_table.py --write   # writes them, each between its two marks
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from marked_part import MarkedPart, run, table

from gpuaug.transforms.base import Transform
from gpuaug.transforms.compose import Compose, OneOf, RandomApply
from gpuaug.translate.albumentations import CONVERTING as ALBUMENTATIONS_CONVERTING
from gpuaug.translate.albumentations import HOLDING as ALBUMENTATIONS_HOLDING
from gpuaug.translate.albumentations import LIBRARY as ALBUMENTATIONS
from gpuaug.translate.torchvision import CONVERTING as TORCHVISION_CONVERTING
from gpuaug.translate.torchvision import HOLDING as TORCHVISION_HOLDING
from gpuaug.translate.torchvision import LIBRARY as TORCHVISION
from gpuaug.translate.torchvision import PRESETS as TORCHVISION_PRESETS
from gpuaug.translate.translation import Library, Rule

# Of rules whose code makes more for another name.
SHARED_RULES = {"RandomRotate90": ["RandomRotation"]}
CONTAINERS = (Compose, OneOf, RandomApply)
PAGE = Path(__file__).parents[1] / "docs/guides/other-libraries.md"


def names(library: Library, others: set[str]) -> str:
    """What stands between the marks; ``others`` hold transforms or convert images, and the page says how."""
    translated = [[library.name, "gpuaug"]]
    for name in sorted(set(library.rules) - others):
        made = SHARED_RULES.get(name) or made_by(library.rules[name])
        translated.append([f"`{name}`", ", ".join(f"`{kind}`" for kind in made)])
    absent = [["no counterpart", "the nearest"]]
    absent += [[f"`{name}`", library.absent[name]] for name in sorted(library.absent)]
    return "\n".join(["", *table(translated, "---"), "", *table(absent, "---"), "", ""])


def made_by(rule: Rule) -> list[str]:
    """The transforms that a rule makes, by name: those that its code, or a function that it calls, names.

    >>> made_by(TORCHVISION.rules["RandomHorizontalFlip"]), made_by(ALBUMENTATIONS.rules["PixelDropout"])
    (['RandomHorizontalFlip'], ['SaltAndPepper'])
    """
    kinds = {thing for thing in reached(rule, set()) if isinstance(thing, type)}
    made = {kind.__name__ for kind in kinds if issubclass(kind, Transform) and kind not in CONTAINERS}
    return sorted(made - {"Transform"})


def reached(thing: object, seen: set[int]) -> Iterator[object]:
    """A function, what it encloses, and the globals of gpuaug/translate that its code names, and theirs."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    if not isinstance(thing, FunctionType) or not thing.__module__.startswith("gpuaug.translate."):
        return
    for cell in thing.__closure__ or ():
        yield from reached(cell.cell_contents, seen)
    for name in used(thing.__code__):
        if name in thing.__globals__:
            yield from reached(thing.__globals__[name], seen)


def used(code: CodeType) -> Iterator[str]:
    """The names that code uses, and those of the functions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from used(constant)


def _part(library: Library, others: set[str]) -> MarkedPart:
    return MarkedPart(
        PAGE,
        f"<!-- names of {library.name}: benchmarks/names_table.py -->\n",
        f"<!-- end of names of {library.name} -->\n",
        expected=lambda: names(library, others),
    )


PARTS = (
    _part(TORCHVISION, {*TORCHVISION_HOLDING, *TORCHVISION_CONVERTING, *TORCHVISION_PRESETS}),
    _part(ALBUMENTATIONS, {*ALBUMENTATIONS_HOLDING, *ALBUMENTATIONS_CONVERTING}),
)


if __name__ == "__main__":
    run(PARTS, Path(__file__).name, __doc__)
