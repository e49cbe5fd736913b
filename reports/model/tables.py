"""The numbers behind a model as rows for a page: estimates, parameters, constants, kinases, designs and sources.

Start with `list_parameters`.
"""

from kinimmune.fitting.estimation.results import ChangeRow, ConstantRow, EstimateRow
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.symbolic.components import derive_label
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.notation import require_notation
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.drugs import GivenDrug
from kinimmune.models.tables.evidence import Kinase, Reference
from kinimmune.models.trial.design import Endpoint, StopRule, Trial
from kinimmune.reports.typesetting.blocks import Cell, Mark, Math, Strong, Table, Tag
from kinimmune.reports.typesetting.formats import (
    MISSING,
    print_endpoint,
    print_fixed,
    print_interval,
    print_number,
    print_unit,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def list_estimates(estimates: tuple[EstimateRow, ...], labels: Labels = PLAIN) -> Table:
    """Return estimated parameters with prior, interval and contraction."""
    rows = tuple(
        (
            _symbol(row.symbol, row.name),
            _name(labels.parameter(row.name), row.changed),
            print_unit(row.unit),
            print_number(row.prior_median),
            print_interval(row.prior_lower, row.prior_upper),
            Strong(print_number(row.value)),
            f"{print_interval(row.lower, row.upper)}{', at bound' if row.at_bound else ''}",
            print_fixed(row.contraction, 2),
            Tag(row.status),
            Mark(row.source),
        )
        for row in estimates
    )
    names = ("", "Name", "Unit", "Prior", "95 %", "Estimate", "95 %", "sd ratio", "Prior is", "Source")
    return Table(names, rows, "lllrlrlrll", widths=(0, 1, 0, 0, 0, 0, 0, 0, 0, 0))


def list_constants(constants: tuple[ConstantRow, ...]) -> Table:
    """Return the parameters a fit did not move."""
    rows = tuple(
        (
            _symbol(row.symbol, row.name),
            _name(Mark(row.name), row.changed),
            row.meaning,
            print_number(row.value),
            print_unit(row.unit),
            _shorten_prior(row.prior),
            Tag(row.status),
            Mark(row.source),
        )
        for row in constants
    )
    names = ("", "Name", "Meaning", "Value", "Unit", "Prior sd", "Status", "Source")
    return Table(names, rows, "lllrllll", widths=(0, 1, 2, 0, 0, 0, 0, 0))


def list_changes(changes: tuple[ChangeRow, ...], labels: Labels = PLAIN) -> Table:
    """Return what was told of parameters at the call beside what the tables say."""
    rows = tuple((labels.parameter(row.name), Mark(row.name), row.changed, row.tables) for row in changes)
    return Table(("Parameter", "Name", "Change", "In the tables"), rows, "llll", widths=(1, 0, 1, 1))


def _name(name: str | Mark, changed: str) -> Cell:
    """Return the name of a parameter, with what was told of it at the call."""
    return (name, f" ({changed})") if changed else name


def _shorten_prior(text: str) -> str:
    """Return the spread of a prior such as `lognormal(5, 0.7)`, whose median is the value of the same row.

    >>> _shorten_prior("lognormal(5, 0.7)")
    '0.7 of ln'
    """
    scale, _, rest = text.partition("(")
    sd = rest.removesuffix(")").rpartition(", ")[2]
    return f"{sd} {_SCALES[Scale(scale)]}" if scale in set(_SCALES) and sd else text


def list_parameters(model: OdeModel, labels: Labels = PLAIN) -> Table:
    """Return every parameter of a model with prior, spread between patients, status and source."""
    rows: list[tuple[Cell, ...]] = []
    for item in model.parameters:
        place = [*([labels.study(item.study)] if item.study else []), *filter(None, (item.arm, item.drug))]
        study = f" ({' '.join(place)})" if place else ""
        rows.append(
            (
                _symbol(item.symbol, item.name),
                (f"{item.meaning}{study} ", Mark(item.name)),
                print_number(item.value),
                print_unit(item.unit),
                _print_prior(item.prior),
                _print_spread(item),
                "yes" if item.estimated else "no",
                Tag(item.source.status),
                Mark(item.source.key),
            )
        )
    names = ("", "Meaning and name", "Value", "Unit", "Prior sd", "Spread", "Fitted", "Status", "Source")
    return Table(names, tuple(rows), "llrllllll", widths=(0, 1, 0, 0, 0, 0, 0, 0, 0))


def _symbol(notation: str, name: str) -> Math:
    return Math(require_notation(notation, f"parameter '{name}'"))


_SCALES = {Scale.LOGNORMAL: "of ln", Scale.LOGITNORMAL: "of logit", Scale.NORMAL: "of the value"}


def _print_prior(prior: Prior) -> str:
    if prior.scale is Scale.FIXED:
        return "fixed"
    return f"{print_number(prior.sd)} {_SCALES[prior.scale]}"


def _print_spread(item: Parameter) -> str:
    if item.spread is None:
        return ""
    sd = item.spread.sd.replace("_", " ") if isinstance(item.spread.sd, str) else print_number(item.spread.sd)
    return f"{sd} {_SCALES[item.spread.scale]}"


def list_kinases(kinases: tuple[Kinase, ...]) -> Table:
    """Return the kinases of each drug's biochemical panel and what each drives in the model."""
    rows = tuple(
        (
            item.name,
            f"{print_number(item.ic50)} {item.unit}",
            item.species or "not stated",
            "nothing" if item.drives is None else Mark(item.drives),
            Tag(item.source.status),
            item.source.note,
        )
        for item in kinases
    )
    return Table(("Kinase", "IC50", "Enzyme", "Drives", "Status", "Note"), rows, "lrllll", widths=(0, 0, 0, 0, 0, 1))


def list_drugs(drugs: tuple[GivenDrug, ...]) -> Table:
    """Return properties and IC50s of drugs, one a row."""
    rows: list[tuple[Cell, ...]] = []
    for item in drugs:
        found = [(row.quantity.replace("_", " "), row.value, row.unit, row.origin) for row in item.properties]
        found += [(f"IC50 of {kinase.name}", kinase.ic50, kinase.unit, kinase.source) for kinase in item.kinases]
        for quantity, value, unit, source in found:
            cells = (
                item.drug,
                quantity,
                print_number(value),
                print_unit(unit),
                Tag(source.status),
                Mark(source.key),
                source.note,
            )
            rows.append(cells)
    names = ("Drug", "Quantity", "Value", "Unit", "Status", "Source", "Note")
    return Table(names, tuple(rows), "llrllll", group=0, widths=(0, 0, 0, 0, 0, 0, 1))


def list_trials(trials: tuple[Trial, ...]) -> Table:
    """Return the designs that the virtual trial repeats, one row per arm."""
    rows: list[tuple[Cell, ...]] = []
    own = any(trial.follow_up[Endpoint.PFS] != trial.follow_up[Endpoint.TTP] for trial in trials)
    endpoints = (Endpoint.OS, Endpoint.TTP, *([Endpoint.PFS] if own else []))
    for trial in trials:
        followed = [trial.follow_up[endpoint] for endpoint in endpoints]
        months = [print_interval(item.shortest / DAYS_PER_MONTH, item.longest / DAYS_PER_MONTH, 1) for item in followed]
        for arm in trial.arms:
            doses = [f"{print_number(arm.dose)} mg × {print_number(arm.doses_per_day)} a day"] if arm.daily_dose > 0.0 else []
            doses = [*doses, *map(str, arm.regimen)] or ["none"]
            dose = "; ".join([*doses, *([] if arm.next_line is None else [str(arm.next_line)])])
            rows.append((trial.title, arm.name, str(arm.n), dose, str(trial.plan), _describe_criterion(trial), *months))
    ends = [f"Followed for {print_endpoint(endpoint)}" for endpoint in endpoints]
    names = ("Study", "Arm", "n", "Drug", "Scans", "Criterion", *ends)
    return Table(names, tuple(rows), "llrlll" + "l" * len(endpoints), group=0)


def _describe_criterion(trial: Trial) -> str:
    if trial.progression_increase == 0.0:
        return trial.criterion
    applied = "" if trial.baseline_diameter is not None else ", not applied"
    return f"{trial.criterion} (+{print_number(trial.progression_increase)} mm{applied})"


def describe_stop_rule(rule: StopRule) -> str:
    """Return when treatment stops, in words."""
    return _STOPS[rule]


_STOPS = {
    StopRule.RADIOLOGICAL: "at the scan that shows progression",
    StopRule.ONE_SCAN_LATER: "one scan after progression was seen",
    StopRule.RADIOLOGICAL_AND_SYMPTOMATIC: "once progression is both seen and felt, or for adverse events",
    StopRule.NEVER: "never",
}


def list_experiments(experiments: tuple[Experiment, ...]) -> Table:
    """Return what each experiment is."""
    rows = tuple((derive_label(item.name), Mark(item.name), item.meaning) for item in experiments)
    return Table(("Experiment", "Name", "Meaning"), rows, "lll", widths=(0, 0, 1))


def list_sources(references: tuple[Reference, ...]) -> Table:
    """Return the sources and how much of each was seen."""
    rows = tuple((Mark(row.key), row.citation, row.identifier, Tag(row.read), row.note) for row in references)
    return Table(("Key", "Source", "Identifier", "Seen", "Note"), rows, "lllll", widths=(0, 1.5, 1.2, 0, 1.3))


def list_spreads(model: OdeModel) -> Table:
    """Return how virtual patients differ."""
    rows = tuple(
        (_symbol(item.symbol, item.name), item.meaning, _print_spread(item), Tag(item.source.status))
        for item in {item.name: item for item in model.parameters if item.spread is not None}.values()
    )
    return Table(("", "Quantity", "Standard deviation between patients", "Status"), rows, "llll", widths=(0, 1, 0, 0))


def count_statuses(model: OdeModel) -> str:
    """Return how many of a model's constants have each status, in words."""
    fixed = [item for item in model.parameters if not item.estimated]
    counts = {
        status: sum(item.source.status == status for item in fixed) for status in ("reported", "recalled", "derived", "assumed")
    }
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    return f"{len(fixed)} constants: {', '.join(parts)}" if parts else MISSING
