"""``ModelCheckpoint(save_on_exception=True)``: whether the weights and the loader's position belong together.

They do where the exception comes after a step. In the middle of one the loader has handed out a batch that
the weights have not seen: a run that goes on from that checkpoint leaves the batch out.
"""

import pytest
import torch

import gpuaug

lightning = pytest.importorskip("lightning", reason="needs lightning: pip install -r tests/requirements.txt")
callbacks = pytest.importorskip("lightning.pytorch.callbacks")

LABELS = [0] * 9 + [1] * 3  # 18 draws an epoch, 6 batches of 3
BATCHES, LATE = 6, 8  # the batch of the second epoch that has number 2


class StoppedError(Exception):
    pass


class Model(lightning.LightningModule):
    """Its weight counts the batches that it was trained on; it raises in batch ``LATE``."""

    def __init__(self, stops=None):
        super().__init__()
        self.stops, self.drawn = stops, []
        self.trained = torch.nn.Parameter(torch.zeros(()))

    def train_dataloader(self):
        images = torch.arange(len(LABELS), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        dataset = gpuaug.DeviceDataset(images.contiguous(), torch.tensor(LABELS))
        return gpuaug.BalancedLoader(dataset, gpuaug.BalancedSampler(LABELS, seed=7), None, batch_size=3)

    def stop(self, where):
        if self.stops == where and len(self.drawn) == LATE + 1:
            raise StoppedError

    def training_step(self, batch, number):
        self.drawn.append(batch[0][:, 0, 0, 0].tolist())
        self.stop("within the step")
        return -self.trained  # a step of SGD adds 1

    def on_train_batch_end(self, outputs, batch, number):
        self.stop("after the step")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1.0)


def fit(model, folder, checkpoint=None, **saves):
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=3,
        logger=False,
        callbacks=[callbacks.ModelCheckpoint(folder, "{step}", **saves)],
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(model, ckpt_path=checkpoint)


def order():
    sampler = gpuaug.BalancedSampler(LABELS, seed=7)
    batches = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches += [part.tolist() for part in sampler.draws()[:, 0].split(3)]
    return batches


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("where", "lost"), [("after the step", 0), ("within the step", 1)])
def test_a_checkpoint_that_an_exception_makes(tmp_path, where, lost):
    before, after = Model(where), Model()
    with pytest.raises(StoppedError):
        fit(before, tmp_path, save_on_exception=True, save_top_k=0)
    assert before.drawn == order()[: LATE + 1]
    (file,) = tmp_path.glob("*.ckpt")
    saved = torch.load(file, weights_only=False)
    trained = int(saved["state_dict"]["trained"])
    assert trained == LATE + 1 - lost
    fit(after, tmp_path / "after", file)
    assert after.drawn == order()[LATE + 1 :]
    # Of all batches, those that the weights at the end have been trained on.
    assert int(after.trained.detach()) == 3 * BATCHES - lost


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_of_every_step_loses_nothing(tmp_path):
    before, after = Model("within the step"), Model()
    with pytest.raises(StoppedError):
        fit(before, tmp_path, every_n_train_steps=1)
    (file,) = tmp_path.glob("*.ckpt")
    fit(after, tmp_path / "after", file)
    assert after.drawn == order()[LATE:]
    assert int(after.trained.detach()) == 3 * BATCHES
