"""What is known of the parameters of a fit, by curvature and by refits: plain values that go to JSON and back.

Start with `IdentifiabilityResult` (schema `kinimmune.identifiability/1`); `IDENTIFIABILITY_JSON` and `to_csv` convert it.
"""

import csv
import io
from dataclasses import dataclass, fields
from typing import Literal

from kinimmune.fitting.runs.codec import JsonFormat
from kinimmune.fitting.runs.run import Run

JSON_FILE, CSV_FILE = "results/identifiability.json", "results/identifiability.csv"
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Refit:
    """The estimates of a changed fit."""

    change: str
    """The target left out, or what was done to the priors."""
    scores: Numbers
    """Estimates [prior sd from the prior median]."""
    shifts: Numbers
    """How far they moved, in standard errors of the fit by its curvature."""
    cost: float
    """Sum of squares of what was minimised."""


@dataclass(frozen=True)
class Verdict:
    """One parameter."""

    name: str
    symbol: str
    contraction: float
    """Posterior over prior standard deviation, by the curvature."""
    main_target: str
    """The published number its estimate depends on most."""
    main_share: float
    """Share of the variance that the data bring into the estimate which comes from that number."""
    left_out: str
    """Published number whose leaving out moves the estimate most."""
    left_out_shift: float
    """Shift of the estimate without that number [standard errors]."""
    doubled_shift: float
    """Shift of the estimate when all priors are twice as wide [standard errors]."""
    verdict: str
    """What holds the estimate, in words (`kinimmune.fitting.identifiability.verdicts`)."""


@dataclass(frozen=True)
class ShareRow:
    """The share of the survival benefit that runs through a mechanism, over draws."""

    study: str
    rule: str
    """Rule by which treatment stops."""
    measure: str
    """`hazard_ratio` (of ln) or `median` (of the difference)."""
    draws_from: str
    """`prior` or `posterior`."""
    at_fit: float | None
    """Share at the estimates; None where the drug has no benefit there."""
    median: float | None
    """Median over draws."""
    lower: float | None
    """5 % quantile."""
    upper: float | None
    """95 % quantile."""
    draws: int
    """Number of draws with a benefit to be shared."""
    without_benefit: int
    """Draws in which the drug brings no benefit; they have no share."""
    arm: str | None = None
    """The treated arm; None for the only one of the study."""


@dataclass(frozen=True)
class MechanismShare:
    """The shares of one mechanism."""

    arrows: tuple[str, ...]
    """Arrows of the mechanism, cut together."""
    patients: int
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True)
class IdentifiabilityResult:
    """What the numbers of a fit hold."""

    model: str
    seed: int
    patients: int
    names: tuple[str, ...]
    targets: tuple[str, ...]
    eigenvalues: Numbers
    """Eigenvalues of J'J at the fit [per squared prior sd], largest first; above 1 the data say more than the prior."""
    eigenvectors: tuple[Numbers, ...]
    """Eigenvectors, one row an eigenvalue, in the order of `names`."""
    drawn_eigenvalues: tuple[Numbers, ...]
    """Eigenvalues of J'J at draws from the Gaussian posterior, one row a draw."""
    effective_parameters: float
    """Number of parameters the data determine, at the fit."""
    drawn_effective: Numbers
    """The same number at each draw from the Gaussian posterior."""
    correlation: tuple[Numbers, ...]
    """Posterior correlation of the estimates by the curvature, in the order of `names`."""
    sensitivity: tuple[Numbers, ...]
    """Row a parameter, column a target: change of the estimate [prior sd] when the number rises by one standard error."""
    exact_curvature: bool
    """Whether the sensitivity uses the Hessian; J'J + 1 where the Hessian was not positive definite."""
    informativeness: tuple[Numbers, ...]
    """Row a parameter, column a target: share of the variance the data bring into the estimate; rows sum to 1."""
    left_out: tuple[Refit, ...]
    """Fits without one target each, in the order of `targets`."""
    doubled: Refit
    """Fit with all priors twice as wide."""
    verdicts: tuple[Verdict, ...]
    shares: MechanismShare | None
    """None when no claim about the model names the mechanism of a benefit."""
    evaluations: int
    failures: tuple[dict[str, str], ...] = ()
    schema: Literal["kinimmune.identifiability/1"] = "kinimmune.identifiability/1"


IDENTIFIABILITY_JSON = JsonFormat(
    IdentifiabilityResult, "does not tell what is identified", "compute it again with `kinimmune profile RUN --force`"
)


def read_identifiability(run: Run) -> IdentifiabilityResult | None:
    """Return what holds the parameters of a run, None where there is nothing yet."""
    return IDENTIFIABILITY_JSON.load(run.read(JSON_FILE), run.path / JSON_FILE) if (run.path / JSON_FILE).is_file() else None


def write_identifiability(run: Run, result: IdentifiabilityResult) -> None:
    """Keep the result in a run, as JSON and CSV."""
    run.write(JSON_FILE, IDENTIFIABILITY_JSON.dump(result))
    run.write(CSV_FILE, to_csv(result))


def to_csv(result: IdentifiabilityResult) -> str:
    """Return one row a parameter: its verdict, and its sensitivity to every target."""
    text = io.StringIO()
    columns = [field.name for field in fields(Verdict)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *result.targets])
    for verdict, row in zip(result.verdicts, result.sensitivity, strict=True):
        writer.writerow([*(getattr(verdict, name) for name in columns), *row])
    return text.getvalue()
