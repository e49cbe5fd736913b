"""Everything that can be wrong with a folder of tables, found at once: the checks behind `kinimmune check`.

Start with `check`; `require` is for commands that are about to compute.  Faults of single tables are found where their rows are
read; here stand the rules that join tables, among them the one that keeps a fit honest: no prior from a fit to the same targets.
What may be meant so but seldom is, such as a narrow prior that nobody measured, is found by `warn` and stops nothing.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from kinimmune.fitting.claims.lint import check_models, check_names
from kinimmune.fitting.claims.table import examine_claims
from kinimmune.fitting.problem.double_use import describe_shared_deaths
from kinimmune.fitting.problem.doubts import find_doubts
from kinimmune.fitting.problem.error_rules import find_mixed_errors
from kinimmune.fitting.problem.likelihood import HALF_PRINTED
from kinimmune.fitting.problem.lone_trials import find_lone_trials
from kinimmune.fitting.problem.measurements import check_measurements
from kinimmune.fitting.problem.target_rows import TargetRow, examine_targets, find_unused_data
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.catalogue import find_unknown_models
from kinimmune.models.errors import DataError
from kinimmune.models.lint import check_covariates, check_displays, check_treatments, find_unread_errors, find_unseen_levels
from kinimmune.models.symbolic.parameters import Scale, Status
from kinimmune.models.symbolic.units import DAYS_PER_MONTH, parse_unit
from kinimmune.models.tables.case_mix import examine_case_mix
from kinimmune.models.tables.covariate_effects import examine_effects
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.criteria import examine_criteria
from kinimmune.models.tables.evidence import Kinase, Reference, SourceRow, examine_cell_lines, examine_kinases, examine_sources
from kinimmune.models.tables.experiments import examine_experiments
from kinimmune.models.tables.files import TABLES, find_misnamed
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.limitations import examine_limitations
from kinimmune.models.tables.measurements import examine_measurements
from kinimmune.models.tables.migration import find_former
from kinimmune.models.tables.observations import examine_observations
from kinimmune.models.tables.panels import examine_panels
from kinimmune.models.tables.parameters import SourcedParameter, examine_parameters
from kinimmune.models.tables.published import examine_patients
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.trials import TrialRow, examine_trials
from kinimmune.models.trial.design import Endpoint, Trial

FARTHEST_JITTERS = 4.0
"""Standard deviations of a scan about its date beyond which it cannot have shown a published median."""

CONVENTION = "convention"
"""Source of definitions and reference values, which may be fixed without being measured."""


def check(tables: Tables) -> tuple[Finding, ...]:
    """Return all that is wrong with the tables: the package's, or those of a folder with the package's for what it lacks.

    Once nothing is wrong with the tables themselves, experiments, claims, panels and limitations are held against the models
    they are about.

    Raises
    ------
    UsageError
        when the folder does not exist or holds no table
    """
    findings = _check_tables(tables)
    if findings:
        return findings
    rules = (check_names, check_displays, check_treatments, check_measurements, check_covariates)
    return tuple(chain.from_iterable(rule(tables) for rule in rules))


def _check_tables(tables: Tables) -> tuple[Finding, ...]:
    """Return what is wrong with the tables themselves; no model is built."""
    sources, kinases, targets = examine_sources(tables), examine_kinases(tables), examine_targets(tables)
    parameters, trials = examine_parameters(tables), examine_trials(tables)
    findings = [
        *_find_unknown_files(tables.folder),
        *sources.findings,
        *kinases.findings,
        *examine_cell_lines(tables).findings,
        *examine_criteria(tables).findings,
        *trials.findings,
        *parameters.findings,
        *targets.findings,
        *examine_covariates(tables).findings,
        *examine_case_mix(tables).findings,
        *examine_effects(tables).findings,
        *examine_observations(tables).findings,
        *examine_experiments(tables).findings,
        *examine_measurements(tables).findings,
        *examine_claims(tables).findings,
        *examine_panels(tables).findings,
        *examine_limitations(tables).findings,
        *check_models(tables),
        *find_unknown_models(tables),
        *_find_unknown_fits(tables, targets.entries),
        *_find_unreachable(tables.rows(TargetRow).entries, trials.entries),
        *_find_arms_without_comparison(tables.rows(TrialRow).entries, trials.entries),
        *_find_double_use(parameters.entries, sources.entries, targets.entries),
        *_find_unmeasured(parameters.entries),
        *_find_odd_concentrations(parameters.entries, kinases.entries),
    ]
    return tuple(dict.fromkeys(findings))


def require(tables: Tables) -> None:
    """Raise the first finding about the tables as a `DataError`; say how many more there are.

    What `check` finds beside the models of experiments and claims is left to the commands that use those.
    """
    findings = _check_tables(tables)
    if findings:
        more = f" (and {len(findings) - 1} more; run kinimmune check)" if len(findings) > 1 else ""
        raise DataError(f"{findings[0].message}{more}")


def warn(tables: Tables) -> tuple[Finding, ...]:
    """Return what is doubtful about priors, spreads and errors, tables of before and data of no target; it stops no command.

    Raises
    ------
    UsageError
        when the folder does not exist or holds no table
    """
    entries = examine_parameters(tables).entries
    doubts = ((row, doubt) for row, parameter in entries for doubt in find_doubts(parameter))
    doubtful = (row.finding(doubt.column, doubt.problem, doubt.advice) for row, doubt in doubts)
    targets = examine_targets(tables).entries
    mixed = find_mixed_errors(tables.rows(TrialRow).entries, targets)
    twice = (Finding("targets.csv", None, "statistic", line) for line in describe_shared_deaths(targets))
    found = (find_former(tables.folder), doubtful, find_unused_data(tables), mixed, twice)
    unseen = () if examine_case_mix(tables).findings or examine_patients(tables).findings else find_unseen_levels(tables)
    return (*chain.from_iterable(found), *find_lone_trials(tables), *find_unread_errors(tables), *unseen)


def _find_unknown_files(folder: Path | None) -> Iterable[Finding]:
    if folder is None:
        return
    misnamed = {name for name in TABLES if find_misnamed(name, folder)}
    for path in sorted(folder.glob("*.csv")):
        if path.name not in TABLES and not path.name.startswith("."):
            close = get_close_matches(path.name, TABLES, 1)
            if close and close[0] in misnamed:
                continue  # whoever reads that table says so
            advice = f"did you mean {close[0]}?" if close else f"tables are: {', '.join(TABLES)}"
            yield Finding(path.name, None, None, f"{path.name} is not a table that is read; {advice}")


def _find_unknown_fits(tables: Tables, targets: Sequence[Target]) -> Iterable[Finding]:
    known = {target.label for target in targets} | {target.study for target in targets}
    for row in tables.rows(SourceRow).entries if targets else ():
        for name in row.fitted_to.split():
            if name not in known:
                problem = f"'{name}' in column 'fitted_to' of source '{row.key}' is neither a study with targets nor a target"
                yield row.finding("fitted_to", problem, f"studies: {', '.join(sorted({target.study for target in targets}))}")


def _find_unreachable(rows: Iterable[TargetRow], trials: Iterable[Trial]) -> Iterable[Finding]:
    """Find published numbers that their trial cannot have given: times beyond the follow-up, more patients than there were."""
    by_study = {trial.study: trial for trial in trials}
    for row in rows:
        trial = by_study.get(row.study)
        if trial is None or row.arm not in (None, *(arm.name for arm in trial.arms)):
            continue
        yield from _find_late(row, trial)
        if row.statistic is Statistic.MEDIAN and row.endpoint is Endpoint.TTP and row.value is not None:
            yield from _find_far_from_scans(row, row.value, trial)
        both = row.statistic is Statistic.HAZARD_RATIO
        patients = sum(arm.n for arm in trial.arms if row.arm in (None, arm.name) or (both and arm.control))
        if row.n > patients:
            problem = f"n = {row.n} where '{row.study}' has {patients} patients{f' in arm {row.arm!r}' if row.arm else ''}"
            yield row.finding("n", problem, "correct it, or n in design.csv")


def _find_late(row: TargetRow, trial: Trial) -> Iterable[Finding]:
    """Find a median, or a month of survival, beyond the longest follow-up."""
    if row.endpoint is None:
        return
    longest = trial.follow_up[row.endpoint].longest / DAYS_PER_MONTH
    for column, given in (("value", row.value if row.statistic is Statistic.MEDIAN else None), ("month", row.month)):
        if given is not None and given > longest:
            what = f"median {given:g} months" if column == "value" else f"month {given:g} of a survival"
            problem = f"{what} lies beyond the longest follow-up of {row.endpoint}, {longest:.3g} months"
            yield row.finding(column, problem, "correct one of the two (follow_up.csv)")


def _find_far_from_scans(row: TargetRow, months: float, trial: Trial) -> Iterable[Finding]:
    near = FARTHEST_JITTERS * trial.scan_jitter + HALF_PRINTED
    away = trial.plan.distance(months * DAYS_PER_MONTH)
    if away > near:
        problem = (
            f"median {months:g} months of ttp lies {away:.3g} d from the nearest scan ({trial.plan}), farther than {near:.3g} d"
        )
        yield row.finding("value", problem, "correct it, or scan_interval, later_scan_interval or scan_jitter in design.csv")


def _find_arms_without_comparison(rows: Iterable[TrialRow], trials: Iterable[Trial]) -> Iterable[Finding]:
    alone = {trial.study for trial in trials if all(arm.control for arm in trial.arms)}
    for row in rows:
        if row.study in alone:
            problem = f"study '{row.study}' has its control arm alone in arms.csv"
            yield row.finding(
                "study",
                problem,
                "add the arm it is compared with, or write no in column 'control' of arms.csv: a study needs no control",
            )


def _find_double_use(
    parameters: Iterable[SourcedParameter], sources: Iterable[Reference], targets: Iterable[Target]
) -> Iterable[Finding]:
    fitted = [target for target in targets if target.role is Role.FIT]
    names = {target.study for target in fitted} | {target.label for target in fitted}
    used = {source.key: sorted(names & set(source.fitted_to)) for source in sources}
    for row, parameter in parameters:
        again = used.get(parameter.source.key, [])
        if again:
            problem = (
                f"prior of parameter '{parameter.key}' comes from source '{parameter.source.key}', a fit to {', '.join(again)}"
            )
            advice = "those are fitted here too and would count twice; take another source or remove the targets"
            yield row.finding("source", problem, advice)


def _find_unmeasured(parameters: Iterable[SourcedParameter]) -> Iterable[Finding]:
    for row, parameter in parameters:
        if parameter.prior.scale is Scale.FIXED:
            measured = parameter.source.status in (Status.REPORTED, Status.DERIVED)
            if not measured and parameter.source.key != CONVENTION:
                problem = f"parameter '{parameter.key}' is fixed in column 'prior' but its status is {parameter.source.status}"
                yield row.finding("prior", problem, f"give it a prior, or the source {CONVENTION} if it is a definition")


def _find_odd_concentrations(parameters: Iterable[SourcedParameter], kinases: Sequence[Kinase]) -> Iterable[Finding]:
    """Find parameters said to come from the table of IC50s that do not agree with it.

    A parameter `ic50_NAME` belongs to the kinase that drives `occupancy_NAME`; any other to the kinase its locator ends in.
    """
    places = {(kinase.source.key, _table(kinase.source.locator)) for kinase in kinases}
    for row, parameter in parameters:
        if (parameter.source.key, _table(parameter.source.locator)) not in places:
            continue
        driven = parameter.name.replace("ic50_", "occupancy_", 1)
        named = parameter.source.locator.partition(", ")[2]
        kinase = next((kinase for kinase in kinases if kinase.drives == driven or kinase.name == named), None)
        subject = f"parameter '{parameter.key}' = {parameter.value:g} {parameter.unit}"
        if kinase is None:
            problem = f"{subject} is located in '{parameter.source.locator}' but belongs to no kinase of kinases.csv"
            yield row.finding("locator", problem, "name the kinase after the table, as in 'Table 1, RAF-1'")
        elif not _same(parameter.value, parameter.unit, kinase):
            problem = f"{subject} differs from the {kinase.ic50:g} {kinase.unit} of {kinase.name} in kinases.csv"
            yield row.finding("value", problem, "correct one of them, or give the other number its own source")


def _table(locator: str) -> str:
    return locator.partition(",")[0]


def _same(value: float, unit: str, kinase: Kinase) -> bool:
    ours, theirs = parse_unit(unit), parse_unit(kinase.unit)
    close = abs(value * ours.size - kinase.ic50 * theirs.size) <= 1e-9 * kinase.ic50 * theirs.size
    return ours.dimension == theirs.dimension and close
