"""Rows and checks of `parameters.csv`.

Start with `examine_parameters`; rules that need the targets are in `kinimmune.fitting.lint`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.deviations import name_deviation
from kinimmune.models.symbolic.notation import require_notation
from kinimmune.models.symbolic.parameters import Parameter, ParameterKey, Prior, Scale, Spread
from kinimmune.models.tables.drugs import DrugRow
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins, find_upside_down
from kinimmune.models.tables.findings import Examined, Finding, capped
from kinimmune.models.tables.rows import Name, NotNegative, Number, SourcedRow, Tables, UnitText, YesNo, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms

WIDEST_PRIOR = 30.0
"""Largest standard deviation of a prior on its ln or logit scale, a factor of 10^13; on a linear one, in units of the median."""


class ParameterRow(SourcedRow):
    """A row of `parameters.csv`."""

    table: ClassVar[str] = "parameters.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"arm", "drug", "prior_median", "trial_spread"})
    key_columns: ClassVar[tuple[str, ...]] = ()

    model: str
    name: Name
    study: Name | None = None
    arm: Name | None = None
    """Arm of the study that has a value of its own."""
    drug: Name | None = None
    """Drug that has a value of its own, in place of that in `drugs.csv` or `kinases.csv`."""
    symbol: str
    value: Number
    unit: UnitText
    lower: Number = float("-inf")
    upper: Number = float("inf")
    prior: Scale
    prior_median: Number | None = None
    prior_sd: NotNegative = 0.0
    estimated: YesNo
    spread_scale: Scale | None = None
    spread_sd: str | None = None
    trial_spread: NotNegative = 0.0
    """Standard deviation between trials on the scale of the prior; 0 where all have one value."""
    meaning: str

    @property
    def models(self) -> tuple[str, ...]:
        """The models the parameter belongs to."""
        return tuple(self.model.split())

    @property
    def key(self) -> str:
        """Name, study, arm and drug."""
        return str(ParameterKey(self.name, self.study, self.arm, self.drug))

    @property
    def everywhere(self) -> bool:
        """Whether the value is not of one arm or drug alone."""
        return self.arm is None and self.drug is None


class SourcedParameter(NamedTuple):
    """A row and the parameter it makes."""

    row: ParameterRow
    parameter: Parameter


def examine_parameters(tables: Tables) -> Examined[SourcedParameter]:
    """Return all parameters of all models, and what is wrong with their table."""
    table, sources, trials = tables.rows(ParameterRow), examine_sources(tables), tables.rows(TrialRow)
    made: list[SourcedParameter] = []
    findings = [*table.findings, *find_upside_down(table.entries, "lower", "upper")]
    upside_down = {finding.row for finding in findings}
    for row in table.entries:
        if row.row in upside_down:
            continue
        try:
            made.append(SourcedParameter(row, _parameter(row)))
        except _ColumnError as error:
            findings.append(row.refused(error.column, DataError(str(error))))
    findings += capped(_find_duplicates(table.entries))
    if not table.findings:  # a row that cannot be read would seem to be missing
        findings += [*capped(_find_unknown_spreads(table.entries)), *capped(_find_missing_studies(table.entries))]
        findings += [*capped(_find_lone(table.entries)), *capped(_find_odd_places(table.entries))]
        findings += capped(_find_taken_names(table.entries))
    if not trials.findings:
        findings += dangling(table.entries, "study", {trial.study for trial in trials.entries}, "trials.csv")
    if any(row.arm is not None for row in table.entries) and not (arms := tables.rows(ArmRow)).findings:
        findings += capped(find_unknown_arms(table.entries, arms.entries))
    if any(row.drug is not None for row in table.entries) and not (drugs := tables.rows(DrugRow)).findings:
        findings += dangling(table.entries, "drug", {row.drug for row in drugs.entries}, "drugs.csv")
    findings += [*find_bad_origins(table.entries, sources), *sources.findings]
    return Examined(tuple(made), tuple(findings))


class _ColumnError(DataError):
    """A `DataError` with the column it is about."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column


def _parameter(row: ParameterRow) -> Parameter:
    if not row.lower <= row.value <= row.upper:
        raise _ColumnError("value", f"parameter '{row.name}' = {_outside(row, row.value)}; correct the value or its range")
    try:
        require_notation(row.symbol, f"parameter '{row.name}'")
    except DataError as error:
        raise _ColumnError("symbol", str(error)) from error
    return Parameter(
        name=row.name,
        symbol=row.symbol,
        value=row.value,
        unit=row.unit,
        lower=row.lower,
        upper=row.upper,
        prior=_prior(row),
        estimated=row.estimated,
        spread=_spread(row),
        study=row.study,
        arm=row.arm,
        drug=row.drug,
        trial_spread=_trial_spread(row),
        meaning=row.meaning,
        source=row.origin,
        origin=row.place,
    )


def _outside(row: ParameterRow, number: float) -> str:
    return f"{number:g} {row.unit} lies outside [{row.lower:g}, {row.upper:g}] ({row.place})"


def _prior(row: ParameterRow) -> Prior:
    median = row.value if row.prior_median is None else row.prior_median
    subject = f"parameter '{row.name}'"
    if not row.lower <= median <= row.upper:
        raise _ColumnError(
            "prior_median", f"prior median of {subject} = {_outside(row, median)}; correct the median or the range"
        )
    if row.estimated and row.prior is Scale.FIXED:
        raise _ColumnError(
            "prior", f"{subject} is estimated but its prior is fixed ({row.place}); give it a prior or do not estimate it"
        )
    if row.estimated and not row.lower < row.upper:
        raise _ColumnError(
            "upper",
            f"{subject} is estimated within [{row.lower:g}, {row.upper:g}], which leaves it one value ({row.place}); "
            "widen the range or do not estimate it",
        )
    widest = largest_sd(row.prior, median)
    if row.prior_sd > widest:
        raise _ColumnError("prior_sd", f"{subject} has prior_sd {row.prior_sd:g} ({row.place}); it must be at most {widest:g}")
    try:
        return Prior(row.prior, median, row.prior_sd)
    except DataError as error:
        raise _ColumnError("prior_sd", f"{subject}: {error} ({row.place}); correct prior, prior_sd or value") from error


def largest_sd(scale: Scale, median: float) -> float:
    """Return the largest standard deviation of a prior, on its scale."""
    return WIDEST_PRIOR * (max(1.0, abs(median)) if scale is Scale.NORMAL else 1.0)


def _spread(row: ParameterRow) -> Spread | None:
    subject = f"parameter '{row.name}'"
    if (row.spread_scale is None) != (row.spread_sd is None):
        raise _ColumnError(
            "spread_sd", f"{subject} has half a spread ({row.place}); fill in spread_scale and spread_sd or neither"
        )
    if row.spread_scale is None or row.spread_sd is None:
        return None
    if row.spread_scale is Scale.FIXED:
        raise _ColumnError("spread_scale", f"{subject} has a fixed spread ({row.place}); leave it empty or name a distribution")
    number = _number(row.spread_sd)
    if number is None:
        return Spread(row.spread_scale, row.spread_sd)
    if not 0.0 < number < float("inf"):
        raise _ColumnError("spread_sd", f"{subject} has spread_sd {row.spread_sd} ({row.place}); it must be positive and finite")
    if number > WIDEST_PRIOR and row.spread_scale is not Scale.NORMAL:
        raise _ColumnError(
            "spread_sd", f"{subject} has spread_sd {row.spread_sd} ({row.place}); it must be at most {WIDEST_PRIOR:g}"
        )
    return Spread(row.spread_scale, number)


def _trial_spread(row: ParameterRow) -> float | None:
    if row.trial_spread == 0.0:
        return None
    subject, place = f"parameter '{row.name}'", f"trial_spread {row.trial_spread:g} ({row.place})"
    if row.study is not None:
        advice = "leave it empty, or give all studies one row"
        raise _ColumnError("trial_spread", f"{subject} has {place} in a row of study '{row.study}' alone; {advice}")
    if not row.estimated:
        raise _ColumnError("trial_spread", f"{subject} has {place} and is not estimated; leave it empty, or estimate it")
    if row.trial_spread > WIDEST_PRIOR and row.prior is not Scale.NORMAL:
        raise _ColumnError("trial_spread", f"{subject} has {place}; it must be at most {WIDEST_PRIOR:g}")
    return row.trial_spread


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _find_duplicates(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find values given twice: for the same study, or once shared and once for a study."""
    first: dict[tuple[str, str, str | None, str | None], dict[str | None, ParameterRow]] = {}
    for row in rows:
        places = {model: first.setdefault((model, row.name, row.arm, row.drug), {}) for model in row.models}
        clashes = [(other.row, model, other) for model, given in places.items() if (other := _clash(row, given)) is not None]
        if clashes:
            _, model, other = min(clashes, key=lambda clash: clash[:2])
            advice = f"row {other.row} has a value for it; keep one"
            yield row.finding("name", f"duplicate parameter '{row.key}' of model '{model}'", advice)
        for given in places.values():
            given.setdefault(row.study, row)


def _clash(row: ParameterRow, given: Mapping[str | None, ParameterRow]) -> ParameterRow | None:
    """Return the first earlier row that has a value for the study of a row, or a shared one; for a shared row any."""
    if row.study is None:
        return next(iter(given.values()), None)
    found = [other for study in (row.study, None) if (other := given.get(study)) is not None]
    return min(found, key=lambda other: other.row, default=None)


def _find_unknown_spreads(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    names: dict[str, set[str]] = {}
    for row in rows:
        for model in row.models:
            names.setdefault(model, set()).add(row.name)
    for row in rows:
        if row.spread_sd is None or _number(row.spread_sd) is not None:
            continue
        for model in row.models:
            if row.spread_sd not in names[model]:
                problem = f"'{row.spread_sd}' in column 'spread_sd' is neither a number nor a parameter of model '{model}'"
                yield row.finding("spread_sd", problem, "write a number or the name of a parameter in this table")


def _find_missing_studies(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find parameters given for some but not all of the studies their model has values for."""
    given: dict[str, dict[str, list[ParameterRow]]] = {}
    for row in rows:
        for model in row.models if row.study is not None and row.everywhere else ():
            given.setdefault(model, {}).setdefault(row.name, []).append(row)
    for model, parameters in given.items():
        studies = {str(row.study) for own in parameters.values() for row in own}
        for name, own in parameters.items():
            for study in sorted(studies - {str(row.study) for row in own}):
                problem = f"parameter '{name}' of model '{model}' has no value for study '{study}'"
                yield own[0].finding("study", problem, "other parameters have one; add a row or make this one shared")


def _find_odd_places(rows: Iterable[ParameterRow]) -> Iterable[Finding]:
    """Find arms without a study, and drugs beside either."""
    for row in rows:
        if row.arm is not None and row.study is None:
            problem = f"parameter '{row.name}' has arm '{row.arm}' and no study"
            yield row.finding("arm", problem, "fill in the study, or empty both")
        if row.drug is not None and (row.study is not None or row.arm is not None):
            problem = f"parameter '{row.name}' has drug '{row.drug}' beside a study or an arm"
            yield row.finding("drug", problem, "leave those empty, or the drug: a row of an arm goes before that of a drug")


def _find_taken_names(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find parameters that have the name which the deviations of another one get."""
    taken = {(model, name_deviation(row.name)): row.name for row in rows if row.trial_spread > 0.0 for model in row.models}
    for row in rows:
        for other in sorted({taken[model, row.name] for model in row.models if (model, row.name) in taken}):
            problem = f"parameter '{row.key}' has the name of the deviations of '{other}', which has a trial_spread"
            yield row.finding("name", problem, "rename it")


def _find_lone(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find values of an arm or a drug that nobody else would have."""
    known = {(model, row.name, row.study) for row in rows if row.everywhere for model in row.models}
    anywhere = {(model, name) for model, name, _ in known}
    for row in rows:
        for model in row.models if not row.everywhere else ():
            found = (model, row.name) in anywhere if row.arm is None else known & _seen_by(model, row)
            if not found:
                problem = f"parameter '{row.key}' of model '{model}' has no value for all others"
                yield row.finding("name", problem, "add a row of it without arm and drug")


def _seen_by(model: str, row: ParameterRow) -> set[tuple[str, str, str | None]]:
    return {(model, row.name, None), (model, row.name, row.study)}
