"""A study prepared from the options of the command: all is checked before anything is trained."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gpuaug.study import extras
from gpuaug.study.cli.options import FIRST_LOOK, MARGIN, MAX_SEEDS, SEEDS

if TYPE_CHECKING:
    from gpuaug.study.arms.arms import Arm
    from gpuaug.study.data.study_data import StudyData
    from gpuaug.study.growing.growing import Goal
    from gpuaug.study.training.training import Protocol
    from gpuaug.study.training.workers import Workers

# (majority_count, ratio) where the user says nothing; everything else stays as it is.
IMBALANCE = {"embedded": (None, 10.0), "cifar10": (4800, 4.0)}


@dataclass(frozen=True)
class PreparedStudy:
    """A study that can begin: every option that a user could have got wrong is checked."""

    command: str
    source: str
    data: StudyData
    minority: tuple[str, ...]
    arms: dict[str, Arm]
    protocol: Protocol
    seeds: int
    first_seed: int
    baseline: str | None
    metric: str
    margin: float
    goal: Goal | None
    candidates: dict[str, Arm]
    search: int | None
    keep: int
    out: Path
    workers: Workers
    refused: dict[str, str]


def prepare(arguments: argparse.Namespace, command: str) -> PreparedStudy:
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

    goal = read_goal(arguments)
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
    check_metric(arguments.metric, data.counts(), minority)
    named = [arguments.baseline] if arguments.baseline else []
    arms, refused = without_refused(arms, data, [*(arguments.arms or []), *named], usual)
    candidates, also = without_refused(candidates, data, arguments.candidates or [], usual)
    check_sizes(data, {**arms, **candidates}, arguments.model)
    if arguments.search is not None:
        hold_out(data)  # checks that every class has an image to spare
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    prepared = PreparedStudy(
        command=command,
        source=arguments.data,
        data=data,
        minority=minority,
        arms=arms,
        protocol=Protocol(arguments.epochs, arguments.batch_size, arguments.model, device),
        seeds=arguments.seeds,
        first_seed=arguments.first_seed,
        goal=goal,
        baseline=baseline,
        metric=arguments.metric,
        margin=arguments.until or arguments.margin or MARGIN,
        candidates=candidates,
        search=arguments.search,
        keep=arguments.keep,
        out=arguments.out,
        workers=workers,
        refused={**refused, **also},
    )
    make_folder(prepared, overwrite=arguments.overwrite)
    return prepared


def check_metric(name: str, counts: dict[str, int], minority: tuple[str, ...]) -> None:
    """Raise unless arms can be compared by it.

    >>> check_metric("recall:shirt", {"t-shirt": 200, "shirt": 20}, ("shirt",))
    """
    from gpuaug.study.spelling import did_you_mean
    from gpuaug.study.statistics.measures import measures, of_class

    known, by_class = measures(counts, minority), of_class(counts)
    if name not in known | by_class:
        raise ValueError(
            f"metric must be of {', '.join(known)}, or recall, precision or f1 of a class, such as "
            f"{next(iter(by_class))}; got {name}{did_you_mean([*known, *by_class], name)}"
        )


def read_goal(arguments: argparse.Namespace) -> Goal | None:
    """The goal of a study that grows, None for others. Also sets ``arguments.seeds`` where the user did not.

    Raises:
        ValueError: options that do not go together, or a last look before the first.
    """
    from gpuaug.study.growing.growing import Goal
    from gpuaug.study.statistics.looks import Looks

    if arguments.until is None:
        given = [name for name in ("max_seeds", "max_minutes") if getattr(arguments, name) is not None]
        if given:
            need = "need" if len(given) > 1 else "needs"
            raise ValueError(
                f"{' and '.join(given)} {need} until: give the difference that matters (--until)"
            )
        arguments.seeds = arguments.seeds or SEEDS
        return None
    if arguments.margin is not None:
        raise ValueError(f"give until or margin, not both, got {arguments.until} and {arguments.margin}")
    arguments.seeds = arguments.seeds or FIRST_LOOK
    looks = Looks.up_to(arguments.max_seeds or MAX_SEEDS, arguments.seeds)
    return Goal(arguments.until, looks, arguments.max_minutes)


def read_candidates(arguments: argparse.Namespace, usual: dict[str, Any]) -> dict[str, Arm]:
    """The arms that a search goes through; none without a search."""
    from gpuaug.study.arms.arms import read_arms
    from gpuaug.study.arms.techniques import TECHNIQUES, grid
    from gpuaug.study.search.search import ladder

    if arguments.search is None:
        if arguments.candidates:
            raise ValueError("candidates are those of a search: give its epochs too (--search)")
        return {}
    candidates = read_arms(arguments.candidates or grid(TECHNIQUES.values()), **usual)
    scheduled = [name for name, arm in candidates.items() if arm.changes]
    if scheduled:
        raise ValueError(
            "candidates must have one target and loss for all epochs, for a search has other epochs than "
            f"the study (arms may have schedules); got {', '.join(scheduled)}"
        )
    ladder(len(candidates), arguments.seeds, arguments.search)  # checks the budget
    return candidates


def load_imbalanced(arguments: argparse.Namespace) -> tuple[StudyData, tuple[str, ...]]:
    """The images, made imbalanced, and their rare classes."""
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
        data = long_tail(balanced, arguments.long_tailed, arguments.majority_count)
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
    """The arms that take such images, and the reasons why others do not. Only arms of a group are left out:
    those that the user named stay.
    """
    from gpuaug.study.arms.arms import groups, read_arm
    from gpuaug.study.arms.techniques import refusal

    wanted = {read_arm(text, **usual)[0] for text in texts if text not in groups(1)}
    reasons = {
        name: refusal(arm.augment(*data.image_shape[1:], seed=0), data.train_images)
        for name, arm in arms.items()
        if name not in wanted
    }
    refused = {name: reason for name, reason in reasons.items() if reason}
    return {name: arm for name, arm in arms.items() if name not in refused}, refused


def check_sizes(data: StudyData, arms: dict[str, Arm], network: str) -> None:
    """Raise unless every arm leaves the images at their size, and the network takes them."""
    from gpuaug.study.training.classifier import find_classifier
    from gpuaug.study.training.networks import check_network, find_network

    shape = data.image_shape
    for name, arm in arms.items():
        given = tuple(arm.augment(*shape[1:], seed=0)(data.train_images[:1]).shape[1:])
        if given != shape:
            raise ValueError(
                f"arms must keep the size of the images, {shape[1]} x {shape[2]}; {name} makes them "
                f"{given[1]} x {given[2]}: end its geometry with Resize(({shape[1]}, {shape[2]}))"
            )
    check_network(network, len(data.classes), *shape)
    if any(arm.objective.cosine or arm.objective.retrained is not None for arm in arms.values()):
        find_classifier(find_network(network).seeded(0, len(data.classes), *shape), len(data.classes))


def check_out(out: Path, overwrite: bool, resume: bool) -> None:
    """Raise where a report would replace something unasked."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, and {out} is a file")
    if out.is_dir() and any(out.iterdir()) and not overwrite and not resume:
        raise ValueError(
            f"out must be a new or empty folder, and {out} is not; --overwrite replaces the study in it, "
            "--resume goes on with it"
        )


def make_folder(prepared: PreparedStudy, overwrite: bool) -> None:
    """Make the folder of the study and write the settings that its runs share.

    With ``overwrite``, the study that is in the folder is removed first.
    """
    from gpuaug.study.search.search import keep_search_settings
    from gpuaug.study.training.settings import keep_settings, run_settings

    if prepared.workers.first:
        if overwrite:
            for name in ("runs", "tensorboard", "gallery"):
                shutil.rmtree(prepared.out / name, ignore_errors=True)
        settings = {
            **run_settings(prepared.data, prepared.protocol),
            "first_seed": prepared.first_seed,
            # What a study may say depends on when it looked, so it cannot become another kind on its way.
            "looks": None if prepared.goal is None else prepared.goal.looks.seeds,
            "until": None if prepared.goal is None else prepared.goal.until,
        }
        keep_settings(prepared.out / "runs", settings)
        if prepared.search is not None:
            folder = prepared.out / "runs" / "search"
            seeds = range(prepared.first_seed, prepared.first_seed + prepared.seeds)
            keep_search_settings(
                folder, prepared.data, prepared.candidates, prepared.protocol, seeds, prepared.search
            )
    prepared.workers.wait()


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
