"""Sensitivity of any output to any parameters: local, by Morris, by Sobol or by partial ranks.

Start with `plan_study`, which refuses what cannot be studied, and `study_sensitivity`, which carries it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kinimmune.fitting.estimation.laplace import approximate
from kinimmune.fitting.problem.outputs import Output, StateOutput, parse_output
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.sensitivity.blocks import SENSITIVITY_BLOCK, Study, collect_rows
from kinimmune.fitting.sensitivity.designs import Design, Method
from kinimmune.fitting.sensitivity.indices import compute_indices
from kinimmune.fitting.sensitivity.inputs import Input, choose_inputs
from kinimmune.fitting.sensitivity.posterior import ChosenPosterior, Sampled, Source, choose_posterior
from kinimmune.fitting.sensitivity.responses import ResponseSettings, digest_output
from kinimmune.fitting.sensitivity.results import InputRow, SensitivityResult, enlarge, name_study
from kinimmune.fitting.sensitivity.values import hold, list_times, read_nameable, select_parameters
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.parameters import Parameter, Scale

SAMPLES: Mapping[Method, int] = {Method.SOBOL: 512, Method.MORRIS: 64, Method.PRCC: 512}
"""Rows of a study that is not told how many: total indices up to 0.4 are then known to 0.05."""
FEWEST = 4
"""Fewest rows an interval can be made from; a Sobol study needs four times as many, so that its first quarter has them too."""


@dataclass(frozen=True)
class Question:
    """What a study is asked."""

    problem: ProblemSettings
    """For a model of one individual only model, tables and integrator matter."""
    folder: str | None
    """Tables that replace the package's."""
    method: Method
    output: str
    seed: int = 1
    """Of the design and of the bootstrap; the patients have their own."""
    samples: int | None = None
    second_order: bool = False
    parameters: tuple[str, ...] = ()
    """Names of what varies; everything that has a prior when empty."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a group -> its parameters."""
    estimates: Mapping[str, float] = field(default_factory=dict)
    """Key -> value at a fit, in place of the tables'."""
    posterior_at: Array | None = None
    """Standard scores of a fit over whose posterior the study goes; None for priors and ranges."""
    sampled: Sampled | None = None
    """Sample of that posterior, used where it has converged; None where the run holds none."""


@dataclass(frozen=True)
class Plan:
    """A question that can be answered."""

    question: Question
    output: Output
    parameters: tuple[Parameter, ...]
    """All on which the output can depend."""
    study: Study
    times: tuple[float, ...]
    time_unit: str
    unit: str
    """Of the output."""
    posterior: ChosenPosterior | None = None
    """What it goes over; None for priors and ranges."""


def plan_study(question: Question) -> Plan:
    """Return what a study has to do; nothing long is done here but the curvature of a posterior.

    Raises
    ------
    UsageError
        for an output, parameter, range, group or number of samples that cannot be used
    """
    tables = open_tables(question.folder)
    known = read_nameable(question.problem.model, tables)
    output = parse_output(question.output, known)
    parameters = hold(select_parameters(known, output), question.estimates)
    inputs = choose_inputs(parameters, question.parameters, question.ranges)
    design = Design(question.method, inputs, question.seed, _assign_groups(inputs, question.groups), question.second_order)
    if question.method is Method.LOCAL:
        _require_centre(inputs)
    posterior = _find_posterior(question, design, parameters)
    if posterior is not None:
        design = design.over(posterior.posterior)
    response = ResponseSettings(
        problem=question.problem.plain,
        output=output.name,
        free=tuple(item.key for item in inputs),
        fixed=dict(question.estimates),
        fine=question.method is Method.LOCAL,
        experiment=digest_output(known, output, tables),
    )
    label = name_study(question.method, output.name, _name_distribution(question, design))
    study = Study(
        design=design,
        samples=_count_rows(question, len(inputs)),
        prefix=f"{label}-block-",
        function=SENSITIVITY_BLOCK,
        inputs={"response": response.plain},
        context={"folder": question.folder, "jobs": 1},
    )
    unit, times = list_times(known, output)
    return Plan(question, output, parameters, study, times, unit, known.unit(output), posterior)


def _require_centre(inputs: Sequence[Input]) -> None:
    for item in inputs:
        if not item.lower <= item.centre <= item.upper:
            low, value, high = (f"{item.value(at):.4g}" for at in (item.lower, item.centre, item.upper))
            raise UsageError(
                f"--range {item.key}={low}:{high}: a local study stands at {item.key} = {value}; take a range around it"
            )


def _find_posterior(question: Question, design: Design, parameters: Sequence[Parameter]) -> ChosenPosterior | None:
    if question.posterior_at is None:
        return None
    design.require_joint()
    gaussian = approximate(open_problem(question.problem, question.folder), question.posterior_at)
    possible = [item.key for item in parameters]
    found = choose_posterior(gaussian, design.inputs, possible, question.sampled, question.seed)
    draws, samples = len(found.posterior.points), _count_rows(question, len(design.inputs))
    if found.source is Source.SAMPLE and samples > draws:
        raise UsageError(f"--samples {samples}: the sample of this run has {draws} draws; take at most as many")
    return found


def _assign_groups(inputs: Sequence[Input], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the group of each input, its own key where it is in none."""
    of: dict[str, str] = {}
    keys = [item.key for item in inputs]
    for group, members in groups.items():
        for given in members:
            found = [key for key in keys if given in (key, key.partition(":")[0])]
            if not found:
                raise UsageError(f"--group {group}: '{given}' does not vary; {nearest(given, keys)}")
            if found[0] in of:
                raise UsageError(f"--group {group}: '{given}' is in group '{of[found[0]]}' already; a parameter is in one group")
            of[found[0]] = group
        if group in keys and of.get(group) != group:
            raise UsageError(f"--group {group}: a parameter has that name; give the group another")
    return tuple(of.get(key, key) for key in keys)


def _count_rows(question: Question, inputs: int) -> int:
    method, given = question.method, question.samples
    if method is Method.LOCAL:
        if given is not None:
            raise UsageError("--samples: a local study draws nothing; leave it out")
        return inputs
    samples = SAMPLES[method] if given is None else given
    least = {Method.SOBOL: 4 * FEWEST, Method.PRCC: inputs + FEWEST}.get(method, FEWEST)
    if samples < least:
        raise UsageError(f"--samples {samples}: --method {method} of {inputs} parameters needs at least {least}")
    if method is Method.SOBOL and enlarge(samples) != samples:
        raise UsageError(
            f"--samples {samples}: must be a power of two or half as much again, such as {enlarge(samples)}: "
            "the Sobol points need it"
        )
    return samples


def study_sensitivity(plan: Plan, runtime: Runtime) -> SensitivityResult:
    """Carry out a study.

    Parameters
    ----------
    plan
        from `plan_study`
    runtime
        where steps are kept, where they are carried out, and who learns of them

    Raises
    ------
    NumericalError
        when too many rows fail, or when the output does not vary
    """
    question, design = plan.question, plan.study.design
    sample = collect_rows(plan.study, runtime)
    found = compute_indices(design, sample, plan.times)
    rows = sample.rows.shape[0]
    asked = rows if question.method is Method.LOCAL else rows + sample.lost
    individual = isinstance(plan.output, StateOutput) and plan.output.study is None
    return SensitivityResult(
        model=question.problem.model,
        method=str(question.method),
        output=plan.output.name,
        unit=plan.unit,
        names=design.names,
        n=rows,
        failed=sample.lost,
        evaluations=asked * design.width,
        reasons=dict(sample.reasons),
        distribution=_name_distribution(question, design),
        posterior=None if plan.posterior is None else str(plan.posterior.source),
        posterior_note="" if plan.posterior is None else plan.posterior.note,
        inputs=_describe_inputs(plan),
        patients=None if individual else question.problem.patients,
        seed=question.seed,
        course_unit=plan.time_unit,
        **found,
    )


def _name_distribution(question: Question, design: Design) -> str:
    if question.method is Method.LOCAL:
        return "point"
    if question.posterior_at is not None:
        return "posterior"
    return "range" if any(item.ranged for item in design.inputs) else "prior"


def _describe_inputs(plan: Plan) -> tuple[InputRow, ...]:
    by_key = {item.key: item for item in plan.parameters}
    return tuple(
        InputRow(item.key, group, by_key[item.key].unit, _spell(plan, item, by_key[item.key]))
        for item, group in zip(plan.study.design.inputs, plan.study.design.groups, strict=True)
    )


def _spell(plan: Plan, item: Input, parameter: Parameter) -> str:
    if plan.posterior is not None:
        return plan.posterior.spell(item.key, plan.question.sampled)
    if item.ranged:
        scale = {Scale.LOGNORMAL: " in ln", Scale.LOGITNORMAL: " in logit"}.get(item.scale, "")
        return f"{item.value(item.lower):.4g} to {item.value(item.upper):.4g}, uniform{scale}"
    return f"{parameter.prior.scale}({parameter.prior.median:.4g}, {parameter.prior.sd:g})"
