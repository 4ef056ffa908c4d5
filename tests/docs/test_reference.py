"""The reference of the site: every public name is in it once, and nothing else is."""

import check_reference


def test_every_public_name_is_in_it_once():
    assert check_reference.faults() == []


def test_what_is_wrong_is_named(monkeypatch):
    whole = check_reference.documented()
    wrong = (
        whole
        - whole.__class__(["gpuaug.CutOut"])
        + whole.__class__(["gpuaug.Blur", "gpuaug.recipe.layout.Stage"])
    )
    monkeypatch.setattr(check_reference, "documented", lambda: wrong)
    assert check_reference.faults() == [
        "gpuaug.CutOut is not in the reference",
        "gpuaug.recipe.layout.Stage is in the reference, and is not public",
        "gpuaug.Blur is in the reference 2 times",
    ]
