"""Sensitivity of any output to any parameters: local, by Morris, by Sobol or by partial ranks.

Start with `plan_study`, which refuses what cannot be studied, and `study_sensitivity`, which carries it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kinimmune.fitting.estimation.laplace import approximate
from kinimmune.fitting.problem.outputs import Output, StateOutput, parse_output
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.sensitivity.blocks import SENSITIVITY_BLOCK, Study, collect_rows
from kinimmune.fitting.sensitivity.designs import Design, Method
from kinimmune.fitting.sensitivity.indices import compute_indices, widen_indices
from kinimmune.fitting.sensitivity.inputs import SensitivityInput, choose_inputs
from kinimmune.fitting.sensitivity.learned import (
    LEARNED_ROWS,
    MOST_MISSED,
    TAUGHT,
    UNSEEN,
    count_learning_tasks,
    draw_learned,
    learn_output,
)
from kinimmune.fitting.sensitivity.posterior import ChosenPosterior, PosteriorSample, PosteriorSource, choose_posterior
from kinimmune.fitting.sensitivity.responses import ResponseSettings, digest_output
from kinimmune.fitting.sensitivity.results import InputRow, SensitivityResult, enlarge, name_study
from kinimmune.fitting.sensitivity.values import list_times, read_catalogue, select_parameters, with_values
from kinimmune.fitting.sensitivity.wording import describe_distribution, describe_posterior, explain_gaps
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.parameters import Parameter, ParameterKey

SURROGATE = "surrogate"
"""What a study runs in place of the model where an output is learned."""
SAMPLES: Mapping[Method, int] = {Method.SOBOL: 512, Method.MORRIS: 64, Method.PRCC: 512}
"""Rows of a study that is not told how many: total indices up to 0.4 are then known to 0.05."""
MIN_ROWS = 4
"""Fewest rows an interval can be made from; a Sobol study needs four times as many, so that its first quarter has them too."""


@dataclass(frozen=True)
class StudyRequest:
    """What a study is asked."""

    problem: ProblemSettings
    """What the virtual trial is built from; for a model of one individual only model, tables and integrator matter."""
    folder: str | None
    """Tables that replace the package's; None for none."""
    method: Method
    output: str
    """Name of the output, such as `hazard_ratio:sharp:os`."""
    seed: int = 1
    """Seed of the design and of the bootstrap; the patients have their own."""
    samples: int | None = None
    """Rows of the design; None for `SAMPLES`."""
    by: str | None = None
    """`surrogate` or `model`; None for the learned output where it is sooner known well enough."""
    second_order: bool = False
    """Whether a Sobol study also computes interactions of pairs."""
    parameters: tuple[str, ...] = ()
    """Names of what varies; everything that has a prior when empty."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Name -> lowest and highest value of what varies over a range."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a group -> its parameters."""
    estimates: Mapping[str, float] = field(default_factory=dict)
    """Key of a parameter -> its value at a fit, in place of that of the tables."""
    posterior_at: Array | None = None
    """z-scores of the fit over whose posterior the study goes; None for priors and ranges."""
    sample: PosteriorSample | None = None
    """Sample of that posterior, used where it has converged; None where the run holds none."""


@dataclass(frozen=True)
class StudyPlan:
    """A request that can be answered."""

    request: StudyRequest
    output: Output
    parameters: tuple[Parameter, ...]
    """All parameters on which the output can depend."""
    study: Study
    times: tuple[float, ...]
    """Times at which the course of the output is read; empty where it has none."""
    time_unit: str
    """`d` or `month`; empty without a course."""
    unit: str
    """Unit of the output."""
    posterior: ChosenPosterior | None = None
    """Posterior the study goes over; None for priors and ranges."""

    @property
    def learns(self) -> bool:
        """Whether the output is learned first: where that is asked for, or takes fewer runs of a virtual trial."""
        if self.request.by is not None or self.request.method is not Method.SOBOL:
            return self.request.by == SURROGATE
        runs = self.study.samples * self.study.design.width
        return not self.individual and runs > TAUGHT + UNSEEN

    @property
    def individual(self) -> bool:
        """Whether the output is one of an individual, of whom thousands are computed in a second."""
        return isinstance(self.output, StateOutput) and self.output.study is None

    @property
    def tasks(self) -> int:
        """Number of tasks it takes where nothing fails."""
        return count_learning_tasks(self.study) if self.learns else self.study.blocks

    @property
    def posterior_note(self) -> str:
        """What that posterior is made of, in one clause; empty without one."""
        return "" if self.posterior is None else describe_posterior(self.posterior)


def plan_study(request: StudyRequest) -> StudyPlan:
    """Return what a study has to do; nothing long is done here but the curvature of a posterior.

    Raises
    ------
    UsageError
        for an output, parameter, range, group or number of samples that cannot be used
    """
    tables = open_tables(request.folder)
    catalogue = read_catalogue(request.problem.model, tables, request.problem.changes)
    output = parse_output(request.output, catalogue)
    if request.by == SURROGATE and request.method is not Method.SOBOL:
        raise UsageError(f"--by surrogate: --method {request.method} runs the model; take --method sobol, or leave it out")
    parameters = with_values(select_parameters(catalogue, output), request.estimates)
    inputs = choose_inputs(parameters, request.parameters, request.ranges)
    design = Design(request.method, inputs, request.seed, _assign_groups(inputs, request.groups), request.second_order)
    if request.method is Method.LOCAL:
        _require_centre(inputs)
    posterior = _find_posterior(request, design, parameters)
    if posterior is not None:
        design = design.over(posterior.posterior)
    response = ResponseSettings(
        problem=request.problem.plain,
        output=output.name,
        varied=tuple(item.key for item in inputs),
        fixed=dict(request.estimates),
        fine=request.method is Method.LOCAL,
        experiment=digest_output(catalogue, output, tables),
    )
    label = name_study(request.method, output.name, _name_distribution(request, design))
    study = Study(
        design=design,
        samples=_count_rows(request, len(inputs)),
        prefix=f"{label}-block-",
        function=SENSITIVITY_BLOCK,
        inputs={"response": response.plain},
        context={"folder": request.folder, "jobs": 1},
    )
    unit, times = list_times(catalogue, output)
    return StudyPlan(request, output, parameters, study, times, unit, catalogue.unit(output), posterior)


def _require_centre(inputs: Sequence[SensitivityInput]) -> None:
    for item in inputs:
        if not item.lower <= item.centre <= item.upper:
            low, value, high = (f"{item.value(at):.4g}" for at in (item.lower, item.centre, item.upper))
            raise UsageError(
                f"--range {item.key}={low}:{high}: a local study stands at {item.key} = {value}; take a range around it"
            )


def _find_posterior(request: StudyRequest, design: Design, parameters: Sequence[Parameter]) -> ChosenPosterior | None:
    if request.posterior_at is None:
        return None
    design.require_joint()
    gaussian = approximate(open_problem(request.problem, request.folder), request.posterior_at)
    possible = [item.key for item in parameters]
    found = choose_posterior(gaussian, design.inputs, possible, request.sample, request.seed)
    draws, samples = len(found.posterior.points), _count_rows(request, len(design.inputs))
    if found.source is PosteriorSource.SAMPLE and samples > draws:
        raise UsageError(f"--samples {samples}: the sample of this run has {draws} draws; take at most as many")
    return found


def _assign_groups(inputs: Sequence[SensitivityInput], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the group of each input, its own key where it is in none."""
    of: dict[str, str] = {}
    keys = [item.key for item in inputs]
    for group, members in groups.items():
        for given in members:
            found = [key for key in keys if given in (key, ParameterKey.parse(key).name)]
            if not found:
                raise UsageError(f"--group {group}: '{given}' does not vary; {nearest(given, keys)}")
            if found[0] in of:
                raise UsageError(f"--group {group}: '{given}' is in group '{of[found[0]]}' already; a parameter is in one group")
            of[found[0]] = group
        if group in keys and of.get(group) != group:
            raise UsageError(f"--group {group}: a parameter has that name; give the group another")
    return tuple(of.get(key, key) for key in keys)


def _count_rows(request: StudyRequest, inputs: int) -> int:
    method, given = request.method, request.samples
    if method is Method.LOCAL:
        if given is not None:
            raise UsageError("--samples: a local study draws nothing; leave it out")
        return inputs
    samples = SAMPLES[method] if given is None else given
    least = {Method.SOBOL: 4 * MIN_ROWS, Method.PRCC: inputs + MIN_ROWS}.get(method, MIN_ROWS)
    if samples < least:
        raise UsageError(f"--samples {samples}: --method {method} of {inputs} parameters needs at least {least}")
    if method is Method.SOBOL and enlarge(samples) != samples:
        raise UsageError(
            f"--samples {samples}: must be a power of two or half as much again, such as {enlarge(samples)}: "
            "the Sobol points need it"
        )
    return samples


def study_sensitivity(plan: StudyPlan, runtime: Runtime) -> SensitivityResult:
    """Carry out a study.

    Parameters
    ----------
    plan
        from `plan_study`
    runtime
        where tasks are kept, where they are computed, and who learns of them

    Raises
    ------
    NumericalError
        when too many rows fail, or when the output does not vary by more than its numerical error
    """
    request, design = plan.request, plan.study.design
    learned = learn_output(plan.study, runtime) if plan.learns else None
    if learned is not None and (learned.trusted or request.by == SURROGATE):
        sample = draw_learned(learned, design, request.samples or LEARNED_ROWS)
        indices = widen_indices(compute_indices(design, sample, plan.times), learned.report.missed)
        runs = learned.drawn.rows.shape[0] + sample.lost
    else:
        if learned is not None:
            missed = f"{100.0 * learned.report.missed:.2g} % of its variance, more than {100.0 * MOST_MISSED:.2g} %"
            runtime.tell(f"what was learned of the output misses {missed}: the model itself is run")
        sample = collect_rows(plan.study, runtime)
        indices = compute_indices(design, sample, plan.times)
        asked = sample.rows.shape[0] + (0 if request.method is Method.LOCAL else sample.lost)
        runs = asked * design.width + (0 if learned is None else learned.drawn.rows.shape[0] + learned.drawn.lost)
    rows = sample.rows.shape[0]
    found = SensitivityResult(
        model=request.problem.model,
        method=str(request.method),
        output=plan.output.name,
        unit=plan.unit,
        names=design.names,
        n=rows,
        failed=sample.lost,
        evaluations=runs,
        reasons=dict(sample.reasons),
        distribution=_name_distribution(request, design),
        posterior=None if plan.posterior is None else str(plan.posterior.source),
        posterior_note=plan.posterior_note,
        inputs=_describe_inputs(plan),
        patients=None if plan.individual else request.problem.patients,
        seed=request.seed,
        course_unit=plan.time_unit,
        by=SURROGATE if learned is not None and (learned.trusted or request.by == SURROGATE) else "model",
        learned=None if learned is None else learned.report,
        **indices,
    )
    return replace(found, gap_note=explain_gaps(found))


def _name_distribution(request: StudyRequest, design: Design) -> str:
    if request.method is Method.LOCAL:
        return "point"
    if request.posterior_at is not None:
        return "posterior"
    return "range" if any(item.ranged for item in design.inputs) else "prior"


def _describe_inputs(plan: StudyPlan) -> tuple[InputRow, ...]:
    by_key = {item.key: item for item in plan.parameters}
    return tuple(
        InputRow(item.key, group, by_key[item.key].unit, describe_distribution(item, by_key[item.key], plan.posterior))
        for item, group in zip(plan.study.design.inputs, plan.study.design.groups, strict=True)
    )
