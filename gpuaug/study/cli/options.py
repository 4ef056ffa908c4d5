"""The options of ``python -m gpuaug study``."""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Callable
from pathlib import Path

# As other modules have them, which need packages that ``--help`` does without; tests compare them.
METRICS = (  # statistics.measures
    *("accuracy", "balanced-accuracy", "macro-f1", "worst-recall", "auroc"),
    *("minority-recall", "minority-precision", "minority-f1", "minority-average-precision"),
    *("many-recall", "medium-recall", "few-recall"),
)
MARGIN, HOLDOUT = 0.02, 0.2  # statistics.verdicts.MARGIN, data.holdout.SHARE
SEEDS, FIRST_LOOK, MAX_SEEDS = 2, 3, 20
MOST_SEEDS, LAST_SEED, MOST_THREADS = 10_000, 2**32 - 1, 1024  # beyond these, a number is a slip of the hand
KINDS = {int: "an integer", float: "a number"}
EPILOG = """\
An ARM is a name: imbalanced, undersampled, duplicates, copies, all (the five of the default); balancing
(the first three), techniques (every one alone), schedules, losses, curriculum (techniques that grow
with what the model knows of a class), mixup, cutmix, cmo, remix and balanced_mixup (images mixed with
one another); or a text "TARGET + LOSS: CHAIN @ DRAWS", of which each part may be left out. A TARGET is
natural (the default beside a LOSS), majority, minority, mean, median, a number, power(0.5),
effective_number(0.999), deferred(8) or progressive(10). A LOSS is cross_entropy, focal(2.0),
label_smoothing(0.1), balanced_softmax, logit_adjusted(1.0) or ldam_drw(8), and there may be several
terms: class_weights or effective_number(0.9999) weigh the classes of a loss (natural + focal +
effective_number), decoupled(8) trains the classifier anew on balanced draws from an epoch on, post_hoc
and prior_corrected move the logits after training, to equal shares of the classes or to those of the
training images. Losses know the draws: what a TARGET has balanced they do not balance again. A CHAIN is
a technique (with its strength) or a transform of gpuaug, or several: "crop(0.8) + hflip +
GaussianBlur(sigma=(0.1, 2.0))"; or all, copies, curriculum or a mix: "logit_adjusted: all". DRAWS are
the draws that the CHAIN applies to: all, or copies (the default of --apply-to is all).

{techniques}

A first study of a data set: --until 0.02 --max-minutes 60. It says what it can tell with the seeds so far.
Stop a study with Ctrl-C; the same command with --resume goes on. Under torchrun, processes share the runs.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of data, imbalance, training, comparison, search and results."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Trains a network under several ways to meet class imbalance, compares them, and writes a report."
    )
    parser.epilog = EPILOG.format(techniques=techniques())
    add_data(parser.add_argument_group("data"))
    add_imbalance(
        parser.add_argument_group("imbalance", "the first images of each class are kept, by file name")
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--arms", nargs="+", metavar="ARM", help="default: imbalanced undersampled duplicates copies all"
    )
    training.add_argument(
        "--target", default="majority", help="the TARGET of arms that are only a CHAIN (default: %(default)s)"
    )
    training.add_argument(
        "--apply-to",
        choices=("all", "copies"),
        default="all",
        help="the DRAWS of arms without an @ (default: %(default)s)",
    )
    training.add_argument(
        "--model",
        default="convnet",
        help="convnet (the article's, the default), resnet18-paper, resnet32, or a name of torchvision's",
    )
    training.add_argument("--epochs", type=number(int, 1), default=5, help="default: %(default)s")
    training.add_argument(
        "--seeds",
        type=number(int, 1, MOST_SEEDS),
        help=f"number of seeds (default: {SEEDS}); with --until, of its first look (default: {FIRST_LOOK})",
    )
    training.add_argument(
        "--first-seed",
        type=number(int, 0, LAST_SEED),
        default=0,
        metavar="N",
        help="seeds are N, N + 1, ... (default: %(default)s); another N repeats a study with fresh seeds",
    )
    training.add_argument("--batch-size", type=number(int, 1), default=64, help="default: %(default)s")
    training.add_argument("--device", help="default: cuda where there is one, else cpu")
    training.add_argument(
        "--threads",
        type=number(int, 1, MOST_THREADS),
        help="threads of PyTorch on the CPU (default: its own choice)",
    )
    comparison = parser.add_argument_group("comparison")
    comparison.add_argument(
        "--baseline", metavar="ARM", help="the arm that the others are compared with (default: the first)"
    )
    comparison.add_argument(
        "--metric",
        default="accuracy",
        help=f"the measure of comparisons and verdicts: {', '.join(METRICS)} (many, medium and few: classes "
        "by their training images), or recall, precision or f1 of one class, as recall:CLASS (default: "
        "%(default)s)",
    )
    comparison.add_argument(
        "--margin",
        type=share,
        metavar="X",
        help=f"the verdict “no effect above X” needs an interval within -X and X (default: {MARGIN})",
    )
    add_until(
        parser.add_argument_group(
            "growing", "adds seeds until the study can tell; the error rate is that of a study of one look"
        )
    )
    add_search(
        parser.add_argument_group("search", "successive halving, on a fifth of the training images held out")
    )
    results = parser.add_argument_group("results")
    results.add_argument(
        "--out", type=Path, default=Path("results/study"), help="folder (default: %(default)s)"
    )
    whether = results.add_mutually_exclusive_group()
    whether.add_argument("--overwrite", action="store_true", help="replace the study that is in --out")
    whether.add_argument(
        "--resume",
        action="store_true",
        help="go on with the study in --out; arms and seeds may be more than before; "
        "with a search, arms alone",
    )


def add_until(until: argparse._ArgumentGroup) -> None:
    until.add_argument(
        "--until",
        type=share,
        metavar="X",
        help="add seeds, for the arms that cannot be told yet, until every arm is effective, harmful or "
        "within -X and X of the baseline; takes the place of --margin",
    )
    until.add_argument(
        "--max-seeds",
        type=number(int, 2, MOST_SEEDS),
        metavar="N",
        help=f"the most seeds of a growing study (default: {MAX_SEEDS})",
    )
    until.add_argument(
        "--max-minutes",
        type=number(float, 0),
        metavar="M",
        help="stop before all training together takes longer than M minutes",
    )


def add_data(data: argparse._ArgumentGroup) -> None:
    data.add_argument(
        "--data",
        default="embedded",
        help="'embedded' (T-shirts against shirts, the default), 'cifar10', 'cifar100', 'fashion-mnist', or "
        "a folder of images: train/ and test/ with a folder for every class in each, or a folder for every "
        "class alone",
    )
    data.add_argument(
        "--holdout",
        type=share,
        metavar="SHARE",
        help=f"the part of every class to test on, of a folder without train/ and test/ (default: {HOLDOUT})",
    )
    data.add_argument(
        "--holdout-seed",
        type=number(int, 0, LAST_SEED),
        metavar="N",
        help="seed of the holdout: another one holds other images out (default: 0)",
    )
    data.add_argument(
        "--classes",
        type=names,
        metavar="A,B,...",
        help="or 'all'; default: cat,dog of cifar10, all of the others",
    )
    data.add_argument(
        "--root", type=Path, default=Path("data"), help="where CIFAR or Fashion-MNIST lies (default: data)"
    )
    data.add_argument("--download", action="store_true", help="download the data set to --root")
    data.add_argument("--size", type=number(int, 1), help="resize the images to this many pixels square")


def add_imbalance(rare: argparse._ArgumentGroup) -> None:
    rare.add_argument(
        "--minority", nargs="+", metavar="CLASS", help="classes to make rare (default: the smallest, or last)"
    )
    rare.add_argument(
        "--majority-count",
        type=number(int, 1),
        metavar="N",
        help="images of every other class; of a long tail, of the largest",
    )
    few = rare.add_mutually_exclusive_group()
    few.add_argument(
        "--minority-count", type=number(int, 1), metavar="N", help="images of every minority class"
    )
    few.add_argument(
        "--ratio",
        type=number(float, 1),
        help="images of the largest other class for one of a minority class "
        "(default: 10 for embedded, 4 and 4,800 images for cifar10's cats and dogs; others stay)",
    )
    few.add_argument(
        "--long-tailed",
        type=number(float, 1),
        metavar="FACTOR",
        help="a long tail, as in the CIFAR-LT sets, in place of the other two options",
    )


def add_search(search: argparse._ArgumentGroup) -> None:
    search.add_argument(
        "--search",
        type=number(int, 1),
        metavar="EPOCHS",
        help="look for the best candidates first, with so many epochs in all, and add them to the arms",
    )
    search.add_argument(
        "--candidates",
        nargs="+",
        metavar="ARM",
        help="arms to search, without schedules (default: every technique at each of its strengths)",
    )
    search.add_argument(
        "--keep", type=number(int, 1), default=3, help="number of candidates to add (default: %(default)s)"
    )


def techniques() -> str:
    """The names of all techniques for ``--help``, in lines of a terminal's width."""
    from gpuaug.study.arms.techniques import TECHNIQUES

    return textwrap.fill(f"Techniques: {', '.join(TECHNIQUES)}.", 100)


def names(text: str) -> list[str]:
    """
    >>> names("cat,dog")
    ['cat', 'dog']
    """
    return text.split(",")


def share(text: str) -> float:
    """An ``argparse`` type: a part of a whole.

    >>> share("0.2")
    0.2
    """
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1, got {text}")
    return value


def number(kind: type[int] | type[float], least: int, most: float = math.inf) -> Callable[[str], float]:
    """An ``argparse`` type: a finite int or float from ``least`` to ``most``."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {KINDS[kind]}, got {text!r}") from None
        if not least <= value <= most or value == math.inf:
            allowed = f"finite and at least {least}" if most == math.inf else f"from {least} to {most:,}"
            raise argparse.ArgumentTypeError(f"must be {allowed}, got {text}")
        return value

    return read
