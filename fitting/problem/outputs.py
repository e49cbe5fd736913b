"""Outputs by the names of the command line: which number of a virtual trial, or of one individual, is asked for.

Start with `parse_output`.  Names are `median:STUDY:ARM:os`, `hazard_ratio:STUDY[:ARM]:ENDPOINT`,
`survival:STUDY:ARM:ENDPOINT:MONTH` and `state:NAME:DAY[:ARM]`; a ratio names its treated arm where a study has several.
`kinimmune.fitting.sensitivity.responses` computes them.
Every output is a smooth function of the parameters; medians of TTP and PFS, which jump from scan to scan, are refused.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial, list_endpoints

KINDS = ("median", "hazard_ratio", "survival", "state")
FORMS = "median:STUDY:ARM:os, hazard_ratio:STUDY[:ARM]:ENDPOINT, survival:STUDY:ARM:ENDPOINT:MONTH or state:NAME:DAY[:ARM]"


@dataclass(frozen=True)
class MedianOutput:
    """Median time of an endpoint in an arm [month]; of OS from the smooth curve, of TTP a scan, of PFS a scan or between two."""

    study: str
    arm: str
    endpoint: Endpoint = Endpoint.OS

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return f"median:{self.study}:{self.arm}:{self.endpoint}"


@dataclass(frozen=True)
class HazardRatioOutput:
    """Hazard ratio of a treated arm over its study's control, over the whole follow-up."""

    study: str
    endpoint: Endpoint
    arm: str | None = None
    """The treated arm; None for the only one of a study, so that its short name is the only one it has."""

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        place = [self.study] if self.arm is None else [self.study, self.arm]
        return ":".join(["hazard_ratio", *place, str(self.endpoint)])


@dataclass(frozen=True)
class SurvivalOutput:
    """Share of an arm without the event at a month; for TTP after the last scan up to then."""

    study: str
    arm: str
    endpoint: Endpoint
    month: float

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return f"survival:{self.study}:{self.arm}:{self.endpoint}:{self.month:g}"


@dataclass(frozen=True)
class StateOutput:
    """A state or read-out of the model on a day: of one individual, or the mean over an arm's patients who are alive."""

    quantity: str
    day: float
    study: str | None = None
    """Study of a trial's arm; None for one individual."""
    arm: str | None = None
    """Arm of that study, or an experiment; None for one individual to whom nothing is given."""

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        place = [part for part in (self.study, self.arm) if part is not None]
        return ":".join(["state", self.quantity, f"{self.day:g}", *place])


PublishedOutput = MedianOutput | HazardRatioOutput
"""Outputs that targets are about."""
Output = PublishedOutput | SurvivalOutput | StateOutput


def read_output(name: str) -> Output:
    """Return the output of a name that a result or a task holds; what it names is not looked up.

    Raises
    ------
    DataError
        for a text that is no name of an output

    Examples
    --------
    >>> read_output("median:sharp:placebo:ttp").arm
    'placebo'
    >>> read_output("state:tumour_volume:28").day
    28.0
    """
    kind, *parts = name.split(":")
    try:
        match kind, parts:
            case "median", [study, arm, endpoint]:
                return MedianOutput(study, arm, Endpoint(endpoint))
            case "hazard_ratio", [study, *arm, endpoint] if len(arm) <= 1:
                return HazardRatioOutput(study, Endpoint(endpoint), *arm)
            case "survival", [study, arm, endpoint, month]:
                return SurvivalOutput(study, arm, Endpoint(endpoint), float(month))
            case "state", [quantity, day]:
                return StateOutput(quantity, float(day))
            case "state", [quantity, day, arm]:
                return StateOutput(quantity, float(day), None, arm)
            case "state", [quantity, day, study, arm]:
                return StateOutput(quantity, float(day), study, arm)
    except ValueError as error:  # no endpoint, no number
        raise DataError(f"'{name}' is no output: {error}; write {FORMS}") from error
    raise DataError(f"'{name}' is no output; write {FORMS}")


def list_ratios(trial: Trial, endpoint: Endpoint) -> tuple[HazardRatioOutput, ...]:
    """Return the hazard ratios of a trial: one for each treated arm, none without a control."""
    return tuple(name_ratio(trial, arm.name, endpoint) for arm in trial.compared)


def name_ratio(trial: Trial, arm: str, endpoint: Endpoint) -> HazardRatioOutput:
    """Return the hazard ratio of a treated arm; where it is the only one the ratio does not name it."""
    return HazardRatioOutput(trial.study, endpoint, arm if len(trial.compared) > 1 else None)


def read_published_output(name: str) -> PublishedOutput:
    """Return the median or hazard ratio of a name; raises as `read_output` does, and for outputs of other kinds."""
    output = read_output(name)
    if not isinstance(output, MedianOutput | HazardRatioOutput):
        raise DataError(f"'{name}' is neither a median nor a hazard ratio; write {FORMS}")
    return output


@dataclass(frozen=True)
class OutputCatalogue:
    """What the outputs of a model can name."""

    model: OdeModel
    trials: tuple[Trial, ...]
    """Trials the model can be run in; empty for a model of one individual."""
    experiments: tuple[str, ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """States and read-outs."""
        return (*self.model.state_names, *(item.name for item in self.model.outputs))

    def unit(self, output: Output) -> str:
        """Return the unit of an output; 1 for a ratio or a share."""
        if isinstance(output, MedianOutput):
            return "month"
        units = {state.name: state.unit for state in self.model.states} | {item.name: item.unit for item in self.model.outputs}
        return units[output.quantity] if isinstance(output, StateOutput) else "1"

    def trial(self, study: str, text: str) -> Trial:
        """Return a trial by its study, or raise a `UsageError` about the output `text`."""
        studies = [trial.study for trial in self.trials]
        if not studies:
            raise _refuse(text, f"model '{self.model.name}' is not tried in a trial; ask for state:NAME:DAY[:EXPERIMENT]")
        if study not in studies:
            raise _refuse(text, f"no study '{study}'; {nearest(study, studies)}")
        return next(trial for trial in self.trials if trial.study == study)


def parse_output(text: str, catalogue: OutputCatalogue) -> Output:
    """Return the output of a name.

    Parameters
    ----------
    text
        the name
    catalogue
        what a name may refer to

    Raises
    ------
    UsageError
        naming the part that is wrong and the nearest that is right
    """
    kind, *parts = text.split(":")
    if kind not in KINDS:
        raise _refuse(text, f"no kind '{kind}'; {nearest(kind, KINDS)}; write {FORMS}")
    if kind == "state":
        return _parse_state(text, parts, catalogue)
    expected = {"median": (3,), "hazard_ratio": (2, 3), "survival": (4,)}[kind]
    if len(parts) not in expected:
        wanted = " or ".join(map(str, expected))
        raise _refuse(text, f"{len(parts)} parts after '{kind}' where {wanted} belong; write {FORMS}")
    trial = catalogue.trial(parts[0], text)
    if kind == "hazard_ratio":
        return _ratio(text, trial, parts[1:-1], _endpoint(parts[-1], catalogue.model, text))
    arm, endpoint = _arm(parts[1], trial, text), _endpoint(parts[2], catalogue.model, text)
    if kind == "median":
        return _median(text, trial, arm, endpoint)
    return _survival(text, trial, SurvivalOutput(trial.study, arm, endpoint, _number(parts[3], "month", text)))


def _refuse(text: str, problem: str) -> UsageError:
    return UsageError(f"--output {text}: {problem}")


def _ratio(text: str, trial: Trial, arm: Sequence[str], endpoint: Endpoint) -> HazardRatioOutput:
    names = [item.name for item in list_ratios(trial, endpoint)]
    if not arm and len(names) > 1:
        raise _refuse(text, f"'{trial.study}' compares {len(names)} arms with its control; ask for {' or '.join(names)}")
    try:
        treated, _ = trial.contrast(arm[0] if arm else None)
    except UsageError as error:
        raise _refuse(text, str(error)) from error
    return name_ratio(trial, treated.name, endpoint)


def _median(text: str, trial: Trial, arm: str, endpoint: Endpoint) -> MedianOutput:
    if endpoint is not Endpoint.OS:
        month = float(f"{2.0 * trial.scan_interval / DAYS_PER_MONTH:.2g}")
        smooth = SurvivalOutput(trial.study, arm, endpoint, month).name
        what = "TTP is the number of a scan and jumps" if endpoint is Endpoint.TTP else "PFS jumps at scans"
        raise _refuse(text, f"a median of {what}; ask for the share at a month, such as {smooth}")
    return MedianOutput(trial.study, arm)


def _survival(text: str, trial: Trial, output: SurvivalOutput) -> SurvivalOutput:
    first = trial.scan_interval / DAYS_PER_MONTH
    if output.endpoint is Endpoint.TTP and output.month < first:
        raise _refuse(text, f"no scan by month {output.month:g}; the first is at month {math.ceil(100.0 * first) / 100.0:g}")
    return output


def _parse_state(text: str, parts: Sequence[str], catalogue: OutputCatalogue) -> StateOutput:
    if not 2 <= len(parts) <= 4:
        raise _refuse(text, f"{len(parts)} parts after 'state' where 2 to 4 belong; write {FORMS}")
    if parts[0] not in catalogue.quantities:
        raise _refuse(
            text, f"no state or output '{parts[0]}' in model '{catalogue.model.name}'; {nearest(parts[0], catalogue.quantities)}"
        )
    day = _number(parts[1], "day", text)
    if len(parts) == 2:
        return StateOutput(parts[0], day)
    study, arm = _find_arm(text, ":".join(parts[2:]), catalogue)
    return StateOutput(parts[0], day, study, arm)


def _find_arm(text: str, given: str, catalogue: OutputCatalogue) -> tuple[str | None, str]:
    """Return (study, arm) of a trial's arm, or (None, experiment); an arm comes before an experiment of the same name."""
    arms = [(trial.study, arm.name) for trial in catalogue.trials for arm in trial.arms]
    found = [place for place in arms if given in (place[1], ":".join(place))]
    if len(found) > 1:
        raise _refuse(text, f"arm '{given}' is in several studies; write {' or '.join(':'.join(place) for place in found)}")
    if found:
        return found[0]
    if given in catalogue.experiments:
        return None, given
    names = [*(":".join(place) for place in arms), *catalogue.experiments]
    if not names:
        raise _refuse(text, f"model '{catalogue.model.name}' has no arms or experiments; leave '{given}' out")
    raise _refuse(text, f"no arm or experiment '{given}'; {nearest(given, names)}")


def _arm(given: str, trial: Trial, text: str) -> str:
    names = [arm.name for arm in trial.arms]
    if given not in names:
        raise _refuse(text, f"no arm '{given}' in {trial.study}; {nearest(given, names)}")
    return given


def _endpoint(given: str, model: OdeModel, text: str) -> Endpoint:
    names = [str(endpoint) for endpoint in list_endpoints(model)]
    if given not in names:
        raise _refuse(text, f"no endpoint '{given}'; {nearest(given, names)}")
    return Endpoint(given)


def _number(given: str, unit: str, text: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        raise _refuse(text, f"{unit} '{given}' is no positive number")
    return value
