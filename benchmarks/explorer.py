"""How long a move on the page of `kinimmune explore` takes, measured in the page, and the picture of the page in the docs.

    python benchmarks/explorer.py [MODEL|RUN] [--moves 50] [--picture docs/how-to/explore.png]

A move is the input of a slider until the figures are redrawn: with 64 virtual patients while it moves, with all of them when it
is let go.  Needs Chromium of the system and playwright (extra `dev`).
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from browsers import open_browser

PROGRAM = Path(sys.executable).with_name("kinimmune")
MOVED = {
    "a parameter of all four arms": "immune_kill",
    "a parameter of one study": "growth:sharp",
    "the dose of one arm": "dose:sharp:sorafenib",
}
SET = """([name, share]) => {
  const slider = document.querySelector(`input[data-name="${name}"]`);
  slider.value = Math.round(1000 * share);
  slider.dispatchEvent(new Event("input"));
}"""
LET_GO = """(name) => document.querySelector(`input[data-name="${name}"]`).dispatchEvent(new Event("change"))"""
TAKEN = """(kind) => performance.getEntriesByName(kind).map((entry) => entry.duration)"""


@contextmanager
def serve(subject: str, *options: str) -> Iterator[tuple[str, int]]:
    """Yield the address of a page, and the process that serves it."""
    with subprocess.Popen(
        [PROGRAM, "explore", subject, "--no-browser", "-q", *options], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server.stdout.readline().strip(), server.pid
        finally:
            server.terminate()


def rest(page):
    """Wait until everything that was moved is computed with all virtual patients."""
    page.wait_for_timeout(30)
    page.wait_for_selector("#status[data-state=fine]", timeout=120_000)


def worked(process: int) -> float:
    """Return the processor time of a process so far [ms]; Linux alone tells it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return 1000.0 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(page, name: str, moves: int, process: int) -> tuple[list[float], ...]:
    """Return the milliseconds of moves while a slider moves and when it is let go, and processor time of the server of each."""
    page.evaluate("performance.clearMeasures()")
    work = ([], [])
    for move in range(moves):
        began = worked(process)
        page.evaluate(SET, [name, 0.3 + 0.4 * move / moves])
        wait_for(page, "coarse", move)
        between = worked(process)
        page.evaluate(LET_GO, name)
        wait_for(page, "fine", move)
        rest(page)
        work[0].append(between - began)
        work[1].append(worked(process) - between)
    return page.evaluate(TAKEN, "coarse"), page.evaluate(TAKEN, "fine"), *work


def wait_for(page, kind: str, count: int) -> None:
    """Wait until more moves than that were measured."""
    deadline = time.monotonic() + 60.0
    while len(page.evaluate(TAKEN, kind)) <= count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no move was measured: {page.inner_text('#status-text')} {page.inner_text('#alert')}")
        page.wait_for_timeout(5)


def tell(name: str, kinds: tuple[list[float], ...]) -> None:
    """Print a row of the table."""
    cells = [f"{statistics.median(taken):.0f} ({sorted(taken)[int(0.95 * len(taken))]:.0f})" for taken in kinds]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table, or write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subject", nargs="?", default="hcc_trial")
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    with open_browser() as browser, serve(given.subject, *([] if given.picture else ["--patients", "256"])) as (address, process):
        page = browser.new_page(viewport={"width": 1360, "height": 860}, device_scale_factor=1.25)
        page.goto(address)
        rest(page)
        if given.picture:
            take(page, given.picture)
            return
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; median (95 %) of {given.moves} moves [ms]\n")
        print("| what is moved | 64 patients, while it moves | 256 patients, let go | processor time of 64 | of 256 |")
        print("|---|---|---|---|---|")
        for words, name in MOVED.items():
            tell(words, measure(page, name, given.moves, process))
            page.click("#reset")
            rest(page)


def take(page, path: Path) -> None:
    """Write a picture of the page after one move, with bands where a run has them."""
    page.evaluate(SET, ["dose:sharp:sorafenib", 0.2])
    page.evaluate(LET_GO, "dose:sharp:sorafenib")
    rest(page)
    if page.evaluate("document.title.includes('/')"):
        page.wait_for_selector("path.band", timeout=120_000)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
