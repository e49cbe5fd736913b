"""The page for the browser says what the PDF says, holds everything it shows, and is the same each time."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from report_example import make_content

from kinimmune.reports.document import set_browser_page, write_report
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.points import MOST_POINTS, read_points
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.figures.style import render_svg
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Document, Heading, Paragraph, Table, TableBlock

VOID = {"meta", "img", "wbr", "br"}


class Reader(HTMLParser):
    """Keeps tags, and refuses one that is closed out of order."""

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return content and its page, set twice."""
    content, found = make_content(), []
    for name in ("first", "second"):
        write_report(content, tmp_path_factory.mktemp(name), found.append, set_browser_page)
    return content, found


@pytest.fixture(scope="module")
def tags(pages):
    reader = Reader()
    reader.feed(pages[1][0].decode())
    assert reader.open == []
    return reader.tags


def test_the_same_run_gives_the_same_bytes(pages):
    assert pages[1][0] == pages[1][1]


def test_nothing_outside_the_file_is_asked_for(pages, tags):
    targets = [attrs[name] for _, attrs in tags for name in ("src", "href") if name in attrs]
    assert {target.partition(":")[0] for target in targets if not target.startswith("#")} == {"data"}
    assert not re.search(rb"@import|url\(|<link", pages[1][0])
    policy = next(attrs["content"] for tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_every_picture_has_words_every_column_a_head_and_every_link_a_place(pages, tags):
    images = [attrs["alt"] for tag, attrs in tags if tag == "img"]
    assert len(images) == len(list_figures(pages[0])) + 1
    assert all(len(words) > 20 for words in images)
    assert {attrs["scope"] for tag, attrs in tags if tag == "th"} == {"col", "row"}
    places = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(places) == len(set(places))
    assert {attrs["href"][1:] for tag, attrs in tags if tag == "a" and attrs["href"].startswith("#")} <= set(places)
    assert dict(tags)["html"] == {"lang": "en"}


def test_the_page_has_the_headings_of_the_document_in_order(pages):
    content, (page, _) = pages
    wanted = [block.text for block in compose_report(content, {}).blocks if isinstance(block, Heading) and block.level == 1]
    shown = [re.sub(r"<.*?>", "", text) for text in re.findall(r"<h2 id=.*?</h2>", page.decode())]
    assert [re.sub(r"^\d+ ", "", text) for text in shown] == wanted


def test_text_of_tables_is_data_and_never_markup():
    table = Table(("<b>",), (("</script><img src=x>",),), "l")
    document = Document("a < b", "c & d", (), (), "r", (Paragraph("<i>"), TableBlock(table, "<u>")))
    page = set_browser_page(document, {}, {}).decode()
    assert not re.search("<b>|<i>|<u>|<img", page)
    assert "a &lt; b: c &amp; d" in page


def test_a_figure_that_could_not_be_drawn_is_told_in_its_place(pages, tmp_path):
    content = pages[0]
    recipe = next(item for item in list_figures(content) if item.name == "forest")
    broken = type(recipe)(recipe.name, recipe.caption, lambda: [][0], recipe.data)
    figures = draw_all([broken], tmp_path)
    page = set_browser_page(compose_report(content, figures), figures, {}).decode()
    assert "<strong>Figure forest could not be drawn.</strong> IndexError" in page


def test_values_lie_where_they_are_drawn():
    figure = Figure(figsize=(4.0, 3.0))
    axes = figure.add_axes((0.25, 0.5, 0.5, 0.25))
    axes.plot([0.0, 1.0, 2.0], [0.0, 5.0, 10.0], label="line")
    axes.set(xlim=(0.0, 2.0), ylim=(0.0, 10.0), xlabel="day", ylabel="cells", title="panel")
    axes.axhline(3.0)
    render_svg(figure)
    (points,) = read_points(figure)
    assert (points.name, points.x, points.y) == ("panel, line", "day", "cells")
    assert points.rows == ((2500, 5000, "0", "0"), (5000, 3750, "1", "5"), (7500, 2500, "2", "10"))


@pytest.mark.parametrize("count", [0, 1, MOST_POINTS, 1000])
def test_a_long_line_tells_some_of_its_values_and_an_empty_one_none(count):
    figure = Figure()
    figure.subplots().plot(np.arange(count), np.arange(count))
    render_svg(figure)
    assert [len(points.rows) for points in read_points(figure)] == ([min(count, MOST_POINTS)] if count else [])
