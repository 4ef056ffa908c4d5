"""The memory of a file loader, measured in a process of its own over two epochs."""

from __future__ import annotations

import multiprocessing
import os
import re
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from file_loaders import FileCase, Library


def resident_memory(library: Library, case: FileCase, epochs: int = 2) -> dict[str, Any]:
    """The resident memory beyond that of the interpreter after its imports, in megabytes (10^6).

    It includes child processes: for each epoch the maximum after any batch, and the value at its end.
    """
    fresh = multiprocessing.get_context("spawn")
    receive, send = fresh.Pipe(duplex=False)
    process = fresh.Process(target=_measure, args=(library, case, epochs, send))
    process.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"measuring memory ended with exit code {process.exitcode}") from None
    finally:
        process.join()


def _measure(library: Library, case: FileCase, epochs: int, answer: Connection) -> None:
    import torch

    import gpuaug  # noqa: F401  # what a training run has imported anyhow

    torch.set_num_threads(case.workers)
    imports = resident()
    found = []
    with library(case) as epoch:
        for _ in range(epochs):
            seen = [resident() for _ in epoch()]
            found.append({"most": _above(max(seen), imports), "end": _above(resident(), imports)})
        peak = _above(_status("self", "VmHWM"), imports)  # between batches too, but of this process only
    answer.send({"imports": round(imports / 1e6), "peak": peak, "epochs": found})


def resident() -> int:
    """The resident bytes of this process and of its child processes."""
    pids: list[Any] = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
    return sum(_status(pid, "VmRSS") for pid in pids)


def _status(pid: int | str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0  # none if the process has just ended


def _above(value: int, imports: int) -> int:
    return round((value - imports) / 1e6)
