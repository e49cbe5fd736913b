"""What `kinimmune predict` prints: arms with their intervals, hazard ratios, how probable success is, sizes, events by month.

Start with `print_prediction`.
"""

from collections.abc import Sequence

from kinimmune.cli.printing.predict_timings import format_chance, format_interval, print_cut_offs, print_looks
from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.prediction.results import CalendarRow, ParameterRow, PredictionResult, RiskRow

_ORIGINS = {
    "posterior": "of the posterior",
    "study": "of study {of}",
    "prior": "drawn from the priors",
}
"""Where parameters come from -> in words; what is held goes without saying."""
_STATISTICS = {"median": "median [month]", "deaths": "deaths by the cut-off", "events": "events by the cut-off"}
"""Statistics whose name needs more."""
MOST_NAMES = 8
"""Names of a line; more are counted."""


def print_prediction(result: PredictionResult) -> None:
    """Print a prediction on stdout."""
    print_basis(result)
    _print_numbers(result)
    _print_ratios(result)
    _print_success(result)
    print_looks(result)
    _print_sizes(result)
    print_cut_offs(result)
    _print_at_risk(result.at_risk)
    if result.sizes:
        _print_calendar(result.calendar)


def print_basis(result: PredictionResult) -> None:
    """Print what the parameters are, and what could not be computed."""
    print(f"{result.model}, parameters: {result.note}")
    for text in list_origins(result.parameters):
        print(text)
    if result.values:
        print(f"set at the call: {', '.join(f'{name}={value:g}' for name, value in result.values.items())}")
    if result.cuts:
        print(f"cut: {', '.join(result.cuts)}")
    for study, rule in result.stop_rules.items():
        print(f"treatment in {study} stops by rule {rule}")
    if result.failed_draws:
        print(f"{result.failed_draws} of {result.draws} draws failed and are left out: {result.failures[0]}")
    print()


def list_origins(rows: Sequence[ParameterRow]) -> list[str]:
    """Return lines about which parameters come from where."""
    lines = []
    for origin, words in _ORIGINS.items():
        own = [row for row in rows if row.origin == origin]
        for of in dict.fromkeys(row.of.split(":")[1] if origin == "study" else "" for row in own):
            names = [row.name for row in own if origin != "study" or row.of.split(":")[1] == of]
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            lines.append(f"{words.format(of=of)}: {', '.join(names[:MOST_NAMES])}{more}")
    return lines


def _print_numbers(result: PredictionResult) -> None:
    """Print medians, events and responses of the arms, a row each, then survival at months."""
    columns = ("study", "arm", "n", "endpoint", "number", "predicted", "population 95 %", "one trial 95 %")
    cells = [
        (
            row.study,
            row.arm,
            str(row.n),
            row.endpoint or "-",
            _STATISTICS.get(row.statistic, row.statistic.replace("_", " ")),
            _format_later(row.predicted, row.statistic),
            _band(result, row.lower, row.upper),
            format_interval(row.trial_lower, row.trial_upper, "later"),
        )
        for row in result.numbers
        if row.month is None
    ]
    print_table("Arms", columns, cells, ("n", "predicted"))
    _print_survival(result)


def _print_survival(result: PredictionResult) -> None:
    """Print survival at months with the population's interval; that of one trial stands in JSON and CSV."""
    rows = [row for row in result.numbers if row.month is not None]
    months = sorted({row.month for row in rows if row.month is not None})
    places = dict.fromkeys((row.study, row.arm, row.endpoint or "-") for row in rows)
    known = {(row.study, row.arm, row.endpoint, row.month): row for row in rows}
    cells = []
    for study, arm, endpoint in places:
        own = [known[study, arm, endpoint, month] for month in months]
        told = (f"{format_number(row.predicted, 3)} {_band(result, row.lower, row.upper, '')}".strip() for row in own)
        cells.append((study, arm, endpoint, *told))
    titles = [f"{month:g}" for month in months]
    print_table("Share without the event by month, population 95 %", ("study", "arm", "endpoint", *titles), cells, titles)


def _print_ratios(result: PredictionResult) -> None:
    rows = result.ratios
    columns = ("study", "arm", "over", "endpoint", "hazard ratio", "population 95 %", "one trial 95 %", "events")
    cells = [
        (
            row.study,
            row.arm,
            row.reference_arm,
            row.endpoint,
            format_number(row.predicted, 3),
            _band(result, row.lower, row.upper),
            format_interval(row.trial_lower, row.trial_upper),
            format_number(row.events, 3),
        )
        for row in rows
    ]
    if cells:
        print_table("Hazard ratios", columns, cells, ("hazard ratio", "events"))
    for row in rows:
        if row.data_share is not None and row.prior_share is not None:
            place = f"{row.study}:{row.arm} over {row.reference_arm}, {row.endpoint}"
            constants = f", {row.constant_share:.0%} on constants" if row.constant_share else ""
            shares = f"{row.data_share:.0%} of the variance of ln ratio rests on data, {row.prior_share:.0%} on priors{constants}"
            print(f"{place}: {shares}")
        if row.without:
            told = f": {row.reason}" if row.reason else ""
            print(f"{row.without} draws have no ratio of {row.study}:{row.arm}:{row.endpoint} and are left out of it{told}")


def _print_success(result: PredictionResult) -> None:
    """Print probabilities of ratios below bounds, of success, and the power at one ratio."""
    rows = [row for row in result.ratios if row.assurance is not None]
    if not rows:
        return
    bounds = [item.bound for item in rows[0].below]
    below = [title for bound in bounds for title in (f"population < {bound:g}", f"trial < {bound:g}")]
    columns = ("study", "arm", "over", "endpoint", *below, "assurance", "power at", "power")
    cells = [
        (
            row.study,
            row.arm,
            row.reference_arm,
            row.endpoint,
            *(
                format_chance(value, error)
                for item in row.below
                for value, error in ((item.population, item.population_error), (item.trial, item.trial_error))
            ),
            format_chance(row.assurance, row.assurance_error),
            format_number(row.assumed_ratio, 3),
            format_chance(row.power, None),
        )
        for row in rows
    ]
    when = f", at one of {max(row.look for row in result.looks)} analyses" if result.looks else ""
    test = f"two-sided log-rank p < {result.alpha:g} with a ratio below 1{when}"
    print_table(f"Probability of a hazard ratio below a bound, and of {test}", columns, cells)
    error = "" if result.draws == 1 else "; ± is the Monte Carlo error"
    print(f"the assurance is the mean power over the draws{error}\n")


def _print_sizes(result: PredictionResult) -> None:
    columns = ("study", "arm", "over", "endpoint", "patients", "assurance", "power", "events", "95 %")
    cells = [
        (
            row.study,
            row.arm,
            row.reference_arm,
            row.endpoint,
            str(row.total),
            format_chance(row.assurance, row.assurance_error),
            format_chance(row.power, None),
            format_number(row.events, 3),
            format_interval(row.events_lower, row.events_upper),
        )
        for row in result.sizes
    ]
    if cells:
        print_table("Sizes, randomised, accrued and followed as designed", columns, cells, ("patients", "events"))


def _print_at_risk(rows: Sequence[RiskRow]) -> None:
    """Print expected numbers at risk, those of each endpoint apart."""
    for endpoint in dict.fromkeys(row.endpoint for row in rows):
        own = [row for row in rows if row.endpoint == endpoint]
        months = max((row.months for row in own), key=len)
        columns = ("study", "arm", *(f"{month:g}" for month in months))
        cells = [(row.study, row.arm, *_fill([f"{value:.0f}" for value in row.at_risk], len(months))) for row in own]
        print_table(f"At risk of {endpoint} by month", columns, cells, columns[2:])


def _fill(cells: list[str], size: int) -> list[str]:
    return [*cells, *["-"] * (size - len(cells))]


def _print_calendar(rows: Sequence[CalendarRow]) -> None:
    columns = ("study", "endpoint", "month", "entered", "events", "95 %")
    cells = [
        (row.study, row.endpoint, f"{month:.3g}", f"{entered:.0f}", f"{events:.0f}", f"{lower:.0f}-{upper:.0f}")
        for row in rows
        for month, entered, events, lower, upper in zip(row.months, row.entered, row.events, row.lower, row.upper, strict=True)
    ]
    print_table("Events of all arms by months since the first entry", columns, cells, ("month", "entered", "events"))


def _band(result: PredictionResult, lower: float | None, upper: float | None, none: str = "-") -> str:
    """Return the population's interval; of one point there is none."""
    return none if result.draws == 1 else format_interval(lower, upper, "later")


def _format_later(value: float | None, statistic: str) -> str:
    return "not reached" if value is None and statistic == "median" else format_number(value, 3)
