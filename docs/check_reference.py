"""Whether the reference names every public name once, and nothing else.

python docs/check_reference.py
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from public_names import public_names  # noqa: E402
from reference_pages import made_pages  # noqa: E402

DIRECTIVE = re.compile(r"^\.\. auto(?:class|function|exception|data):: (\S+)$", re.MULTILINE)


def documented() -> Counter[str]:
    """How often each name is in the pages that are written by hand, and in those that are made."""
    pages = [path.read_text() for path in sorted((HERE / "reference").glob("*.md"))]
    return Counter(name for text in [*pages, *made_pages().values()] for name in DIRECTIVE.findall(text))


def faults() -> list[str]:
    """What is missing, named twice, or not public."""
    found, public = documented(), set(public_names())
    return [
        *(f"{name} is not in the reference" for name in sorted(public - set(found))),
        *(f"{name} is in the reference, and is not public" for name in sorted(set(found) - public)),
        *(f"{name} is in the reference {count} times" for name, count in sorted(found.items()) if count > 1),
    ]


if __name__ == "__main__":
    if found := faults():
        raise SystemExit("\n".join(found))
