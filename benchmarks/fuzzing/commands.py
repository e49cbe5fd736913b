"""Commands that are tried, each with few patients and draws, and the tables each reads.

Start with `TABLE_COMMANDS`, `RUN_COMMANDS`, `CONFIGURATION_COMMANDS` and `PLAIN_COMMANDS`.
"""

import random
from dataclasses import dataclass

from toy_tables import ESTIMATED

OUTPUT = "hazard_ratio:example:os"
FIT = ("fit", "hcc_trial", "-o", "run", "--patients", "4", "--starts", "2")
PARAMETERS = frozenset({"parameters.csv", "sources.csv"})
TRIALS = frozenset({"trials.csv", "arms.csv", "design.csv", "follow_up.csv", "sources.csv"})
FITTED = PARAMETERS | TRIALS | {"targets.csv", "kinases.csv", "cell_lines.csv", "observations.csv"}
EVERYTHING = FITTED | {"experiments.csv", "claims.csv", "panels.csv", "limitations.csv"}


@dataclass(frozen=True)
class Command:
    """A command of `kinimmune` in the folder of a case."""

    arguments: tuple[str, ...]
    reads: frozenset[str] = frozenset()
    """Tables of which it makes use; of a run, patterns of files."""
    weight: int = 1
    """How often it is drawn; slow ones seldom."""
    writes: tuple[str, ...] = ()
    """Files beside what it prints that hold its numbers; a folder stands for the tables in it."""

    @property
    def name(self) -> str:
        """The command as a user types it."""
        return " ".join(self.arguments)


def _with_tables(command: Command, folder: str) -> Command:
    place = (folder,) if command.arguments[0] == "check" else ("--data", folder)
    return Command((*command.arguments, *place), command.reads, command.weight, command.writes)


def _reads(*patterns: str) -> frozenset[str]:
    """Return patterns of files of a run that a command reads."""
    return frozenset({"run.json", "config.toml", "results/fit.json", *patterns})


def _simulate(model: str, arm: str | None = None) -> Command:
    reads = PARAMETERS if arm is None else PARAMETERS | {"experiments.csv"}
    if model in ("hcc_trial", "gompertz"):
        reads |= TRIALS if arm is not None else frozenset()
    return Command(
        ("simulate", model, *(("--arm", arm) if arm else ()), "--days", "20"),
        reads,
        3 if model in ("hcc_cells", "melanoma") else 1,
    )


PACKAGE_COMMANDS = (
    Command(("check",), EVERYTHING, 6),
    Command(("list",), TRIALS, 5),
    *(
        Command(("show", model), PARAMETERS | {"kinases.csv"}, 1)
        for model in ("breast", "gompertz", "hcc_cells", "hcc_mouse", "hcc_trial", "melanoma")
    ),
    _simulate("hcc_trial", "sharp:sorafenib"),
    _simulate("hcc_cells", "hlf_low"),
    _simulate("hcc_mouse", "sorafenib_60"),
    _simulate("melanoma"),
    _simulate("breast", "cdk46i"),
    Command(("claims", "hcc_cells", "--draws", "16"), PARAMETERS | {"claims.csv", "experiments.csv"}, 2),
    Command(("claims", "melanoma", "--draws", "16"), PARAMETERS | {"claims.csv", "experiments.csv"}, 1),
    Command(
        (
            "sensitivity",
            "hcc_cells",
            "--method",
            "local",
            "--output",
            "state:cells_hep3b:3:hlf_low",
            "-o",
            "run",
            "--parameters",
            "mek_rate",
        ),
        PARAMETERS | {"experiments.csv"},
        2,
    ),
    Command(
        ("report", "hcc_cells", "--draws", "0", "-o", "report.pdf"),
        PARAMETERS | {"experiments.csv", "panels.csv", "limitations.csv", "kinases.csv"},
        1,
        ("report/figures",),
    ),
)
OWN_COMMANDS = (
    Command(("check",), EVERYTHING, 6),
    Command(("list",), TRIALS, 3),
    Command(("show", "hcc_trial"), PARAMETERS, 1),
    _simulate("hcc_trial", "example:sorafenib"),
    Command(FIT, FITTED, 4),
    Command(
        (
            *("sensitivity", "hcc_trial", "--method", "local", "--output", OUTPUT, "-o", "run", "--patients", "4"),
            *("--parameters", ESTIMATED[0]),
        ),
        FITTED,
        2,
    ),
    Command(("report", "hcc_trial", "--draws", "0", "-o", "report.pdf"), PARAMETERS | TRIALS, 1, ("report/figures",)),
)
TABLE_COMMANDS = {
    "package": tuple(_with_tables(command, "tables") for command in PACKAGE_COMMANDS),
    "own": tuple(_with_tables(command, "tables") for command in OWN_COMMANDS),
}
"""Name of a folder of tables -> commands on it."""
RUN_COMMANDS = (
    Command(("report", "run"), _reads("results/*.json", "results/sample-draws.csv"), 3, ("run/figures", "run/report.pdf")),
    Command(("fit", "hcc_trial", "-o", "run", "--resume"), _reads("results/tasks/start-*"), 3),
    Command(("profile", "run", "--parameters", "growth", "--draws", "0", "--resume"), _reads("results/tasks/profile-*"), 2),
    Command(
        ("sample", "run", "--method", "emcee", "--steps", "25", "--walkers", "4", "--resume"), _reads("results/tasks/sample-*"), 2
    ),
    Command(
        ("sensitivity", "run", "--method", "local", "--output", OUTPUT, "--resume"),
        _reads("results/tasks/sensitivity-*", "results/sample.json"),
        2,
    ),
    Command(("task", "run", "start-000"), _reads("results/tasks/start-000.json"), 2),
)
INTERRUPTED_COMMANDS = (*RUN_COMMANDS[:2], RUN_COMMANDS[5])
CONFIGURATION_COMMANDS = (
    Command(("check", "."), weight=2),
    Command(("show", "hcc_trial", "-c", "config.toml"), weight=2),
    Command(("simulate", "hcc_trial", "-c", "config.toml"), weight=3),
    Command(("fit", "hcc_trial", "-c", "config.toml", *FIT[2:]), weight=2),
    Command(("sensitivity", "hcc_trial", "-c", "config.toml", "-o", "run"), weight=1),
    Command(("claims", "gompertz", "-c", "config.toml", "--draws", "16"), weight=1),
    Command(("report", "hcc_trial", "-c", "config.toml", "--draws", "0", "-o", "report.pdf"), writes=("report/figures",)),
)
KERNEL_COMMANDS = (
    _with_tables(Command(FIT), "tables"),
    Command(("claims", "melanoma", "--draws", "16")),
    Command(("doctor",)),
)
"""Commands that load kernels from the cache."""
PLAIN_COMMANDS = (
    Command(("list",)),
    Command(("show", "gompertz")),
    Command(("simulate", "gompertz", "--days", "10", "-o", "course.csv", "--plot", "course.svg")),
    Command(("check", "tables")),
    Command(("report", "gompertz", "--draws", "0", "-o", "report.pdf"), writes=("report/figures",)),
    *KERNEL_COMMANDS,
)
"""Commands whose surroundings are changed."""


def choose(rng: random.Random, commands: tuple[Command, ...]) -> Command:
    """Return one of them."""
    return rng.choices(commands, [command.weight for command in commands])[0]
