"""The commands whose numbers `benchmarks/golden.py` holds, and how their JSON is read.

Start with `COMMANDS`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Numbers = dict[str, float]


def number(value: float | None) -> float:
    """Return a number of a result, NaN for one that does not exist."""
    return math.nan if value is None else float(value)


def read_fit(content: Any) -> Numbers:
    """Return what a fit predicts, estimates and how well it fits."""
    found = {}
    for group in ("targets", "unfitted", "transport"):
        for item in content[group]:
            arm = None if item["statistic"] == "hazard_ratio" else item["arm"]  # one arm is compared in each of the studies
            name = ":".join(part for part in (item["statistic"], item["study"], arm, item["endpoint"]) if part)
            found[f"transport/{name}" if group == "transport" else name] = item["predicted"]
    found |= {f"estimate/{item['name']}": item["value"] for item in content["parameters"]}
    for name in ("chi_square_data", "chi_square_prior", "effective_parameters", "q_model", "q_null"):
        found[name] = content[name]
    found |= {f"response:{item['study']}:{item['arm']}": item["fraction"] for item in content["responses"]}
    held = [item for item in content["events"] if item["endpoint"] in ("os", "ttp")]
    found |= {f"events:{item['study']}:{item['arm']}:{item['endpoint']}": item["expected"] for item in held}
    return {f"fit/{name}": number(value) for name, value in found.items()}


def read_shares(content: Any) -> Numbers:
    """Return the shares of the benefit that run through the mechanism, at the fit."""
    rows = content["shares"]["rows"]
    return {f"share/{row['measure']}:{row['study']}:{row['rule']}": number(row["at_fit"]) for row in rows}


def read_claims(content: Any) -> Numbers:
    """Return the values of claims at the values of the tables."""
    return {f"claim/{item['model']}/{item['id']}": number(item["value"]) for item in content["claims"]}


def read_course(*wanted: str) -> Callable[[Any], Numbers]:
    """Return a reader of some QUANTITY@DAY of a course."""

    def read(content: Any) -> Numbers:
        values = {column["name"]: column["values"] for column in content["columns"]}
        place = "/".join(filter(None, ("simulate", content["model"], content["arm"])))
        pairs = {name: name.split("@") for name in wanted}
        return {f"{place}/{name}": values[quantity][content["days"].index(float(day))] for name, (quantity, day) in pairs.items()}

    return read


@dataclass(frozen=True)
class Error:
    """How far integration may be off."""

    relative: float
    absolute: float
    """Of small numbers: a logarithm near zero has the relative error of what it is the logarithm of."""

    def at(self, value: float) -> float:
        """Return the error of a value."""
        return max(self.relative * abs(value), self.absolute)


COURSE_ERROR = Error(1e-7, 1e-8)
"""`simulate` integrates one patient at 1e-8."""


CLAIM_ERROR = Error(1e-4, 1e-5)
"""Claims integrate at 1e-5."""


FIT_ERROR = Error(1e-4, 1e-6)


@dataclass(frozen=True)
class Command:
    """A command and how to read what it prints."""

    arguments: tuple[str, ...]
    """`{seed}` stands for the seed."""
    read: Callable[[Any], Numbers]
    error: Error
    drawn: bool = False
    """Its numbers depend on the virtual patients that are drawn."""
    quick: bool = False

    def with_seed(self, seed: int) -> tuple[str, ...]:
        """Return the arguments for a seed."""
        return tuple(part.format(seed=seed) for part in self.arguments)

    @property
    def text(self) -> str:
        """The command as one would type it."""
        return " ".join(("kinimmune", *self.with_seed(1)))


def simulate(model: str, options: str, *wanted: str, quick: bool = False) -> Command:
    """Return the command that simulates an arm or experiment of a model."""
    return Command(("simulate", model, *options.split()), read_course(*wanted), COURSE_ERROR, quick=quick)


def claims(model: str, *, drawn: bool = False) -> Command:
    """Return the command that tests the claims of a model; values at nominal do not depend on the number of draws."""
    return Command(("claims", model, "--draws", "16", "--seed", "{seed}"), read_claims, CLAIM_ERROR, drawn)


COMMANDS = (
    simulate("gompertz", "", "volume@90", "volume@360", quick=True),
    simulate(
        "hcc_trial",
        "--arm sharp:sorafenib --days 180",
        "concentration@180",
        "treg_number@180",
        "effector_activity@180",
        "log_diameter@180",
        "death_hazard@180",
        quick=True,
    ),
    simulate("hcc_cells", "--arm hepg2_high", "cells_hepg2@3", "cells_huh7@3", "held_raf@3", quick=True),
    simulate("hcc_mouse", "--arm sorafenib_30 --days 28", "treg_fraction@28", "cd8_to_treg@28", "tumour_volume@28", quick=True),
    simulate("breast", "--arm cdk46i", "mif@14", "m1_fraction@14", "cd8_cells@28", "tumour_volume@28", quick=True),
    simulate(
        "melanoma", "--arm sorafenib_temozolomide", "il15ra_monocytes@56", "cd4_nkg2d_cells@56", "tumour_volume@168", quick=True
    ),
    simulate("hcc_cells", "--arm hle_high", "cells_hle@3", "dying_hle@3"),
    simulate("hcc_mouse", "--arm vehicle --days 28", "treg_fraction@28", "tumour_volume@28"),
    simulate("breast", "--arm cdk46i_mif_loss", "m1_fraction@14", "tumour_volume@28"),
    simulate("melanoma", "--arm temozolomide", "cd4_nkg2d_cells@56", "tumour_volume@168"),
    claims("hcc_trial", drawn=True),
    claims("hcc_mouse"),
    claims("melanoma", drawn=True),
    claims("breast"),
    claims("hcc_cells"),
    Command(("fit", "hcc_trial", "--seed", "{seed}", "-o", "run"), read_fit, FIT_ERROR, drawn=True),
    Command(("profile", "run", "--identifiability-only", "--draws", "1", "--patients", "64"), read_shares, FIT_ERROR, drawn=True),
)
