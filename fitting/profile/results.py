"""What profiles found: plain values that go to JSON and back (schema `kinimmune.profile/1`).

Start with `ProfileResult`; `PROFILE_JSON` and `to_csv` convert it.  Scores are z-scores: prior standard deviations from
the prior median, on the scale of the prior.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from kinimmune.fitting.runs.codec import JsonFormat
from kinimmune.fitting.runs.run import Run

JSON_FILE, CSV_FILE = "results/profile.json", "results/profile.csv"
Numbers = tuple[float, ...]

THRESHOLD_95 = 3.841458820694124
"""Deviance that a chi-square variable of one degree of freedom passes in 5 % of cases; nominal with few data."""
THRESHOLD_90 = 2.705543454095404
"""The same for 10 % of cases."""


class Identifiability(StrEnum):
    """What the data alone say about a parameter (A. Raue et al., Bioinformatics 25:1923, 2009)."""

    IDENTIFIABLE = "identifiable"
    """The profile passes the 95 % threshold on both sides within the range."""
    PRACTICALLY_NOT = "practically non-identifiable"
    """It rises, but does not pass the threshold on one side or on both."""
    STRUCTURALLY_NOT = "structurally non-identifiable"
    """It is flat over the whole range: other parameters make up for any change, or the data do not see it."""


class Ending(StrEnum):
    """Why a profile ends where it does."""

    THRESHOLD = "threshold"
    """The deviance passed the threshold."""
    RANGE = "range"
    """It came to the end of the range, or to a bound of the tables."""
    STUCK = "stuck"
    """No smaller step could be computed, or the most points of a path were."""


@dataclass(frozen=True)
class Curve:
    """The deviance along one coordinate, all other parameters at their best; increasing in the coordinate."""

    values: Numbers
    """The parameter in its unit, or the prediction, at each point."""
    scores: Numbers
    """z-score of the parameter at each point; of a prediction its natural logarithm."""
    deviance: Numbers
    """Sum of squares above the lowest one found, at each point."""
    lower_95: float | None
    """Value below the optimum at which the deviance passes the 95 % threshold; None when it does not."""
    upper_95: float | None
    """Value above the optimum at which it passes the 95 % threshold; None when it does not."""
    lower_90: float | None
    """Value below the optimum at which it passes the 90 % threshold."""
    upper_90: float | None
    """Value above the optimum at which it passes the 90 % threshold."""
    ended: tuple[Ending, Ending]
    """Why the profile ends below the optimum, and why above it."""
    paths: dict[str, Numbers]
    """Parameter -> its z-scores along the curve."""
    predictions: dict[str, Numbers]
    """Prediction -> its values along the curve."""

    @property
    def best(self) -> int:
        """Index of the lowest point."""
        return min(range(len(self.deviance)), key=self.deviance.__getitem__)


@dataclass(frozen=True)
class CorrelatedParameter:
    """A parameter that moves along another one's profile."""

    name: str
    slope: float
    """Change [prior sd] per prior sd of the profiled one, from end to end of the part of the curve the data allow."""
    change: float
    """Range [prior sd] over that part."""


@dataclass(frozen=True)
class ParameterProfile:
    """One parameter with the data alone and with the priors."""

    name: str
    symbol: str
    unit: str
    meaning: str
    estimate: float
    """Estimate of the fit, data and priors, in the parameter's unit."""
    identifiability: Identifiability
    data: Curve
    """Profile of the data alone."""
    posterior: Curve
    """Profile of data and priors."""
    data_error: float | None
    """Standard error [prior sd] by the curvature of the data alone; None where that has none."""
    posterior_error: float
    """Standard error [prior sd] by the curvature of data and priors."""
    companions: tuple[CorrelatedParameter, ...]
    """Parameters that move along the profile of the data alone, those that move most first."""
    advice: str
    """What the profile shows and which measurement would help, in words (`kinimmune.fitting.profile.advice`)."""


@dataclass(frozen=True)
class PredictionProfile:
    """A prediction under data and priors."""

    name: str
    estimate: float
    curve: Curve
    reach_error: float
    """Largest difference of ln between the value asked for and the one reached; the deviance is that of the value reached."""


@dataclass(frozen=True)
class Conclusion:
    """How far a prediction moves while the parameters that the data alone do not identify move."""

    prediction: str
    estimate: float
    lower: float | None
    """Lower end of the 95 % interval by its own profile, data and priors; None without one."""
    upper: float | None
    """Upper end of that interval."""
    lowest: float
    """Lowest value over the points the data alone allow, on the profiles of the parameters that are not identified."""
    highest: float
    """Highest value over those points."""
    movers: dict[str, tuple[float, float]]
    """Parameter that is not identified -> lowest and highest prediction along its profile."""
    independent: bool
    """Whether it stays on one side of no effect (ratios) or within the fit's 95 % interval (medians) all along."""


@dataclass(frozen=True)
class ProfileResult:
    """Profiles of a fit."""

    model: str
    seed: int
    patients: int
    targets: int
    """Published numbers behind the deviance."""
    cost_data: float
    """Lowest sum of squares of the data alone."""
    cost_posterior: float
    """Lowest sum of squares of data and priors."""
    parameters: tuple[ParameterProfile, ...]
    predictions: tuple[PredictionProfile, ...]
    conclusions: tuple[Conclusion, ...]
    warnings: tuple[str, ...]
    evaluations: int
    """Virtual trials run."""
    failures: tuple[dict[str, str], ...] = ()
    """Points that could not be computed: `what` and `reason`."""
    schema: Literal["kinimmune.profile/1"] = "kinimmune.profile/1"


PROFILE_JSON = JsonFormat(ProfileResult, "holds no profiles", "compute them again with `kinimmune profile RUN --force`")


def read_profiles(run: Run) -> ProfileResult | None:
    """Return profiles of a run, None where there is nothing yet."""
    return PROFILE_JSON.load(run.read(JSON_FILE), run.path / JSON_FILE) if (run.path / JSON_FILE).is_file() else None


def write_profiles(run: Run, result: ProfileResult) -> None:
    """Keep the result in a run, as JSON and CSV."""
    run.write(JSON_FILE, PROFILE_JSON.dump(result))
    run.write(CSV_FILE, to_csv(result))


def to_csv(result: ProfileResult) -> str:
    """Return every point of every curve as a row: what it is of, deviance, and the parameters along it."""
    names = [item.name for item in result.parameters]
    names += [name for item in result.parameters[:1] for name in item.data.paths if name not in names]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["objective", "of", "value", "score", "deviance", *names], lineterminator="\n")
    writer.writeheader()
    for item in result.parameters:
        writer.writerows(_rows_of("data", item.name, item.data))
        writer.writerows(_rows_of("posterior", item.name, item.posterior))
    for prediction in result.predictions:
        writer.writerows(_rows_of("posterior", prediction.name, prediction.curve))
    return text.getvalue()


def _rows_of(objective: str, name: str, curve: Curve) -> Iterator[dict[str, str | float]]:
    for index, value in enumerate(curve.values):
        at = {key: path[index] for key, path in curve.paths.items()}
        known = {"value": value, "score": curve.scores[index], "deviance": curve.deviance[index]}
        yield {"objective": objective, "of": name, **known, **at}
