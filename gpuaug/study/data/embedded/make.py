"""Makes ``fashion_shirts.npz`` from Fashion-MNIST's four files.

    python gpuaug/study/data/embedded/make.py /usr/share/datasets/fashion-mnist

The folder is where Debian's package ``dataset-fashion-mnist`` puts them; the files of
https://github.com/zalandoresearch/fashion-mnist are the same. The same folder gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np

T_SHIRT, SHIRT = 0, 6
TRAIN_PER_CLASS, TEST_PER_CLASS = 2000, 600
TARGET = Path(__file__).with_name("fashion_shirts.npz")


def read_idx(path: Path, header: int) -> np.ndarray:
    """The bytes of a gzipped IDX file after its header, as a flat uint8 array."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def first_of_each_class(folder: Path, stem: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first ``count`` T-shirts, then shirts: uint8 images (n, 28, 28), and labels 0 and 1."""
    images = read_idx(folder / f"{stem}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx(folder / f"{stem}-labels-idx1-ubyte.gz", 8)
    chosen = [np.flatnonzero(labels == label)[:count] for label in (T_SHIRT, SHIRT)]
    return images[np.concatenate(chosen)], np.repeat(np.arange(2, dtype=np.uint8), count)


def pack(folder: Path) -> bytes:
    """The file's bytes: what ``numpy.load`` reads, a sixth smaller than ``numpy.savez_compressed``'s."""
    arrays = {}
    for split, stem, count in (("train", "train", TRAIN_PER_CLASS), ("test", "t10k", TEST_PER_CLASS)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = first_of_each_class(folder, stem, count)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array)
            # A ZipInfo made by hand has a fixed date, where writestr(name) would take the clock's.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_LZMA)
    return packed.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the embedded set from Fashion-MNIST's files.")
    parser.add_argument("folder", type=Path, help="folder that holds the four *-ubyte.gz files")
    parser.add_argument(
        "--out", type=Path, default=TARGET, help="file to write (default: beside this script)"
    )
    arguments = parser.parse_args()
    packed = pack(arguments.folder)
    arguments.out.write_bytes(packed)
    print(f"{arguments.out}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
