"""The command line of the study."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gpuaug.study import extras

if TYPE_CHECKING:
    from gpuaug.study.data import StudyData

# (majority_count, ratio) where the user says nothing; a folder stays as it is.
IMBALANCE = {"embedded": (None, 10.0), "cifar10": (4800, 4.0)}


KINDS = {int: "an integer", float: "a number"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m gpuaug study``."""
    parser.description = (
        "Trains a small network under several ways to meet class imbalance, and compares them."
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        default="embedded",
        help="'embedded' (T-shirts against shirts, the default), 'cifar10', or a folder with train/ and "
        "test/, each with a folder of images for every class",
    )
    data.add_argument(
        "--classes", type=names, metavar="A,B,...", help="default: cat,dog of cifar10, all of a folder"
    )
    data.add_argument("--root", type=Path, default=Path("data"), help="where cifar10 lies (default: data)")
    data.add_argument("--download", action="store_true", help="download cifar10 to --root")
    data.add_argument(
        "--size", type=number(int, 1), help="resize the images of a folder to this many pixels square"
    )
    rare = parser.add_argument_group("imbalance", "the first images of each class are kept, by file name")
    rare.add_argument(
        "--minority", nargs="+", metavar="CLASS", help="classes to make rare (default: the smallest, or last)"
    )
    rare.add_argument(
        "--majority-count", type=number(int, 1), metavar="N", help="images of every other class"
    )
    few = rare.add_mutually_exclusive_group()
    few.add_argument(
        "--minority-count", type=number(int, 1), metavar="N", help="images of every minority class"
    )
    few.add_argument(
        "--ratio",
        type=number(float, 1),
        help="images of the largest other class for one of a minority class "
        "(default: 10 for embedded, 4 and 4,800 images for cifar10; a folder stays as it is)",
    )
    training = parser.add_argument_group("training")
    training.add_argument("--arms", nargs="+", metavar="ARM", help="default: all of them")
    training.add_argument("--epochs", type=number(int, 1), default=5, help="default: %(default)s")
    training.add_argument("--seeds", type=number(int, 1), default=2, help="how many (default: %(default)s)")
    training.add_argument("--batch-size", type=number(int, 1), default=64, help="default: %(default)s")
    training.add_argument("--device", help="default: cuda where there is one, else cpu")
    training.add_argument(
        "--threads", type=number(int, 1), help="of PyTorch on the CPU (default: its own choice)"
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", type=Path, default=Path("results/study"), help="folder (default: %(default)s)"
    )
    results.add_argument("--overwrite", action="store_true", help="replace the study that is in --out")


@dataclass(frozen=True)
class Job:
    """A study that can begin: everything that the user could have got wrong is checked."""

    command: str
    data: StudyData
    minority: tuple[str, ...]
    arms: tuple[str, ...]
    seeds: int
    epochs: int
    batch_size: int
    device: torch.device
    source: str
    out: Path


def prepare(arguments: argparse.Namespace, command: str) -> Job:
    """Check the options, load the images, make the folder; ``command`` is kept for the report.

    Raises:
        ValueError, RuntimeError, OSError: what the user asked for cannot be done.
    """
    extras.require(*extras.ALWAYS)
    # Only now: these need the packages that were just asked for.
    from gpuaug.study.arms import ARMS, check_arms
    from gpuaug.study.models import check_image_size
    from gpuaug.study.report import check_out

    arms = check_arms(arguments.arms or tuple(ARMS))
    device = check_device(arguments.device)
    check_out(arguments.out, arguments.overwrite)
    data, minority = load_imbalanced(arguments)
    check_image_size(*data.image_shape[1:])
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    return Job(
        command=command,
        data=data,
        minority=minority,
        arms=arms,
        seeds=arguments.seeds,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        device=device,
        source=arguments.data,
        out=arguments.out,
    )


def load_imbalanced(arguments: argparse.Namespace) -> tuple[StudyData, tuple[str, ...]]:
    """The images, and the classes that are rare among them."""
    from gpuaug.study.data import Request, imbalance, load

    balanced = load(
        Request(arguments.data, arguments.classes, arguments.root, arguments.download, arguments.size)
    )
    majority_count, ratio = IMBALANCE.get(arguments.data, (None, None))
    minority = tuple(arguments.minority or [balanced.smallest_class()])
    data = imbalance(
        balanced,
        minority,
        majority_count=arguments.majority_count or majority_count,
        minority_count=arguments.minority_count,
        ratio=arguments.ratio or (None if arguments.minority_count else ratio),
    )
    return data, minority


def run(job: Job) -> None:
    """Train, print the table, write the report."""
    from gpuaug.study.comparison import compare
    from gpuaug.study.report import Study, write_report
    from gpuaug.study.summary import LAST_EPOCHS, table

    counts = ", ".join(f"{count:,} {name}" for name, count in job.data.counts().items())
    print(f"{counts}; arms: {len(job.arms)}, seeds: {job.seeds}, epochs: {job.epochs}", flush=True)
    rows = compare(
        job.data, job.arms, seeds=job.seeds, epochs=job.epochs, batch_size=job.batch_size, device=job.device
    )
    settings = {
        "data": job.source,
        "arms": job.arms,
        "seeds": job.seeds,
        "epochs": job.epochs,
        "batch_size": job.batch_size,
        "device": str(job.device),
    }
    study = Study(job.command, settings, job.data, job.minority, rows)
    write_report(job.out, study)
    print(f"\nMean of the last {min(LAST_EPOCHS, job.epochs)} epochs ± standard deviation over the seeds:\n")
    print(table(study.summaries(), job.minority))
    print(f"\nIn {job.out}: report.json, metrics.csv, curves.png, draws.png")


def check_device(name: str | None) -> torch.device:
    """The device, or the one to take where none is named.

    >>> check_device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu, cuda or cuda:N, got {name}")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"device {name} is not here: PyTorch sees {torch.cuda.device_count()} CUDA devices"
        )
    return device


def names(text: str) -> list[str]:
    """
    >>> names("cat,dog")
    ['cat', 'dog']
    """
    return text.split(",")


def number(kind: type, least: int) -> Callable[[str], float]:
    """An ``argparse`` type: an int or a float that is at least ``least``."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {KINDS[kind]}, got {text!r}") from None
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"must be finite and at least {least}, got {text}")
        return value

    return read
