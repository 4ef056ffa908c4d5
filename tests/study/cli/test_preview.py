"""The command that shows what a transform does to a folder's images."""

import pytest
import torch
from PIL import Image

import gpuaug
from gpuaug.__main__ import main
from gpuaug.random import draw_keys
from gpuaug.study.arms.chains import read_chain
from gpuaug.study.cli.preview import augment, draw_preview, image_files, read
from gpuaug.study.report.gallery import copies_of


@pytest.fixture
def folder(tmp_path):
    """Images of several sizes and kinds, two folders deep."""
    for name, kind, size in [
        ("b/1.png", "RGB", (40, 30)),
        ("a/2.jpg", "L", (32, 32)),
        ("0.png", "RGBA", (20, 60)),
    ]:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise(size, 50).convert(kind).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    return tmp_path / "photos"


def test_a_sheet(folder, tmp_path, capsys):
    words = [
        "preview",
        "--data",
        str(folder),
        "--transform",
        "crop+hflip",
        "--out",
        str(tmp_path / "new/sheet.png"),
    ]
    main(words)
    assert (
        capsys.readouterr().out == f"{tmp_path}/new/sheet.png: 3 of 3 images, 4 draws each of crop + hflip\n"
    )
    with Image.open(tmp_path / "new/sheet.png") as image:
        assert image.format == "PNG"
        assert image.size[0] == 1000  # an original and four draws, 200 pixels each


def test_titles_tell_images_copies_and_keys(folder):
    files = image_files(folder)
    assert [path.name for path in files] == ["0.png", "2.jpg", "1.png"]
    figure = draw_preview([(2, "b/1.png", read(files[2]))], read_chain("hflip(1)"), 2, seed=5)
    original, *drawn = figure.axes
    assert original.get_title() == "b/1.png\nindex 2, 40 x 30"
    for copy, axes in enumerate(drawn, start=1):
        key = draw_keys(5, 0, torch.tensor([2]), torch.tensor([copy])).item() % 2**64
        assert axes.get_title() == f"copy {copy}\nkey {key:016x}"
        shown = torch.from_numpy(axes.images[0].get_array().data.copy()).permute(2, 0, 1)
        assert torch.equal(shown, read(files[2]).flip(2))


def test_draws_are_those_of_a_sampler(folder):
    sampler = gpuaug.BalancedSampler([0, 0, 0, 0, 1], "majority", seed=3)
    drawn = [draw for draw in sampler if draw.index == 4 and draw.copy]
    of_last = sorted(drawn, key=lambda draw: draw.copy)
    expected = [(index, copy, key % 2**64) for index, copy, key in copies_of(4, 3, seed=3).tolist()]
    assert [(draw.index, draw.copy, draw.key % 2**64) for draw in of_last] == expected
    image = read(image_files(folder)[0])
    alone = augment(read_chain("RandomResizedCrop(16)"), image, copies_of(0, 3))
    assert alone.shape == (3, 3, 16, 16)
    assert torch.equal(alone[1:2], augment(read_chain("RandomResizedCrop(16)"), image, copies_of(0, 3)[1:2]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--transform", "fly"], "transform 'fly': must be of"),
        (["--transform", "RandomCrop(999)"], "RandomCrop: size must be at most the image's"),
        (["--data", "nowhere"], "data must be a folder, and nowhere is not"),
        (["--out", "sheet.jpg"], "out must be a .png file, got sheet.jpg"),
        (["--draws", "0"], "argument --draws: must be finite and at least 1, got 0"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(words, message, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["preview", "--data", str(folder), "--transform", "hflip", "--out", "sheet.png", *words])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("python -m gpuaug preview: error: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("sheet.*"))


def test_a_broken_file_is_named(folder, tmp_path, capsys):
    (folder / "0.png").write_bytes(b"no image")
    with pytest.raises(SystemExit):
        main(["preview", "--data", str(folder), "--transform", "hflip", "--out", str(tmp_path / "sheet.png")])
    assert "photos/0.png cannot be decoded: " in capsys.readouterr().err
    (folder / "empty").mkdir()
    with pytest.raises(SystemExit):
        main(
            [
                "preview",
                "--data",
                str(folder / "empty"),
                "--transform",
                "hflip",
                "--out",
                str(tmp_path / "s.png"),
            ]
        )
    assert "data must hold images (.jpg, " in capsys.readouterr().err
