"""Every page of the documentation is followed literally: what its blocks of code say is done, and gives what they show."""

import re

import pytest
import typer
from page_blocks import Block, follow, read_blocks
from paths import ROOT

from kinimmune.cli.main import app

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
APART = {
    "README.md": "test_readme follows it",
    "docs/extending.md": "test_extending follows it in a copy of the package",
    "docs/how-to/ingest.md": "test_ingest_page follows it",
    "docs/how-to/run-long-work.md": "its clusters wait for a key, or need a queue; tests of the workflow begin one of their own",
}
"""Page -> why it is not followed here."""


def names(pages):
    return [page.relative_to(ROOT).as_posix() for page in pages]


def is_run(page):
    return any(block.language in ("sh", "python") and not block.illustrates for block in read_blocks(page))


FOLLOWED = [name for name in names(filter(is_run, PAGES)) if name not in APART]


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLLOWED)
def test_what_a_page_says_is_what_happens(kinimmune, tmp_path, name):
    """Every command ends as the page says and prints what it shows; one that does not is an `AssertionError`."""
    assert follow(read_blocks(ROOT / name), kinimmune, tmp_path) >= 1


@pytest.mark.parametrize("name", names(PAGES))
def test_a_block_that_is_not_run_says_why(name):
    known = r"illustration: .{20,}|tested with .+ in place of .+|ends with exit code \d"
    notes = [block.note for block in read_blocks(ROOT / name) if block.note]

    assert [note for note in notes if not re.fullmatch(known, note)] == []


@pytest.mark.parametrize("name", names(PAGES))
def test_commands_and_options_of_a_page_are_there(name):
    known = dict(commands("", typer.main.get_command(app)))
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shown = [line for block in blocks for line in re.findall(r"^kinimmune ([a-z].*)$", block, re.MULTILINE)]
    lines = [re.split(r"  +|#", line)[0] for line in shown]
    spans = [span.removeprefix("kinimmune ") for span in re.findall(r"`([^`\n]+)`", text)]
    named = [span for span in spans if any(span.startswith(f"{command} ") for command in known) and " -" in span]

    unknown = [line for line in (*lines, *named) if not fits(line, known)]

    assert unknown == []


def commands(prefix, group):
    """Yield words of each command and its options."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(f"{name} ", command)
        else:
            yield f"{prefix}{name}", {option for item in command.params for option in (*item.opts, *item.secondary_opts)}


def fits(line, known):
    """Return whether a line names a command, with options it has."""
    found = [name for name in known if line == name or line.startswith(f"{name} ")]
    options = re.findall(r"(?<=\s)(--[a-z][a-z-]*|-[a-z])\b", line)
    return bool(found) and set(options) <= known[max(found, key=len)] | {"--help"}


def test_a_page_that_is_wrong_is_found(kinimmune, tmp_path):
    told = [Block("sh", "kinimmune schema\n", ""), Block("text", "claims\nfi ...\nprophecy\n", "")]

    with pytest.raises(AssertionError, match=r"not printed: \['prophecy'\]"):
        follow(told, kinimmune, tmp_path)
    with pytest.raises(AssertionError, match="exit code 2"):
        follow([Block("sh", "kinimmune schema prophecy\n", "")], kinimmune, tmp_path)
    with pytest.raises(AssertionError, match="only commands of kinimmune"):
        follow([Block("sh", "rm -r x\n", "")], kinimmune, tmp_path)


def test_files_are_written_and_added_to(kinimmune, tmp_path):
    written = Block("csv", "# mine/a.csv\nx,y\n", "")

    follow([written, Block("csv", "# mine/a.csv, added\n1,2\n", "")], kinimmune, tmp_path)

    assert (tmp_path / "mine" / "a.csv").read_text() == "x,y\n1,2\n"


def test_a_block_is_run_with_what_the_note_says(kinimmune, tmp_path):
    block = Block("sh", "kinimmune schema fit > fit.json\n", "tested with trial in place of fit")

    follow([block], kinimmune, tmp_path)

    assert "virtual trial" in (tmp_path / "trial.json").read_text()
