"""The packages that only the study needs."""

from __future__ import annotations

from importlib.util import find_spec

ALWAYS = ("jinja2", "matplotlib", "PIL", "scipy", "torchmetrics", "tqdm")
IMAGE_FILES = ("PIL", "torchvision")


def require(*packages: str) -> None:
    """Raise unless the packages are installed.

    >>> require("torch")

    Raises:
        RuntimeError: naming what is missing, and how to install it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise RuntimeError(f"the study needs {', '.join(missing)}: pip install 'gpuaug[study]'")
