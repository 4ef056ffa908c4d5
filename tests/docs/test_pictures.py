"""The picture of the README is what its script draws."""

import runpy

import pytest

pytest.importorskip("skimage")


def test_the_picture_shows_these_draws(request, monkeypatch):
    monkeypatch.setattr("sys.argv", ["draws.py"])
    runpy.run_path(str(request.config.rootpath / "docs/pictures/draws.py"), run_name="__main__")
