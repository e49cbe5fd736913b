"""Rows and checks of `parameters.csv`.

Start with `examine_parameters`; rules that need the targets are in `kinimmune.fitting.lint`.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Spread
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins, find_upside_down
from kinimmune.models.tables.files import Examined, Finding
from kinimmune.models.tables.rows import Name, NotNegative, Number, SourcedRow, Tables, UnitText, YesNo, dangling
from kinimmune.models.tables.trials import TrialRow


class ParameterRow(SourcedRow):
    """A row of `parameters.csv`."""

    table: ClassVar[str] = "parameters.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"prior_median"})
    key_columns: ClassVar[tuple[str, ...]] = ()

    model: str
    name: Name
    study: Name | None = None
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
    meaning: str

    @property
    def models(self) -> tuple[str, ...]:
        """The models the parameter belongs to."""
        return tuple(self.model.split())


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
    findings += _find_duplicates(table.entries)
    if not table.findings:  # a row that cannot be read would seem to be missing
        findings += [*_find_unknown_spreads(table.entries), *_find_missing_studies(table.entries)]
    if not trials.findings:
        findings += dangling(table.entries, "study", {trial.study for trial in trials.entries}, "trials.csv")
    findings += [*find_bad_origins(table.entries, sources), *sources.findings]
    return Examined(tuple(made), tuple(findings))


class _ColumnError(DataError):
    """A `DataError` that knows its column."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column


def _parameter(row: ParameterRow) -> Parameter:
    if not row.lower <= row.value <= row.upper:
        raise _ColumnError("value", f"parameter '{row.name}' = {_outside(row, row.value)}; correct the value or its range")
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
    try:
        return Prior(row.prior, median, row.prior_sd)
    except DataError as error:
        raise _ColumnError("prior_sd", f"{subject}: {error} ({row.place}); correct prior, prior_sd or value") from error


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
    return Spread(row.spread_scale, number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _find_duplicates(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find values given twice: for the same study, or once shared and once for a study."""
    for index, row in enumerate(rows):
        for other in rows[:index]:
            shared = set(row.models) & set(other.models)
            if row.name == other.name and shared and (row.study == other.study or None in (row.study, other.study)):
                key = row.name if row.study is None else f"{row.name}:{row.study}"
                advice = f"row {other.row} has a value for it; keep one"
                yield row.finding("name", f"duplicate parameter '{key}' of model '{min(shared)}'", advice)
                break


def _find_unknown_spreads(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    for row in rows:
        if row.spread_sd is None or _number(row.spread_sd) is not None:
            continue
        for model in row.models:
            names = {other.name for other in rows if model in other.models}
            if row.spread_sd not in names:
                problem = f"'{row.spread_sd}' in column 'spread_sd' is neither a number nor a parameter of model '{model}'"
                yield row.finding("spread_sd", problem, "write a number or the name of a parameter in this table")


def _find_missing_studies(rows: Sequence[ParameterRow]) -> Iterable[Finding]:
    """Find parameters given for some but not all of the studies their model has values for."""
    for model in dict.fromkeys(model for row in rows for model in row.models):
        own = [row for row in rows if model in row.models and row.study is not None]
        studies = {row.study for row in own}
        for name in dict.fromkeys(row.name for row in own):
            missing = studies - {row.study for row in own if row.name == name}
            row = next(row for row in own if row.name == name)
            for study in sorted(str(study) for study in missing):
                problem = f"parameter '{name}' of model '{model}' has no value for study '{study}'"
                yield row.finding("study", problem, "other parameters have one; add a row or make this one shared")
