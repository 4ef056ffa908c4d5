"""How Sphinx builds the site. It needs no network: nothing is fetched, no other project's index is read."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import gpuaug  # noqa: E402

project = "gpuaug"
release = version = gpuaug.__version__
copyright = "the authors of gpuaug"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "attribute_names",
    "command_help",
    "name_links",
    "reference_pages",
    "technique_pages",
]
exclude_patterns = ["_build", "requirements.txt"]
templates_path: list[str] = []
nitpicky = True
# Types of other libraries, whose documentation this build does not read, and types inside gpuaug: those that
# are public have a link by name_links.
nitpick_ignore_regex = [("py:.*", r"(?!gpuaug\.).*"), ("py:.*", r"gpuaug(\.\w+){2,}")]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
smartquotes_action = "D"  # dashes alone: a setting's "value" is typed as it stands
python_maximum_signature_line_length = 72
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "gpuaug"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": False}
html_show_sourcelink = False
html_copy_source = False
html_scaled_image_link = False  # the pictures of a technique are as large as they are

# The gallery, of the scripts that are there.
if any((HERE.parent / "examples").glob("*.py")):
    extensions.append("sphinx_gallery.gen_gallery")
    sphinx_gallery_conf = {
        "examples_dirs": "../examples",
        "gallery_dirs": "examples",
        "filename_pattern": "",
        "abort_on_example_error": True,
        "download_all_examples": False,
        "notebook_extensions": set(),  # the examples read a command line, which a notebook does not have
        "show_memory": False,
        "min_reported_time": 60,
        "remove_config_comments": True,
        "show_signature": False,
        "within_subsection_order": "FileNameSortKey",
        "default_thumb_file": str(HERE / "pictures/draws.png"),
    }
