"""Suggests known names for one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Collection

MOST = 3  # kinds of name that are offered
FEW = 12  # names that a message lists


def must_be_of(known: Collection[str], got: str) -> str:
    """The end of a message about an unknown name: the known ones, unless they are many, and those like it.

    >>> must_be_of(["hflip", "vflip", "crop"], "hflp")
    'must be of hflip, vflip, crop; got hflp; did you mean hflip?'
    >>> must_be_of([f"arm{n}" for n in range(50)] + ["hflip"], "hflp")
    'must be a name that is known; got hflp; did you mean hflip?'
    """
    meant = did_you_mean(known, got)
    names = "a name that is known" if meant and len(known) > FEW else f"of {', '.join(known)}"
    return f"must be {names}; got {got}{meant}"


def did_you_mean(known: Collection[str], got: str) -> str:
    """
    >>> did_you_mean(["cat", "dog"], "dgo"), did_you_mean(["cat", "dog"], "eel")
    ('; did you mean dog?', '')
    """
    like = closest(known, got)
    return f"; did you mean {like}?" if like else ""


def closest(known: Collection[str], got: str) -> str:
    """The known names most like ``got``, whatever their capitals and underscores; "" where none is.

    >>> closest(["GaussianBlur", "gaussian_blur", "hue"], "gausianblur")
    'GaussianBlur or gaussian_blur'
    """
    plain: dict[str, list[str]] = {}
    for name in known:
        plain.setdefault(_plain(name), []).append(name)
    like = difflib.get_close_matches(_plain(got), plain, n=MOST)
    # The first of several is far ahead where one letter is wrong: then the others are noise.
    if like and _likeness(like[0], got) > 0.85:
        like = [name for name in like if _likeness(name, got) > 0.85]
    return " or ".join(name for of in like for name in plain[of])


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _likeness(name: str, got: str) -> float:
    return difflib.SequenceMatcher(None, name, _plain(got)).ratio()
