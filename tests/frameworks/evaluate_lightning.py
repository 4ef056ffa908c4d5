"""Lightning's entry points, in two processes: FOLDER EPOCHS. Writes what a rank was given by each."""

import json
import sys
from pathlib import Path

import lightning
import torch
from leaving import end_process
from train_lightning import LABELS, Pictures

import gpuaug


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(16, 3)
        self.seen = {}

    def loader(self):
        # Here the process group is there, and the sampler takes its rank from it.
        sampler = gpuaug.BalancedSampler(LABELS, seed=7)
        return gpuaug.BalancedLoader(Pictures(), sampler, gpuaug.Normalize(0, 1 / 255), batch_size=5)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = loader

    def step(self, batch, stage):
        images, labels = batch
        if not self.trainer.sanity_checking:
            drawn = images[:, 0, 0, 0].round().long().tolist()
            self.seen.setdefault(f"{stage} {self.current_epoch}", []).extend(drawn)
        return torch.nn.functional.cross_entropy(self.linear(images.flatten(1) / 32), labels)

    def training_step(self, batch, number):
        return self.step(batch, "train")

    def validation_step(self, batch, number):
        return self.step(batch, "val")

    def test_step(self, batch, number):
        return self.step(batch, "test")

    def predict_step(self, batch, number):
        self.step(batch, "predict")
        return self.linear(batch[0].flatten(1)).argmax(1)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def main(folder, epochs):
    seen, kinds = {}, set()
    for point in ("fit", "validate", "test", "predict"):
        model = Model()
        trainer = lightning.Trainer(
            accelerator="cpu",
            devices=2,
            strategy="ddp",
            max_epochs=int(epochs),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        getattr(trainer, point)(model)
        seen |= {f"{point}: {stage}": drawn for stage, drawn in model.seen.items()}
        kept = {"fit": trainer.val_dataloaders, "validate": trainer.val_dataloaders}
        kept |= {"test": trainer.test_dataloaders, "predict": trainer.predict_dataloaders}
        kinds.add(type(kept[point]).__name__)
    report = {"seen": seen, "kinds": sorted(kinds)}
    Path(folder, f"rank{trainer.global_rank}.json").write_text(json.dumps(report))
    end_process()


if __name__ == "__main__":
    main(*sys.argv[1:])
