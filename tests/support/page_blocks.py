"""Blocks of code on a page of the documentation, and how they are followed literally.

Start with `follow`.  A comment on the line before a block tells a test what a reader need not know:

- `<!-- illustration: REASON -->`: the block is not run;
- `<!-- tested with A in place of B -->`: it is run with A where a reader writes B;
- `<!-- ends with exit code N -->`: its commands are refused so; without it they end with 0.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]
"""Runs a command of kinimmune by its arguments; gives exit code, stdout and stderr."""
_BLOCK = re.compile(r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^# (?P<name>[\w./]+\.\w+)(?P<added>, added)?\n")
_ENDS = re.compile(r"ends with exit code (\d)")
_INSTEAD = re.compile(r"tested with (.*) in place of (.*)")


@dataclass(frozen=True)
class Block:
    """A fenced block with a language."""

    language: str
    text: str
    note: str

    @property
    def illustrates(self) -> bool:
        """Whether it is not run."""
        return self.note.startswith("illustration: ")

    @property
    def exit_code(self) -> int:
        """How its commands end."""
        told = _ENDS.fullmatch(self.note)
        return 0 if told is None else int(told[1])

    @property
    def commands(self) -> Iterator[str]:
        """The lines of a shell, as they are tested."""
        instead = _INSTEAD.fullmatch(self.note)
        for line in self.text.replace("\\\n", " ").splitlines():
            yield line if instead is None else line.replace(instead[2], instead[1])


def read_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that have a language, in order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["text"], match["note"] or "") for match in found]


def follow(blocks: Sequence[Block], run: Run, folder: Path) -> int:
    """Do in a folder what the blocks say, one after the other, and return how many commands and programs were run.

    An `AssertionError` tells what is not as the page says.

    A block that begins with `# NAME` is a file, or with `# NAME, added` goes to its end; `sh` is run line by line; `python`
    without a name is run as a program; `text` after `sh` or `python` has lines of what was printed, `...` for what was left out.
    """
    printed, done = "", 0
    for block in blocks:
        named = _FILE.match(block.text)
        if block.illustrates:
            continue
        if block.language == "sh":
            lines = [line for line in block.commands if shlex.split(line, comments=True)]
            printed = "".join(_run_line(line, run, folder, block.exit_code) for line in lines)
            done += len(lines)
        elif named:
            _write(folder / named["name"], block.text[named.end() :], added=bool(named["added"]))
        elif block.language == "python":
            printed = _run_program(block.text, folder)
            done += 1
        elif block.language == "text":
            _require_lines(block.text, printed)
    return done


def _run_line(line: str, run: Run, folder: Path, wanted: int) -> str:
    words = shlex.split(line, comments=True)
    target = words.index(">") if ">" in words else len(words)
    assert words[0] == "kinimmune", f"only commands of kinimmune are run: {line}"
    code, out, err = run(*words[1:target])
    assert code == wanted, f"exit code {code} of: {line}\n{err}"
    if target < len(words):
        (folder / words[target + 1]).write_text(out, encoding="utf-8")
    return out + err


def _run_program(text: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", text]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _write(path: Path, text: str, *, added: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if added else "w", encoding="utf-8") as file:
        file.write(text)


def _require_lines(shown: str, printed: str) -> None:
    have = [" ".join(line.split()) for line in printed.splitlines()]
    wanted = [part for line in shown.splitlines() if (part := " ".join(line.split()).removesuffix("...").strip())]
    missing = [line for line in wanted if not any(line in other for other in have)]
    assert missing == [], f"not printed: {missing}\nprinted:\n{printed}"
