"""The report: one page that stands alone, the same as Markdown and JSON, and what a browser makes of it."""

import base64
import html
import io
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageStat

from gpuaug.__main__ import main
from gpuaug.study.arms.techniques import TECHNIQUES
from gpuaug.study.report.document import gallery_file
from gpuaug.study.report.gallery import Exhibit

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome")
STUDY = [
    *("study", "--majority-count", "64", "--ratio", "4", "--epochs", "2", "--seeds", "2", "--device", "cpu"),
    *("--arms", "duplicates", "hflip + crop", "progressive(2)", "--baseline", "duplicates"),
    *("--search", "8", "--candidates", "vflip(0.25)", "vflip", "--keep", "1"),
]
EXHIBITS = 2  # "hflip + crop" and the search's first; the other arms leave the images as they are
# Elements that HTML closes itself.
VOID = {"meta", "img", "br", "hr", "link", "input"}
NAMES_A_RESOURCE = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "background"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "out"
    main([*STUDY, "--out", str(folder)])
    return folder


class Page(HTMLParser):
    """A strict reading: every element closed in its place, every attribute and text kept."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(out):
    return Page((out / "report.html").read_text(encoding="utf-8"))


def test_the_page_names_nothing_outside_itself(out, page):
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert len(ids) == sum(name == "id" for _, name, _ in page.attributes)  # also across the figures
    for tag, name, value in page.attributes:
        if name in NAMES_A_RESOURCE:
            assert value.startswith("data:image/png;base64,") or value.removeprefix("#") in ids, (tag, name)
        for inner in re.findall(r"url\(([^)]*)\)", value or ""):
            assert inner.removeprefix("#") in ids, (tag, name, inner)
        assert not name.startswith("on")
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    source = (out / "report.html").read_text(encoding="utf-8")
    assert "@import" not in source
    assert "http://" not in source
    assert "https://" not in source


def test_a_strict_parser_of_html_takes_the_page(out):
    html5lib = pytest.importorskip("html5lib", reason="needs html5lib, the parser of the HTML standard")
    html5lib.HTMLParser(strict=True).parse((out / "report.html").read_text(encoding="utf-8"))


def test_every_image_decodes_and_every_figure_parses(out, page):
    images = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(images) == EXHIBITS
    for value in images:
        with Image.open(io.BytesIO(base64.b64decode(value.partition(",")[2], validate=True))) as image:
            image.load()
            assert image.size == (5 * 28 + 4 * 2, 2 * 28 + 2)
            assert image.mode == "RGBA"
    assert all(value for tag, name, value in page.attributes if (tag, name) == ("img", "alt"))
    figures = re.findall(r"<svg.*?</svg>", (out / "report.html").read_text(encoding="utf-8"), re.DOTALL)
    assert len(figures) == 3
    for figure in figures:
        root = ElementTree.fromstring(figure.replace("<svg", '<svg xmlns:xlink="x"', 1))
        assert "currentColor" in figure
        assert len(root.attrib["aria-label"]) > 40
        assert root.find("title").text == root.attrib["aria-label"]


def test_tables_say_what_they_are_where_each_line_is_a_list(page):
    # There, a style sheet shows data-of before each cell, and roles keep what `display` takes away.
    of = [value for tag, name, value in page.attributes if (tag, name) == ("td", "data-of")]
    assert len(of) == page.tags.count("td")
    assert {"verdict", "difference [95 %]", "accuracy", "AUROC", "seconds an epoch"} <= set(of)
    roles = {tag: value for tag, name, value in page.attributes if name == "role"}
    assert roles["table"] == "table"
    assert roles["td"] == "cell"


def test_the_next_step_stands_below_the_answer(out):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    markdown = (out / "report.md").read_text(encoding="utf-8")
    if any(of["verdict"] == "inconclusive" for of in report["effects"]["arms"].values()):
        assert f"Next: {report['next']['why']}" in markdown
        assert markdown.index(report["next"]["why"]) < markdown.index("## Result")
        command = report["next"]["command"]  # "" where a thousand seeds are too few
        assert command in markdown
        assert command == "" or "--until 0.02 --first-seed 2 " in command
    else:
        assert report["next"] is None


def test_the_page_has_a_style_for_phones_and_dark_mode(out, page):
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
    assert "prefers-color-scheme: dark" in (out / "report.html").read_text(encoding="utf-8")


def test_page_markdown_and_json_say_the_same(out, page):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    markdown = (out / "report.md").read_text(encoding="utf-8")
    text = " ".join(page.text)
    arms = ["duplicates", "hflip + crop", "progressive(2)"]
    assert list(report["arms"])[:3] == arms
    assert len(report["arms"]) == 4  # and the search's first
    assert report["search"][0]["arm"] == list(report["arms"])[3]
    assert set(report["effects"]["arms"]) == set(report["arms"]) - {"duplicates"}
    for arm, effect in report["effects"]["arms"].items():
        shown = f"{effect['difference']['mean']:+.3f}"
        for form in (text, markdown):
            assert arm in form
            assert shown in form
    accuracy = report["arms"]["hflip + crop"]["accuracy"]
    for form in (text, markdown):
        assert f"{accuracy['mean']:.3f} ± {accuracy['sd']:.3f}" in form
        assert report["command"] in form
        assert report["effects"]["caution"] in form
        assert report["conclusion"] in form
        assert form.index(report["conclusion"]) < form.index("Result")
        for name, version in report["versions"].items():
            assert f"{name} {version}" in form
    assert report["command"].startswith("python -m gpuaug study --majority-count 64")


def test_verdicts_and_intervals_are_those_of_the_report(out):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["effects"]["margin"] == 0.02
    words = ("effective", "harmful", "no effect above 0.02", "inconclusive")
    for effect in report["effects"]["arms"].values():
        assert effect["verdict"] in words
        for of in (effect["difference"], *effect["classes"].values(), *effect["splits"].values()):
            assert of["low"] is None or -1 <= of["low"] <= of["mean"] <= of["high"] <= 1


def test_another_margin_needs_no_training(out, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    shutil.copytree(out, folder)
    monkeypatch.setattr("gpuaug.study.training.training.Training.epoch", None)
    main([*STUDY, "--margin", "0.9", "--resume", "--out", str(folder)])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["effects"]["margin"] == 0.9
    assert "within the margin, ±0.9;" in (folder / "report.md").read_text(encoding="utf-8")


def test_captions_have_no_mark_up(page):
    figures = "".join(page.text).split("Gallery")[-1]
    assert "`" not in "".join(page.text)
    assert "with probability p" not in figures
    for of in TECHNIQUES.values():
        assert not re.search(r"`|\*\*|:\w+:|with probability", of.about)


def test_markdown_names_pictures_that_are_there(out):
    files = re.findall(r"!\[[^]]*\]\(([^)]*)\)", (out / "report.md").read_text(encoding="utf-8"))
    assert len(files) == 3 + EXHIBITS
    for name in files:
        with Image.open(out / name) as image:
            image.verify()


def test_pictures_of_arms_that_read_alike_or_are_long_have_files_of_their_own():
    names = ["RandomRotation((-10, 0))", "RandomRotation((10, 0))", " + ".join(["hflip"] * 60), "hflip"]
    files = {gallery_file(Exhibit(name, "", b"")) for name in names}
    assert len(files) == 4
    assert max(map(len, files)) < 100


@pytest.mark.parametrize(("scheme", "paper"), [("light", (253, 253, 252)), ("dark", (21, 24, 27))])
@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_a_browser_shows_the_page(out, tmp_path, scheme, paper, width):
    shot = tmp_path / "shot.png"
    browse(out / "report.html", tmp_path, width, f"--screenshot={shot}", scheme=scheme)
    with Image.open(shot) as image:
        pixels = image.convert("RGB")
        assert pixels.size == (width, 1600)
        assert pixels.getpixel((2, 2)) == paper
        # Ink all the way down, up to the margins alone: text, table and figure have been laid out.
        for top in range(0, 1600, 400):
            assert ImageStat.Stat(pixels.crop((0, top, width, top + 400)).convert("L")).stddev[0] > 5
        # Nothing is wider than the page: its right margin is empty.
        margin = pixels.crop((width - 8, 0, width, 1600))
        assert margin.getcolors() == [(8 * 1600, paper)]


def browse(page, tmp_path, width, *options, scheme="light"):
    """What a browser prints of a page."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"needs a browser, one of {', '.join(BROWSERS)}")
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1600"),
        *(f"--blink-settings=preferredColorScheme={int(scheme == 'light')}", *options, page.as_uri()),
    ]
    return subprocess.run(command, check=True, capture_output=True, timeout=120, text=True).stdout


def test_the_page_is_printed(out, tmp_path):
    file = tmp_path / "report.pdf"
    browse(out / "report.html", tmp_path, 1280, f"--print-to-pdf={file}")
    assert file.read_bytes().startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", file.read_bytes())) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_no_fault(out, tmp_path, width, scheme):
    axe = os.environ.get("AXE_CORE")
    if axe is None:
        pytest.skip("needs axe-core: AXE_CORE, the path of its axe.min.js")
    run = (
        "axe.run().then(found => { const all = document.createElement('pre'); all.id = 'axe';"
        "all.textContent = JSON.stringify(found.violations.map(of => [of.id, of.impact, of.nodes[0].html]));"
        "document.body.append(all) })"
    )
    page = re.sub(r"<meta http-equiv[^>]*>", "", (out / "report.html").read_text(encoding="utf-8"))
    scripts = f"<script>{Path(axe).read_text(encoding='utf-8')}</script><script>{run}</script>"
    file = tmp_path / "page.html"
    file.write_text(page.replace("</body>", f"{scripts}</body>"), encoding="utf-8")
    dom = browse(file, tmp_path, width, "--virtual-time-budget=60000", "--dump-dom", scheme=scheme)
    (found,) = re.findall(r'<pre id="axe">(.*?)</pre>', dom, re.DOTALL)
    assert json.loads(html.unescape(found)) == []


def test_one_arm_has_nothing_to_compare(tmp_path):
    main(
        [*STUDY[:9], "--seeds", "1", "--epochs", "1", "--arms", "duplicates", "--out", str(tmp_path / "out")]
    )
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["effects"]["arms"] == {}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "There is one arm, “duplicates”" in page
    assert "Differences to" not in page
    assert "Gallery" not in page  # which duplicates change nothing for
