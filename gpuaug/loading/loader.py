"""The loader: data set, sampler and transform, joined."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gpuaug.images import packed
from gpuaug.images.packed import Packed, source_of
from gpuaug.loading.chain_digest import chain_digest, compare_digest
from gpuaug.loading.device import find_device
from gpuaug.loading.device_dataset import DeviceDataset
from gpuaug.loading.draw_batches import DrawBatches
from gpuaug.loading.file_batch import Skipped, add_skipped
from gpuaug.loading.file_source import FileSource
from gpuaug.loading.hand_out import counted, finished
from gpuaug.loading.mixing import Partnered, mixed
from gpuaug.loading.parcel import Decoded
from gpuaug.loading.prefetch import Batch, Prefetcher
from gpuaug.loading.samples import join, label_place
from gpuaug.loading.source_maker import AnySource, source_maker
from gpuaug.loading.sources import Source
from gpuaug.loading.trees import map_tree
from gpuaug.recipe.recipes import Recipes
from gpuaug.sampling import DrawSampler
from gpuaug.sampling.cursor import EpochCursor
from gpuaug.sampling.partners import own_count
from gpuaug.transforms import Transform
from gpuaug.transforms.annotations.geometry import check_movable, move_annotation
from gpuaug.transforms.annotations.tv_tensors import MaskPlace, PointsPlace, like
from gpuaug.transforms.base import named
from gpuaug.transforms.draw_batch import check_draws
from gpuaug.transforms.mixes.base import Mix
from gpuaug.travel.to_device import carried


class BalancedLoader:
    """Loads balanced, augmented batches ``(images, labels)`` to the device.

    >>> import gpuaug, numpy
    >>> samples = [(numpy.zeros((8, 8, 3), numpy.uint8), int(i < 2)) for i in range(6)]
    >>> sampler = gpuaug.BalancedSampler([label for _, label in samples], seed=0)
    >>> augment = gpuaug.Compose([gpuaug.RandomHorizontalFlip(), gpuaug.Normalize(0.5, 0.5)])
    >>> loader = BalancedLoader(samples, sampler, augment, batch_size=4)
    >>> for epoch in range(2):
    ...     loader.set_epoch(epoch)
    ...     for images, labels in loader:
    ...         pass
    >>> images.shape, images.dtype, labels.shape, len(loader)
    (torch.Size([4, 3, 8, 8]), torch.float32, torch.Size([4]), 2)

    Image files (:class:`gpuaug.ImageFiles`, and torchvision's ``ImageFolder``) are decoded by
    ``num_workers`` threads, which decode only the window that a draw needs, at the scale that it needs. Any
    other data set is read by worker processes, which never use the device and ignore Ctrl-C: this process
    ends them. For a CUDA device, images are pinned and copied on a side stream, together with their recipes,
    while the batch before is in use. A :class:`DeviceDataset` needs no workers and no copies: the kernel
    reads the images of the draws directly.

    A sample may be ``(image, label)``, a longer tuple that begins with the image, or a
    dictionary; a batch has the same form. torchvision's ``tv_tensors`` ``Mask``, ``BoundingBoxes`` and
    ``KeyPoints`` follow the geometry of ``augment``, and an ``Image`` stays an ``Image``. If samples hold
    boxes or keypoints, each item beside the image is a list with one entry for each sample, as detection
    models take them. Everything else is collated as by ``default_collate``: numbers become tensors, strings
    lists.

    uint8 images may differ in size. No worker resizes them; the kernel brings each to the size at
    which the geometry of ``augment`` ends, for example that of ``RandomResizedCrop``.

    Batches depend on (data set, labels, plan, seed, epoch, transform) alone; not on the batch
    size, the number of workers or ranks, or an interruption. (A mix with ``partners="batch"`` also depends on
    the batch, from which it takes the partners.) The data set's own random numbers (``random``, NumPy,
    PyTorch) are seeded in workers for each batch, by its draws and the rank: equal runs have equal numbers,
    with any number of workers, and other epochs, ranks or positions have others. With ``num_workers=0``, the
    data set uses the generators of this process, and the loader leaves them alone, as a ``DataLoader`` does.

    Each complete iteration is followed by the next epoch; ``set_epoch`` chooses another. A loop
    that was left early begins its epoch again, unless a state is loaded. Two iterations may run at the same
    time, also with ``persistent_workers``: the second one gets workers of its own. ``state_dict`` is that of
    the newest iteration.

    Args:
        dataset: a map-style data set, as :class:`WithDraws` takes it, a :class:`DeviceDataset`, or
            :class:`gpuaug.ImageFiles`. An ``ImageFolder`` or ``DatasetFolder`` with torchvision's default
            loader and without a transform, and a ``Subset`` of one, are read as ``ImageFiles``: a JPEG that
            the chain shrinks much is decoded at a smaller scale. ``ImageFiles.from_dataset(folder,
            reducing_gap=None)`` decodes at full scale.
        sampler: a :class:`BalancedSampler` or :class:`RepeatFactorSampler` over the labels of the data set.
            With several ranks, the sampler of this rank.
        augment: a gpuaug transform, or None to leave images as they are, if they have one size.
        batch_size: the number of draws in a batch of this rank, in [1, 2**31).
        mix: a :class:`MixUp`, :class:`CutMix`, :class:`CMO`, :class:`Remix` or :class:`BalancedMixUp` that
            mixes every batch by the keys of its draws, or None. With ``partners="plan"`` the partners are
            read and augmented too, as draws with keys of their own: a batch reads up to twice as many
            samples. The sampler must then be a ``BalancedSampler``.
        device: the device of the batches. None means that of a ``DeviceDataset``, else the CPU.
        num_workers: the number of threads for image files, or of processes for other data sets. 0 reads and
            decodes in this thread.
        drop_last: drop the last batch if it is smaller.
        masks: whether plain tensors, arrays and PIL images beside an image, of its height and width, are
            masks that follow the geometry. None raises an error for them: wrap masks in ``tv_tensors.Mask``.
        prefetch_factor: as in ``DataLoader``. For image files, the number of batches that are decoded ahead,
            2 by default.
        persistent_workers: as in ``DataLoader``. No effect for image files: threads start with each
            iteration.
        timeout: the time to wait for a batch, in seconds; 0 waits for ever.
        multiprocessing_context: as in ``DataLoader``. A folder data set with it is read by processes;
            ``ImageFiles`` raise an error for it.
        worker_init_fn: as in ``DataLoader``. A folder data set with it is read by processes; ``ImageFiles``
            raise an error for it.

    Yields:
        ``(images, labels)``, or a batch in the form of the samples; all tensors are on ``device``.

        - Images are ``(N, C, H, W)`` in the dtype that ``augment`` returns. If the data set gives PIL images
          or arrays, their memory is channels_last, and ``images.view(len(images), -1)`` fails: use
          ``images.flatten(1)``, or ``augment=Compose([...], memory_format=torch.contiguous_format)``.
        - Labels are ``(N, ...)``. A mix and ``PerClass`` take the second item of a tuple as labels, or the
          entry "label", "labels", "target", "targets" or "class" of a dictionary. With ``mix``, the labels
          are ``(y1, y2, lam)``.

    Raises:
        TypeError: ``dataset``, ``sampler``, ``augment``, ``mix`` or ``masks`` is of another type.
        ValueError: data set and sampler differ in length, or a number is out of its range. While iterating:
            images of different sizes are not uint8, or ``augment`` does not bring them to one size.
        RuntimeError: the device does not exist, or is not that of the ``DeviceDataset``. While iterating: the
            data set raised an error (the message names the sample), or a worker died. The state can still be
            saved.
    """

    def __init__(
        self,
        dataset: Any,
        sampler: DrawSampler,
        augment: Transform | None,
        batch_size: int = 64,
        *,
        mix: Mix | None = None,
        device: torch.device | str | None = None,
        num_workers: int = 0,
        drop_last: bool = False,
        masks: bool | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        timeout: float = 0,
        multiprocessing_context: Any = None,
        worker_init_fn: Any = None,
    ) -> None:
        if not isinstance(sampler, DrawSampler):
            raise TypeError(
                "sampler must be a gpuaug.BalancedSampler or RepeatFactorSampler, "
                f"got {type(sampler).__name__}"
            )
        if augment is not None and not isinstance(augment, Transform):
            raise TypeError(
                f"augment must be a gpuaug transform, such as gpuaug.Compose, or None, got {named(augment)}"
            )
        if masks is not None and not isinstance(masks, bool):
            raise TypeError(f"masks must be True, False or None, got {type(masks).__name__}")
        if mix is not None and not isinstance(mix, Mix):
            raise TypeError(
                "mix must be a gpuaug.MixUp, CutMix, CMO, Remix, BalancedMixUp or None, "
                f"got {type(mix).__name__}"
            )
        self.dataset = dataset
        self.sampler = sampler
        self.augment = augment
        self.mix = mix
        self.device = find_device(dataset, device)
        self._resident = isinstance(dataset, DeviceDataset)
        self._batches = DrawBatches(sampler, batch_size, drop_last)
        self.batch_size = self._batches.batch_size
        self._skipped: dict[int, Skipped] = {}
        self._make_source = source_maker(
            dataset,
            device=self.device,
            follow=augment is not None,
            seed=(sampler.seed, sampler.rank),
            masks=masks,
            num_workers=num_workers,
            prefetch_factor=prefetch_factor,
            timeout=timeout,
            multiprocessing_context=multiprocessing_context,
            worker_init_fn=worker_init_fn,
        )
        self._planned = mix is not None and mix.partners == "plan"
        self._source = self._make_source(
            Partnered(self._batches, mix) if mix is not None and self._planned else self._batches.rows,
            begins=self._batches.begins,
            persistent_workers=persistent_workers,
        )
        self.num_workers, self.drop_last = num_workers, drop_last
        samples = len(sampler.dataset)  # type: ignore[arg-type]  # a range
        if len(dataset) != samples:
            raise ValueError(
                "dataset and sampler must have the same samples, "
                f"got {len(dataset)} in the data set and {samples} labels in the sampler"
            )

    def __iter__(self) -> Iterator[Any]:
        counts: deque[int] = deque()
        count = own_count if self._planned else len
        with closing(counted(self._prepared(self._source), count, counts)) as batches:
            used: EpochCursor | None = None
            for batch in self._finished(batches, self._whole):
                used = used or self._batches.used  # kept, so that an iteration that was left no longer counts
                # Counted before it is handed out: a state that the loop's body saves is after this batch.
                used.taken += counts.popleft()
                yield batch

    def __len__(self) -> int:
        """The number of batches of a whole epoch, even after a state from its middle was loaded."""
        return len(self._batches)

    # ---- Attributes that frameworks read

    # With these, Accelerate leaves a loader as it is, and saves its state. The sampler knows its rank.
    _is_accelerate_prepared = True
    use_stateful_dataloader = True

    @property
    def batch_sampler(self) -> DrawBatches:
        """The batch sampler of draws; its ``sampler`` is that of the loader."""
        return self._batches

    @property
    def collate_fn(self) -> Any:
        """Raises a TypeError, as a caller would build a ``DataLoader`` without the transform from it.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "a BalancedLoader cannot be rebuilt from its parts, which would lose its transform: use it as it "
            "is, or give the framework DataLoader(gpuaug.WithDraws(dataset), sampler=sampler)"
        )

    def __getstate__(self) -> dict[str, Any]:
        if self._source.has_workers:
            raise RuntimeError(
                "a BalancedLoader cannot be pickled or copied while its workers run: do it before the first "
                "iteration or, without persistent_workers, after the last one has ended"
            )
        return self.__dict__

    def __repr__(self) -> str:
        sampler, *_ = repr(self.sampler).splitlines()
        transform = repr(self.augment).replace("\n", "\n  ")
        return (
            f"BalancedLoader({type(self.dataset).__name__} of {len(self.dataset)} samples, "
            f"batch_size={self.batch_size}, num_workers={self.num_workers}, device={str(self.device)!r})\n"
            f"  {sampler}\n  {transform}" + (f"\n  {self.mix}" if self.mix is not None else "")
        )

    # ---- Epochs and states

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next iteration, as the sampler's ``set_epoch`` does.

        Args:
            epoch: in [0, 2**31).

        Raises:
            TypeError: ``epoch`` is not an int.
            ValueError: ``epoch`` is out of its range.
        """
        self._batches.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Returns the sampler's state, with a digest of the settings of ``augment`` and ``mix``.

        A batch counts once it was handed out; batches that were only fetched ahead do not count.
        """
        return {**self._batches.state_dict(), "transform": chain_digest(self.augment, self.mix)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restores a state, also one saved with another number of ranks, workers or batch size.

        The next iteration continues with the draws that the interrupted one had not handed out, or with the
        next epoch if none are left. Warns if the state is of another transform or mix. A later stage of
        training may want that. A sampler's state says nothing of either, and is taken as well.

        Args:
            state_dict: a state that :meth:`state_dict` returned, or a sampler's.

        Raises:
            TypeError: ``state_dict`` is not a mapping.
            ValueError: the state is of other labels, another plan, seed or version.
        """
        self._batches.load_state_dict(state_dict)
        compare_digest(state_dict, chain_digest(self.augment, self.mix))

    @property
    def skipped(self) -> list[Skipped]:
        """The files of an ``ImageFiles(on_error="skip")`` that could not be read.

        Each has its error, and the number of its draws that other samples took in the batches handed out so
        far.
        """
        return list(self._skipped.values())

    def serve(self, draws: Tensor, rows: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields images and labels of the given draws, in their order, without a mix.

        The sampler and its state are not used.

        Args:
            draws: int64 ``(n, 3)`` on the host: index, copy, key.
            rows: int64 ``(n,)`` on the host: used by ``PerClass`` in place of the labels of the draws.

        Raises:
            ValueError: ``draws`` have another shape, or the samples have no label that is a number or a
                tensor.
            TypeError: ``draws`` are of another type.
        """
        check_draws(draws, len(draws))
        batches = [part.numpy() for part in draws.split(self.batch_size)] if len(draws) else []
        begins = partial(tuple, draws[:1].flatten().tolist())
        source = self._make_source(batches, begins=begins, labels=rows)
        with closing(self._prepared(source, rows)) as prepared:
            yield from self._finished(prepared, self._pair)

    def _prepared(self, source: Any, rows: Tensor | None = None) -> Generator[Batch, None, None]:
        """Yields the batches in host memory, with their recipes."""
        begin = 0
        with closing(self._decoded(source)) as batches:
            for decoded in batches:
                count = len(decoded.draws)
                yield self._prepare(decoded, None if rows is None else rows[begin : begin + count])
                begin += count

    def _decoded(self, source: AnySource) -> Source:
        if isinstance(source, FileSource):
            return source.decode(None if self.augment is None else self._recipes)
        return iter(source)

    def _prepare(self, decoded: Decoded, rows: Tensor | None) -> Batch:
        images, rest, draws, gathered = decoded.images, decoded.rest, decoded.draws, decoded.gathered
        index = draws[:, 0] if self._resident else None
        batch = Batch(images, rest, draws, name=decoded.name, as_image=decoded.as_image)
        batch = batch._replace(skipped=decoded.skipped)
        batch = batch._replace(resident=self._resident and self.augment is not None)
        if decoded.passes is not None:
            return batch._replace(passes=decoded.passes, free=decoded.free)
        if self.augment is None:
            if isinstance(images, Packed):
                raise ValueError(
                    "augment must not be None for images of different sizes: Resize((height, width)) or "
                    "RandomResizedCrop brings them to one size on the device"
                )
            return batch if index is None else batch._replace(images=images[carried(index, images.device)])
        place = label_place(rest)
        labels = rows if rows is not None or place is None else rest[place]
        passes = self.augment.recipes(draws, source_of(images), index, labels)
        if gathered is None:
            return batch._replace(passes=passes)
        check_movable(gathered.names, passes, self.augment.step)
        points = gathered.move_points(passes)
        rest = map_tree(rest, lambda leaf: leaf.take(points) if isinstance(leaf, PointsPlace) else leaf)
        return batch._replace(rest=rest, passes=passes, masks=tuple(gathered.masks))

    def _finished(
        self, batches: Generator[Batch, None, None], finish: Callable[[Batch], Any]
    ) -> Iterable[Any]:
        if self.device.type == "cuda":
            return Prefetcher(batches, self.device, finish)
        return finished(batches, finish)

    def _recipes(self, draws: Tensor, source: packed.Source, labels: Tensor) -> tuple[Recipes, ...]:
        return self.augment.recipes(draws, source, None, labels)  # type: ignore[union-attr]  # not None here

    def _whole(self, batch: Batch) -> Any:
        """A batch in the form of a sample."""
        images, rest = self._applied(batch)
        if self.mix is not None:
            images, rest = mixed(self.mix, images, rest, batch)
        return join(like(images, "Image") if batch.as_image else images, rest, batch.name)

    def _pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        images, rest = self._applied(batch)
        place = label_place(rest)
        if place is None:
            raise ValueError("samples must have a label that is a number or a tensor, got none")
        return images, rest[place]

    def _applied(self, batch: Batch) -> tuple[Tensor, Any]:
        add_skipped(self._skipped, batch.skipped)
        images: Any = batch.images  # not packed if there is no transform
        rest, masks = batch.rest, batch.masks
        if self.augment is not None:
            images = self.augment.apply_recipes(images, batch.passes)
            step = self.augment.step
            masks = tuple(move_annotation("masks", mask, batch.passes, step) for mask in masks)
            rest = map_tree(rest, lambda leaf: leaf.take(masks) if isinstance(leaf, MaskPlace) else leaf)
        return images, rest
