"""Links every public name that a page or a docstring sets as code to its entry of the reference.

``BalancedSampler``, ``gpuaug.CutOut(8)`` and ``labels_of`` become links; a bare word in lower case does not,
because it may be any variable's name. So do types in signatures, which have the name of their module.
"""

from __future__ import annotations

import functools
import inspect
import re

from docutils import nodes
from public_names import public_names
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

CODE = re.compile(r"(?P<room>gpuaug\.(?:\w+\.)*)?(?P<name>\w+)(?:\(.*\))?", re.DOTALL)


def target(text: str, names: dict[str, str]) -> str | None:
    """The full name that code stands for, or None.

    >>> names = {"CutOut": "gpuaug.CutOut", "power": "gpuaug.sampling.power"}
    >>> target("CutOut(8)", names), target("gpuaug.CutOut", names)
    ('gpuaug.CutOut', 'gpuaug.CutOut')
    >>> target("power", names), target("gpuaug.sampling.power(0.5)", names)
    (None, 'gpuaug.sampling.power')
    """
    found = CODE.fullmatch(text.strip())
    if not found:
        return None
    name = found["name"]
    distinct = found["room"] or name[0].isupper() or "_" in name
    return names.get(name) if distinct else None


@functools.cache
def short_names() -> dict[str, str]:
    """The full name of each public class and function by its last part."""
    return {
        full.rpartition(".")[2]: full
        for full, value in public_names().items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }


class LinkNames(SphinxPostTransform):
    """Before references are resolved: wraps literals that name something public."""

    default_priority = 5

    def run(self, **kwargs: object) -> None:
        names = short_names()
        for literal in list(self.document.findall(nodes.literal)):
            if isinstance(literal.parent, (nodes.reference, nodes.title, addnodes.pending_xref)):
                continue
            full = target(literal.astext(), names)
            if full is None:
                continue
            link = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=full, refdoc=self.env.docname, refexplicit=True
            )
            literal.replace_self(link)
            link += literal


def resolve_type(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    """The link of a type by its module, such as ``gpuaug.sampling.draw.Draw``, if it is public."""
    found = node.get("reftarget", "")
    full = short_names().get(found.rpartition(".")[2]) if found.startswith("gpuaug.") else None
    if full in (None, found):
        return None
    domain = env.domains["py"]
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, content)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(LinkNames)
    app.connect("missing-reference", resolve_type)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
