"""The bytes of an encoded image, read from a path, bytes, or a dictionary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def read_encoded(item: Any) -> bytearray:
    """Reads the bytes of an encoded image: a path, bytes, an Arrow scalar, or Hugging Face's undecoded image.

    >>> read_encoded(b"abc"), read_encoded({"bytes": b"abc", "path": None})
    (bytearray(b'abc'), bytearray(b'abc'))

    Raises:
        OSError: the file cannot be read.
        TypeError: the item is of another type.
    """
    item = _plain(item)
    if isinstance(item, (str, os.PathLike)):
        with open(item, "rb") as file:
            data = bytearray(os.fstat(file.fileno()).st_size)
            return data[: file.readinto(data)] + file.read()  # a file may grow, and a pipe has no size
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytearray(item)
    raise TypeError(
        "files must hold paths, bytes, or dictionaries with an entry 'path' or 'bytes', "
        f"got {type(item).__name__}"
    )


def name_encoded(item: Any) -> str:
    """The path of an encoded image; "" if it has none.

    >>> name_encoded("a/b.jpg"), name_encoded(b"abc")
    ('a/b.jpg', '')
    """
    if isinstance(item, Mapping) and item.get("path"):
        return str(item["path"])
    item = _plain(item)
    return str(item) if isinstance(item, (str, os.PathLike)) else ""


def _plain(item: Any) -> Any:
    """The path or the bytes of an item."""
    if hasattr(item, "as_py"):  # an Arrow scalar
        item = item.as_py()
    if isinstance(item, Mapping) and item.keys() & {"bytes", "path"}:
        given = item.get("bytes")
        return item.get("path") if given is None else given
    return item
