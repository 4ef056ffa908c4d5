"""The check of a built site finds what leads nowhere."""

import check_site
import pytest


@pytest.fixture
def site(tmp_path):
    (tmp_path / "guides").mkdir()
    (tmp_path / "cat.png").touch()
    (tmp_path / "guides/index.html").write_text(
        '<h1 id="top">Guides</h1><a name="old"></a><img src="../cat.png">'
    )
    return tmp_path


@pytest.mark.parametrize(
    "link",
    [
        "guides/index.html",
        "guides/",
        "guides/index.html#top",
        "guides/#old",
        "#here",
        "https://example.org/no#no",
    ],
)
def test_a_link_that_leads_somewhere(site, link):
    (site / "index.html").write_text(f'<p id="here"><a href="{link}">x</a></p>')
    assert list(check_site.faults(site)) == []


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="guide/index.html">x</a>', "guide/index.html: no such file"),
        ('<a href="guides/index.html#bottom">x</a>', "guides/index.html#bottom: no such anchor"),
        ('<a href="#nowhere">x</a>', "#nowhere: no such anchor"),
        ('<img src="dog.png">', "dog.png: no such file"),
        ('<script src="a%20b.js?v=1"></script>', "a%20b.js?v=1: no such file"),
    ],
)
def test_a_link_that_leads_nowhere(site, page, fault):
    (site / "index.html").write_text(page)
    assert list(check_site.faults(site)) == [f"index.html: {fault}"]


def test_a_link_out_of_the_site(site):
    (site.parent / "outside.txt").touch()
    (site / "index.html").write_text('<a href="../outside.txt">x</a>')
    assert list(check_site.faults(site)) == ["index.html: ../outside.txt: outside the site"]


def test_a_folder_without_pages(tmp_path):
    assert list(check_site.faults(tmp_path)) == [f"{tmp_path} has no pages"]
