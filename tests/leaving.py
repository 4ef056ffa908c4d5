"""How a test's process of a gloo group ends."""

import os
import sys

from torch import distributed as dist


def end_process() -> None:
    """Ends the process, without the end of the interpreter.

    gloo's threads outlive ``destroy_process_group`` where a DistributedDataParallel was made. One of them
    that frees a tensor while the interpreter ends asks for its lock, and Python ends the thread within C++
    code that must not be left so: "terminate called without an active exception", now and then, on a machine
    that is busy.
    """
    dist.barrier()  # nobody's peers go away in the middle of a reduction
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
