"""What the command ``study`` does: check, search, train, report."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gpuaug.study import extras

if TYPE_CHECKING:
    from gpuaug.study.arms.arms import Arm
    from gpuaug.study.data.study_data import StudyData
    from gpuaug.study.training.training import Protocol
    from gpuaug.study.training.workers import Workers

# (majority_count, ratio) where the user says nothing; everything else stays as it is.
IMBALANCE = {"embedded": (None, 10.0), "cifar10": (4800, 4.0)}


@dataclass(frozen=True)
class Job:
    """A study that can begin: everything that the user could have got wrong is checked."""

    command: str
    source: str
    data: StudyData
    minority: tuple[str, ...]
    arms: dict[str, Arm]
    protocol: Protocol
    seeds: int
    baseline: str | None
    metric: str
    margin: float
    candidates: dict[str, Arm]
    search: int | None
    keep: int
    out: Path
    workers: Workers
    refused: dict[str, str]


def prepare(arguments: argparse.Namespace, command: str) -> Job:
    """Check the options, load the images, make the folder; ``command`` is kept for the report.

    Raises:
        ValueError, RuntimeError, OSError: what the user asked for cannot be done.
    """
    extras.require(*extras.ALWAYS)
    # Only now: these need the packages that were just asked for.
    from gpuaug.study.arms.arms import ARMS, read_arms
    from gpuaug.study.search.search import hold_out
    from gpuaug.study.spelling import did_you_mean
    from gpuaug.study.training.networks import find_network
    from gpuaug.study.training.training import Protocol
    from gpuaug.study.training.workers import join_workers

    usual = {"epochs": arguments.epochs, "target": arguments.target, "apply_to": arguments.apply_to}
    arms = read_arms(arguments.arms or tuple(ARMS), **usual)
    candidates = read_candidates(arguments, usual)
    baseline = None if arguments.baseline is None else next(iter(read_arms([arguments.baseline], **usual)))
    if baseline is not None and baseline not in arms:
        meant = did_you_mean(arms, baseline)
        raise ValueError(f"baseline must be of the arms, {', '.join(arms)}; got {baseline}{meant}")
    find_network(arguments.model)
    workers = join_workers()
    device = check_device(arguments.device, workers.local_rank)
    if workers.first:
        check_out(arguments.out, arguments.overwrite, arguments.resume)
    data, minority = load_imbalanced(arguments)
    named = [arguments.baseline] if arguments.baseline else []
    arms, refused = without_refused(arms, data, [*(arguments.arms or []), *named], usual)
    candidates, also = without_refused(candidates, data, arguments.candidates or [], usual)
    check_sizes(data, {**arms, **candidates}, arguments.model)
    if arguments.search is not None:
        hold_out(data)  # checks that every class has an image to spare
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    job = Job(
        command=command,
        source=arguments.data,
        data=data,
        minority=minority,
        arms=arms,
        protocol=Protocol(arguments.epochs, arguments.batch_size, arguments.model, device),
        seeds=arguments.seeds,
        baseline=baseline,
        metric=arguments.metric,
        margin=arguments.margin,
        candidates=candidates,
        search=arguments.search,
        keep=arguments.keep,
        out=arguments.out,
        workers=workers,
        refused={**refused, **also},
    )
    make_folder(job, overwrite=arguments.overwrite)
    return job


def read_candidates(arguments: argparse.Namespace, usual: dict[str, Any]) -> dict[str, Arm]:
    """The arms that a search goes through; none without a search."""
    from gpuaug.sampling import Schedule
    from gpuaug.study.arms.arms import read_arms
    from gpuaug.study.arms.techniques import TECHNIQUES, grid
    from gpuaug.study.search.search import ladder

    if arguments.search is None:
        if arguments.candidates:
            raise ValueError("candidates are those of a search: give its epochs too (--search)")
        return {}
    candidates = read_arms(arguments.candidates or grid(TECHNIQUES.values()), **usual)
    scheduled = [name for name, arm in candidates.items() if isinstance(arm.target, Schedule)]
    if scheduled:
        raise ValueError(
            "candidates must have one target for all epochs, for a search has other epochs than the study "
            f"(arms may have schedules); got {', '.join(scheduled)}"
        )
    ladder(len(candidates), arguments.seeds, arguments.search)  # checks the budget
    return candidates


def load_imbalanced(arguments: argparse.Namespace) -> tuple[StudyData, tuple[str, ...]]:
    """The images, and the classes that are rare among them."""
    from gpuaug.study.data.imbalance import imbalance, long_tail
    from gpuaug.study.data.request import Request
    from gpuaug.study.data.sources import load
    from gpuaug.study.data.study_data import check_known

    balanced = load(
        Request(
            arguments.data,
            arguments.classes,
            arguments.root,
            arguments.download,
            arguments.size,
            arguments.holdout,
            arguments.holdout_seed,
        )
    )
    if arguments.long_tailed is not None:
        if arguments.majority_count is not None:
            raise ValueError(
                f"give long_tailed or majority_count, not both, got {arguments.long_tailed} and "
                f"{arguments.majority_count}"
            )
        data = long_tail(balanced, arguments.long_tailed)
        check_known("minority", arguments.minority or (), data.classes)
        return data, tuple(arguments.minority or data.rare_classes() or [data.smallest_class()])
    majority_count, ratio = (None, None)
    if arguments.data != "cifar10" or set(balanced.classes) == {"cat", "dog"}:
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


def without_refused(
    arms: dict[str, Arm], data: StudyData, texts: list[str], usual: dict[str, Any]
) -> tuple[dict[str, Arm], dict[str, str]]:
    """The arms, but for those of a group that do not take such images, and why each of these does not; those
    that were named stay.
    """
    from gpuaug.study.arms.arms import groups, read_arm
    from gpuaug.study.arms.techniques import refusal

    own = {"target": usual["target"], "apply_to": usual["apply_to"]}
    wanted = {read_arm(text, **own)[0] for text in texts if text not in groups(1)}
    reasons = {
        name: refusal(arm.augment(*data.image_shape[1:], seed=0), data.train_images)
        for name, arm in arms.items()
        if name not in wanted
    }
    refused = {name: reason for name, reason in reasons.items() if reason}
    return {name: arm for name, arm in arms.items() if name not in refused}, refused


def check_sizes(data: StudyData, arms: dict[str, Arm], network: str) -> None:
    """Raise unless every arm leaves the images at their size, and the network takes them."""
    from gpuaug.study.training.networks import check_network

    shape = data.image_shape
    for name, arm in arms.items():
        given = tuple(arm.augment(*shape[1:], seed=0)(data.train_images[:1]).shape[1:])
        if given != shape:
            raise ValueError(
                f"arms must keep the size of the images, {shape[1]} x {shape[2]}; {name} makes them "
                f"{given[1]} x {given[2]}: end its geometry with Resize(({shape[1]}, {shape[2]}))"
            )
    check_network(network, len(data.classes), *shape)


def check_out(out: Path, overwrite: bool, resume: bool) -> None:
    """Raise where a report would replace something unasked."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, and {out} is a file")
    if out.is_dir() and any(out.iterdir()) and not overwrite and not resume:
        raise ValueError(
            f"out must be a new or empty folder, and {out} is not; --overwrite replaces the study in it, "
            "--resume goes on with it"
        )


def make_folder(job: Job, overwrite: bool) -> None:
    """The folder of the study, with what all its runs depend on; what was there goes, if so asked."""
    from gpuaug.study.report.report import versions
    from gpuaug.study.search.search import keep_search_settings
    from gpuaug.study.training.settings import keep_settings

    if job.workers.first:
        if overwrite:
            for folder in ("runs", "tensorboard", "gallery"):
                shutil.rmtree(job.out / folder, ignore_errors=True)
        settings = {
            "data": job.data.fingerprint(),
            "model": job.protocol.network,
            "epochs": job.protocol.epochs,
            "batch_size": job.protocol.batch_size,
            "device": torch.device(job.protocol.device).type,
            "threads": torch.get_num_threads(),
            "versions": {name: versions()[name] for name in ("gpuaug", "torch")},
        }
        keep_settings(job.out / "runs", settings)
        if job.search is not None:
            keep_search_settings(job.out / "runs" / "search", job.candidates, job.seeds, job.search)
    job.workers.wait()


def run(job: Job) -> None:
    """Train, print the tables, write the report."""
    from gpuaug.study.report.report import write_report
    from gpuaug.study.report.study import Study
    from gpuaug.study.report.tables import as_text, effects_table, summary_table
    from gpuaug.study.search.search import search
    from gpuaug.study.statistics.effects import effects
    from gpuaug.study.training.comparison import compare
    from gpuaug.study.training.logs import TensorBoardLog, why_no_tensorboard, write_metrics
    from gpuaug.study.training.rows import LAST_EPOCHS

    say = print if job.workers.first else lambda *words, **options: None
    counts = ", ".join(f"{count:,} {name}" for name, count in job.data.counts().items())
    epochs, missing = job.protocol.epochs, why_no_tensorboard()
    say(f"{counts}; arms: {len(job.arms)}, seeds: {job.seeds}, epochs: {epochs}", flush=True)
    if job.data.holdout is not None:
        say(job.data.holdout, flush=True)
    for name, reason in job.refused.items():
        say(f"left out, {name}: {reason}", flush=True)
    if missing:
        say(missing, flush=True)

    def log(folder: str) -> TensorBoardLog | None:
        return None if missing else TensorBoardLog(job.out / "tensorboard" / folder, job.data.classes)

    runs, seeds, arms = job.out / "runs", range(job.seeds), dict(job.arms)
    found = []
    if job.search is not None:
        found = search(
            job.data,
            job.candidates,
            job.protocol,
            runs / "search",
            seeds=seeds,
            budget=job.search,
            log=log("search"),
            said=say,
            workers=job.workers,
        )
        arms |= {of.arm: job.candidates[of.arm] for of in found[: job.keep]}
    rows = compare(
        job.data,
        arms,
        job.protocol,
        runs,
        seeds=seeds,
        log=log("study"),
        finished=lambda rows: write_metrics(job.out / "metrics.csv", rows, job.data.classes),
        workers=job.workers,
    )
    if not job.workers.first:
        return
    study = Study(
        command=job.command,
        source=job.source,
        data=job.data,
        minority=job.minority,
        arms=arms,
        protocol=job.protocol,
        seeds=job.seeds,
        rows=rows,
        effects=effects(
            rows,
            job.data.counts(),
            job.minority,
            baseline=job.baseline or next(iter(arms)),
            metric=job.metric,
            margin=job.margin,
        ),
        candidates=found,
        search=job.search,
        refused=job.refused,
    )
    files = write_report(job.out, study)
    print(f"\nMean of the last {min(LAST_EPOCHS, epochs)} epochs ± standard deviation over the seeds:\n")
    print(as_text(summary_table(study.summaries(), job.minority)))
    if len(arms) > 1:
        print(f"\n{job.metric} against {study.effects.baseline}, difference [95 % interval]:\n")
        print(as_text(effects_table(study.effects)))
        print(f"\n{study.effects.caution}")
    print(f"\n{study.conclusion()}")
    print(f"\nIn {job.out}: {', '.join(files)}")


def check_device(name: str | None, local_rank: int | None = None) -> torch.device:
    """The device, or the one to take where none is named: of several processes, one each.

    >>> check_device("cpu")
    device(type='cpu')
    """
    if name is None:
        gpus = torch.cuda.device_count()
        if gpus == 0:
            return torch.device("cpu")
        return torch.device("cuda") if local_rank is None else torch.device("cuda", local_rank % gpus)
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu, cuda or cuda:N, got {name}")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"device {name} is not here: PyTorch sees {torch.cuda.device_count()} CUDA devices"
        )
    return device
