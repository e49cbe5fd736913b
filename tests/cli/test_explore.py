"""The explorer in a browser: what is moved shows what `predict` gives, and nobody but this machine is asked for anything.

One server and one browser serve all tests; they are skipped where there is no Chromium.
"""

import csv
import io
import json
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browsers import open_browser, watch

from kinimmune.cli.commands.explore import save_files
from kinimmune.models.errors import UsageError

PROGRAM = Path(sys.executable).with_name("kinimmune")
SEED = 3
WAIT = 120_000
"""Longest wait [ms], for the kernel of a model with switches on a busy machine."""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(browser, tmp_path_factory):  # noqa: ARG001 - without a browser nothing is started
    """Return the address a server printed."""
    command = [PROGRAM, "explore", "hcc_trial", "--patients", "256", "--seed", str(SEED), "--no-browser"]
    place = tmp_path_factory.mktemp("explored")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place) as server:
        yield server.stdout.readline().strip()
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0, server.stderr.read()
    assert list(place.iterdir()) == []


@pytest.fixture(scope="module")
def visit(browser, address):
    """Return what was asked of other machines, and a window with the page."""
    asked: list[str] = []
    context = browser.new_context(accept_downloads=True, permissions=["clipboard-read", "clipboard-write"])
    watch(context, asked)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address)
    rest(page)
    yield page
    context.close()
    assert (asked, problems) == ([], [])


def is_problem(message):
    """Return whether a line of the console tells of more than a setting that was refused."""
    return message.type == "error" and "status of 400" not in message.text


@pytest.fixture
def page(visit):
    """Return the page as it was at the start."""
    if visit.is_enabled("#reset"):
        visit.click("#reset")
        rest(visit)
    visit.click("#tab-trial")
    return visit


def rest(page):
    """Wait until everything that was moved is computed with all virtual patients."""
    page.wait_for_timeout(60)
    page.wait_for_selector("#status[data-state=fine]", timeout=WAIT)


def download(page, figure, kind):
    with page.expect_download() as waited:
        page.click(f'[data-figure="{figure}"] .saves button:text-is("{kind}")')
    return Path(waited.value.path()).read_bytes()


def read_csv(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


def copy_command(page):
    page.click("#copy-command")
    page.wait_for_selector("#copy-command:text-is('Copied')")
    return page.evaluate("navigator.clipboard.readText()")


def ratio(page, place="sharp:sorafenib:os"):
    return float(page.get_attribute(f'[data-ratio="{place}"]', "data-value"))


def require_same(page, told):
    """Assert that the page's files have the numbers of a prediction to 1e-9."""
    numbers = {
        (row["study"], row["arm"], row["endpoint"] or None, row["statistic"], float(row["month"] or -1)): row["value"]
        for row in read_csv(download(page, "numbers", "CSV"))
    }
    for row in told["numbers"]:
        found = numbers[row["study"], row["arm"], row["endpoint"], row["statistic"], row["month"] or -1.0]
        assert float(found) == pytest.approx(row["predicted"], rel=1e-9)
    for row in told["ratios"]:
        found = numbers[row["study"], row["arm"], row["endpoint"], "hazard_ratio", -1.0]
        assert float(found) == pytest.approx(row["predicted"], rel=1e-9)
        assert ratio(page, f"{row['study']}:{row['arm']}:{row['endpoint']}") == pytest.approx(row["predicted"], rel=1e-9)
    for study in ("sharp", "asia_pacific"):
        shown = {}
        for row in read_csv(download(page, f"os-{study}", "CSV")):
            shown.setdefault(row["arm"], []).append(float(row["survival"]))
        for row in told["curves"]:
            if (row["study"], row["endpoint"]) == (study, "os"):
                assert shown[row["arm"]] == pytest.approx(row["median"], rel=1e-9)


def test_the_token_is_not_in_the_address_of_the_page(page):
    assert "token" not in page.url


def test_a_dose_that_is_dragged_shows_what_predict_gives_when_it_rests(page, kinimmune):
    before, curve = ratio(page), page.get_attribute('[data-curve="sharp:sorafenib:os"] path:last-child', "d")
    slider = page.locator('input[data-name="dose:sharp:sorafenib"]')
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.35, 0.3, 0.25, 0.2, 0.15):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=2)
        page.wait_for_timeout(40)
    page.mouse.up()
    rest(page)

    command = copy_command(page)
    dose = float(page.input_value('input[data-number="dose:sharp:sorafenib"]'))
    assert 100.0 < dose < 200.0
    assert command == f"kinimmune predict hcc_trial --set dose:sharp:sorafenib={dose!r} --patients 256 --seed {SEED}"
    code, out, _ = kinimmune(*shlex.split(command)[1:], "--json")
    assert code == 0
    require_same(page, json.loads(out))
    assert ratio(page) > before + 0.02
    assert page.get_attribute('[data-curve="sharp:sorafenib:os"] path:last-child', "d") != curve


def test_an_arrow_that_is_cut_turns_grey_moves_the_trial_and_comes_back_by_the_link(page, kinimmune, browser, address):
    before = ratio(page)
    page.click("#mechanism-tregs summary")
    page.uncheck('input[data-cut="treg_suppression"]')
    rest(page)
    cut = ratio(page)
    assert abs(cut - before) > 1e-3

    code, out, _ = kinimmune(*shlex.split(copy_command(page))[1:], "--json")
    assert code == 0
    require_same(page, json.loads(out))

    page.click("#tab-diagram")
    page.wait_for_selector('[data-edge="tregs>tumour"][data-cut="yes"]', state="attached", timeout=WAIT)
    assert page.get_attribute('[data-edge="tumour>liver"]', "data-cut") == "no"
    page.click("#tab-equations")
    page.wait_for_selector("svg.equations", timeout=WAIT)

    page.click("#copy-link")
    page.wait_for_selector("#copy-link:text-is('Copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#@cut=treg_suppression&@tab=equations")
    other = page.context.new_page()
    other.goto(link)
    rest(other)
    other.click("#tab-trial")
    assert ratio(other) == cut
    other.close()

    stranger = browser.new_context()
    locked = stranger.new_page()
    locked.goto(link)  # another browser gives the token once, and the view is kept
    locked.fill("#token", address)
    locked.click("button")
    rest(locked)
    locked.click("#tab-trial")
    assert ratio(locked) == cut
    stranger.close()


def test_figures_are_saved_as_svg_and_png_with_their_colours(page):
    drawn = download(page, "os-sharp", "SVG")
    picture = download(page, "residuals", "PNG")

    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"rgb(1, 115, 178)" in drawn
    assert picture.startswith(b"\x89PNG")


def test_undo_goes_back_a_step_and_reset_to_the_start(page):
    start = ratio(page)
    for value in ("300", "200"):
        page.fill('input[data-number="dose:sharp:sorafenib"]', value)
        page.press('input[data-number="dose:sharp:sorafenib"]', "Enter")
        rest(page)
    last = ratio(page)

    page.click("#undo")
    rest(page)
    assert page.input_value('input[data-number="dose:sharp:sorafenib"]') == "300"
    assert "dose:sharp:sorafenib=300" in page.url
    page.click("#redo")
    rest(page)
    assert ratio(page) == last
    page.click("#reset")
    rest(page)
    assert ratio(page) == start
    assert page.url.endswith("#")


def test_keys_alone_find_move_and_read(page):
    page.focus("#find")
    page.keyboard.type("new lesion rate")
    slider = page.locator('input[data-name="new_lesion_rate"]')
    slider.wait_for(state="visible")
    slider.focus()
    before = slider.get_attribute("aria-valuetext")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    rest(page)

    assert slider.get_attribute("aria-valuetext") != before
    assert "prior lognormal(0.003, 1)" in page.inner_text(f"#{slider.get_attribute('aria-describedby')}")
    page.keyboard.press("Control+z")  # the three steps were one change
    rest(page)
    assert slider.get_attribute("aria-valuetext") == before
    assert page.inner_text("#spoken").startswith("Computed. Hazard ratios: sharp sorafenib os")
    page.focus("#tab-trial")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-patients", "aria-selected") == "true"
    page.wait_for_selector('[data-figure="waterfall-sharp-sorafenib"] svg[aria-label]', timeout=WAIT)
    page.fill("#find", "")


def test_every_control_has_a_name_and_every_drawing_says_what_it_shows(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, svg[role=img], [role=tab]')]
             .filter((item) => !(item.getAttribute('aria-label') || item.textContent.trim() || item.labels?.length))
             .map((item) => item.outerHTML)"""
    )

    assert nameless == []


def test_a_number_outside_its_range_is_told_and_nothing_breaks(page):
    page.fill('input[data-number="dose:sharp:sorafenib"]', "-1")
    page.press('input[data-number="dose:sharp:sorafenib"]', "Enter")
    page.wait_for_selector("#alert:not([hidden])")

    assert "nobody can be given less than nothing; give 0 or more" in page.inner_text("#alert")
    page.click("#undo")
    rest(page)
    assert page.is_hidden("#alert")


def test_an_arm_is_saved_as_the_tables_of_a_trial(page):
    page.fill('input[data-number="dose:sharp:sorafenib"]', "200")
    page.press('input[data-number="dose:sharp:sorafenib"]', "Enter")
    rest(page)
    page.once("dialog", lambda dialog: dialog.accept("half_dose"))
    with page.expect_download() as waited:
        page.locator('button:text-is("Save as arm")').first.click()

    with zipfile.ZipFile(waited.value.path()) as archive:
        assert "half_dose/arms.csv" in archive.namelist()
        assert "sharp,half_dose,no,sorafenib" in archive.read("half_dose/arms.csv").decode()


def test_a_saved_arm_is_written_once_and_replaces_nothing(tmp_path):
    folder = tmp_path / "arms" / "half"
    assert save_files(folder, {"arms.csv": "study\n"}) == f"wrote {folder}; predict it with --trial {folder}"

    with pytest.raises(UsageError, match="is there already; give the arm another name"):
        save_files(folder, {"arms.csv": "other\n"})
    assert (folder / "arms.csv").read_text(encoding="utf-8") == "study\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("gompertz",), "model 'gompertz' has no hazard of death, so it is tried in no trial"),
        (("nothing",), "unknown model 'nothing'"),
        (("hcc_trial", "--patients", "8192"), "give at most 4096 with --patients"),
        (("hcc_trial", "-o", "a.txt/arms"), "cannot write to folder 'a.txt/arms'"),
    ],
)
def test_what_cannot_be_explored_is_told_in_a_line(kinimmune, arguments, told):
    Path("a.txt").touch()
    code, out, err = kinimmune("explore", *arguments, "--no-browser", "-q")

    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
