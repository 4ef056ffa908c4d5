"""The scripts of the site are no package: they are imported from their folders."""

import sys
from pathlib import Path

HOME = Path(__file__).parents[2] / "docs"
for folder in (HOME, HOME / "_ext"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

if not HOME.is_dir():  # the sdist has no site
    collect_ignore_glob = ["test_*.py"]
