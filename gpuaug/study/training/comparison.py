"""All arms, all seeds: the rows that the report is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tqdm.auto import tqdm

from gpuaug.study.arms.arm_digest import arm_digest
from gpuaug.study.arms.arms import Arm
from gpuaug.study.data.study_data import StudyData
from gpuaug.study.training.files import run_folder
from gpuaug.study.training.logs import EpochLog
from gpuaug.study.training.rows import Row
from gpuaug.study.training.runs import advance
from gpuaug.study.training.settings import keep_arms, keep_settings, run_settings
from gpuaug.study.training.training import Protocol, Training
from gpuaug.study.training.workers import ALONE, Workers


def compare(
    data: StudyData,
    arms: Mapping[str, Arm],
    protocol: Protocol,
    folder: Path,
    *,
    seeds: Sequence[int],
    until: int | None = None,
    log: EpochLog | None = None,
    finished: Callable[[Sequence[Row]], None] = lambda rows: None,
    workers: Workers = ALONE,
) -> list[Row]:
    """Train every arm under every seed. On a terminal, a bar counts epochs.

    >>> from tempfile import mkdtemp
    >>> from gpuaug.study.arms.arms import read_arms
    >>> from gpuaug.study.data.imbalance import imbalance
    >>> from gpuaug.study.data.request import Request
    >>> from gpuaug.study.data.sources import load
    >>> data = imbalance(load(Request("embedded")), ["shirt"], majority_count=64, minority_count=16)
    >>> arms = read_arms(["imbalanced", "hflip"])
    >>> len(compare(data, arms, Protocol(epochs=1), Path(mkdtemp()), seeds=[0]))
    imbalanced, seed 0: accuracy ...
    hflip, seed 0: accuracy ...
    2

    Args:
        arms: by name; a run on the disk has its arm's name and its seed.
        folder: where the runs are kept; what it has already is not trained again.
        until: the epochs of every run, by default all of the protocol's; with fewer, the weights stay, so
            that a later call goes on.
        log: what is told of every new epoch.
        finished: what is told of all rows so far, whenever a run is over.
        workers: the processes that share the runs; each returns all rows.

    Raises:
        ValueError: the folder has runs of other images, of another protocol, or of another arm of the same
            name.
    """
    if workers.first:
        keep_settings(folder, run_settings(data, protocol))
        counts = data.train_labels.bincount(minlength=len(data.classes))
        of = (counts, *data.image_shape[1:], protocol.epochs)
        keep_arms(folder, [(arm.run or name, arm_digest(arm, *of)) for name, arm in arms.items()])
    workers.wait()
    until = protocol.epochs if until is None else until
    final = until == protocol.epochs
    rows: list[Row] = []

    def run(arm: str, seed: int, log: EpochLog | None) -> list[Row]:
        begin = lambda: Training(data, arms[arm], seed, protocol)  # noqa: E731
        found = []
        for epoch in advance(run_folder(folder, trained(arm), seed), begin, until, final=final):
            epoch = epoch.read_as(arms[arm].objective.reading)
            found.append(Row(arm, seed, epoch))
            if log is not None:
                log.add(arm, seed, epoch)
            bar.update()
        return found

    def trained(arm: str) -> str:
        """The arm whose run this is: arms that differ in their reading alone share one."""
        return arms[arm].run or arm

    runs = [(arm, seed) for seed in seeds for arm in arms]
    with tqdm(total=len(runs) * until, unit="epoch", disable=None if workers.first else True) as bar:
        if workers.count > 1:
            once: dict[tuple[str, int], tuple[str, int]] = {}
            for arm, seed in runs:
                once.setdefault((trained(arm), seed), (arm, seed))
            for arm, seed in workers.share(list(once.values())):
                run(arm, seed, log)
            workers.wait()
            bar.reset()
            log = None  # from here on, all runs are read from the disk
        for arm, seed in runs:
            bar.set_description(f"{arm}, seed {seed}")
            rows += run(arm, seed, log)
            if workers.first:
                bar.write(f"{arm}, seed {seed}: accuracy {rows[-1].epoch.score.accuracy:.3f}")
                finished(rows)
    return rows
