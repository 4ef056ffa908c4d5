"""
A study from Python
===================

Which way to meet class imbalance helps your images? ``gpuaug study`` answers on the command line; these are
its parts in Python, for images that you have as tensors. Each arm is trained under the same seeds from the
same initial weights, and compared with a baseline seed by seed.

It needs ``pip install "gpuaug[study]"``.
"""

import argparse
import tempfile
from pathlib import Path

from gpuaug.study.arms.arms import read_arms
from gpuaug.study.data.imbalance import imbalance
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load
from gpuaug.study.report.tables import as_text, effects_table, summary_table
from gpuaug.study.statistics.effects import effects
from gpuaug.study.statistics.summary import summarise
from gpuaug.study.training.comparison import compare
from gpuaug.study.training.training import Protocol

parser = argparse.ArgumentParser(description="Compare ways to meet class imbalance, from Python.")
parser.add_argument("--data", help="folder with train/ and test/ (default: T-shirts and few shirts)")
parser.add_argument("--size", type=int, help="height and width to bring the folder's images to")
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--out", help="new folder for the runs, kept (default: a temporary one)")
arguments = parser.parse_args()

# %%
# **The data**: a ``StudyData``. Make your own of uint8 images ``(N, C, H, W)`` and labels:
# ``StudyData(classes, train_images, train_labels, test_images, test_labels)``.

if arguments.data is None:
    data = imbalance(load(Request("embedded")), ["shirt"], majority_count=200, minority_count=20)
else:
    data = load(Request(arguments.data, size=arguments.size))
rare = data.rare_classes()
print("training images:", data.counts(), "of which rare:", rare)

# %%
# **The arms**, in the words of the command line: the images as they are; balanced draws, augmented; and the
# images as they are, augmented, with a loss that takes the class counts into account.

texts = ["imbalanced", "resized_crop + hflip", "logit_adjusted: resized_crop + hflip"]
arms = read_arms(texts, epochs=arguments.epochs)

# %%
# **Training.** The folder keeps the runs: the same call goes on where it was stopped. A folder is of one data
# set and one protocol.

temporary = tempfile.TemporaryDirectory()
folder = Path(arguments.out or temporary.name)
rows = compare(data, arms, Protocol(epochs=arguments.epochs), folder, seeds=range(arguments.seeds))

# %%
# **Results**: means over the seeds, and the differences to the baseline with a verdict on each.

print(as_text(summary_table(summarise(rows, data.classes), rare)))
found = effects(rows, data.counts(), rare, baseline="imbalanced", metric="balanced-accuracy")
print(as_text(effects_table(found)))
print(found.caution)
temporary.cleanup()
