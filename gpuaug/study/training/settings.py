"""The settings that a study shares with its continuation: the runs on disk are of them, and of no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpuaug.study.training.files import replace_file

FILE = "plan.json"  # the name that it had in the studies of earlier versions


def keep_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write the settings that all runs in a folder share; raise where the folder has other ones.

    Raises:
        ValueError: naming the setting that differs, with both values.
    """
    file = folder / FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(settings, indent=1) + "\n"
        replace_file(file, lambda part: part.write_text(text, encoding="utf-8"))
        return
    there = json.loads(file.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(settings))
    for name in wanted:
        if there.get(name) != wanted[name]:
            raise ValueError(
                f"resume needs the study's own {name}: it was begun with {there.get(name)}, and is now given "
                f"{wanted[name]}"
            )
