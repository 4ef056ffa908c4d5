"""
With the Trainer of Hugging Face transformers
=============================================

Override ``get_train_dataloader`` and return a ``BalancedLoader``. The ``Trainer`` takes it as it is and sets
its epoch. A sample is a dictionary whose entries are the arguments of the model. The script trains a small
network, on one process or on several::

    python examples/with_hf_trainer.py
    torchrun --nproc-per-node=2 examples/with_hf_trainer.py

It needs ``pip install transformers accelerate torchvision``.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision import tv_tensors
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed

import gpuaug
from gpuaug.study.data.request import Request
from gpuaug.study.data.sources import load

parser = argparse.ArgumentParser(description="Train with the Trainer of transformers on balanced draws.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--output", help="folder for checkpoints, to go on from (default: a temporary one)")
parser.add_argument("--resume", help="checkpoint to go on from, such as OUTPUT/checkpoint-10")
arguments = parser.parse_args()

shirts = load(Request("embedded"))
kept = gpuaug.make_imbalanced(shirts.train_labels, {0: 600, 1: 60})
train_images, train_labels = shirts.train_images[kept], shirts.train_labels[kept]
normalize = gpuaug.Normalize(mean=0.5, std=0.5)
crop = gpuaug.RandomResizedCrop(28, scale=(0.6, 1.0))
augment = gpuaug.Compose([crop, gpuaug.RandomHorizontalFlip(), normalize])

# %%
# **The data.** The loader finds the image by its type, ``tv_tensors.Image`` or a PIL image. The ``Trainer``
# makes the loader for evaluation itself, of images that are normalised already.


class Shirts(Dataset[dict[str, Any]]):
    def __len__(self) -> int:
        return len(train_images)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"pixel_values": tv_tensors.Image(train_images[index]), "labels": train_labels[index]}


test = zip(normalize(shirts.test_images), shirts.test_labels, strict=True)
test_samples = [{"pixel_values": image, "labels": label} for image, label in test]

# %%
# **The loader.** The sampler takes its rank from the process group. To go on from a checkpoint in the middle
# of an epoch, the loader's state is saved beside the checkpoint, and loaded. ``ignore_data_skip=True`` tells
# the ``Trainer`` not to skip batches itself, which it cannot do with a ``BalancedLoader``.


class BalancedTrainer(Trainer):
    def get_train_dataloader(self) -> gpuaug.BalancedLoader:
        sampler = gpuaug.BalancedSampler(train_labels, target="majority", seed=0)
        batch_size, device = self.args.train_batch_size, self.args.device
        loader = gpuaug.BalancedLoader(Shirts(), sampler, augment, batch_size, device=device)
        if arguments.resume:
            loader.load_state_dict(torch.load(Path(arguments.resume, "loader.pt")))
            print("goes on from", loader.state_dict())
        return loader


class SaveLoader(TrainerCallback):
    def on_save(self, args, state, control, train_dataloader, **others):
        if state.is_world_process_zero:
            folder = Path(args.output_dir, f"checkpoint-{state.global_step}")
            torch.save(train_dataloader.state_dict(), folder / "loader.pt")


# %%
# **The model.** Any module whose arguments are a sample's entries, and which returns its loss and its logits.


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 16, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU()]
        self.layers = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(32 * 6 * 6, 2))

    def forward(self, pixel_values: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.layers(pixel_values)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def recalls(prediction) -> dict[str, float]:
    hits = prediction.predictions.argmax(axis=1) == prediction.label_ids
    return {name: hits[prediction.label_ids == label].mean() for label, name in enumerate(shirts.classes)}


# %%
# **Training and evaluation.**

temporary = tempfile.TemporaryDirectory()
settings = TrainingArguments(
    arguments.output or temporary.name,
    num_train_epochs=arguments.epochs, per_device_train_batch_size=64, learning_rate=2e-3, seed=0,
    save_steps=10, ignore_data_skip=True, report_to="none", disable_tqdm=True,
)  # fmt: skip
set_seed(0)
trainer = BalancedTrainer(
    Classifier(), settings, eval_dataset=test_samples, compute_metrics=recalls, callbacks=[SaveLoader()]
)
trainer.train(resume_from_checkpoint=arguments.resume)
metrics = trainer.evaluate()
if trainer.is_world_process_zero():
    print(f"{trainer.state.global_step} steps")
    print("recall on the test images", {name: round(metrics[f"eval_{name}"], 3) for name in shirts.classes})
temporary.cleanup()
