"""What the page shows that does not move: parameters by mechanism, arms, published curves, rules, the names of things.

Start with `describe_subject`.
"""

from collections.abc import Iterator

from kinimmune.fitting.estimation.observed_curves import describe_observed
from kinimmune.fitting.exploration.session import Session
from kinimmune.fitting.prediction.assumed import list_design
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.models.symbolic.components import Mechanism
from kinimmune.models.symbolic.mechanism_graph import list_dynamic_mechanisms
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Arm, StopRule, Trial
from kinimmune.reports.explorer.ranges import find_dose_range, find_range
from kinimmune.reports.explorer.shown import (
    ShownArm,
    ShownArrow,
    ShownDose,
    ShownMechanism,
    ShownParameter,
    ShownStudy,
    ShownSubject,
)
from kinimmune.reports.explorer.symbols import split_symbol
from kinimmune.reports.typesetting.labels import Labels, collect_labels

PATIENTS = (64, 128, 256, 512, 1024, 2048)
"""Numbers of virtual patients that are offered."""
RISK_MONTHS = tuple(range(0, 121, 3))
OTHERS = "Patients and readings"
"""Title of parameters that stand in no equation: spreads between patients, errors of readings."""


def describe_subject(session: Session, folder: str) -> ShownSubject:
    """Return what the page shows of a session that no setting moves.

    Parameters
    ----------
    session
        what is explored
    folder
        that saved arms are written to; empty for none
    """
    problem, model = session.plain.problem, session.model
    labels = collect_labels(model, problem.trials)
    return ShownSubject(
        name=model.name,
        title=model.title,
        run=session.run,
        note=session.plain.source.note,
        start=session.start.model_dump(mode="json"),
        endpoints=tuple(str(item) for item in problem.endpoints),
        studies=tuple(_show_study(trial, labels) for trial in problem.trials),
        mechanisms=tuple(_group(problem, model, labels)),
        stop_rules=tuple(str(rule) for rule in StopRule),
        patients=tuple(sorted({*PATIENTS, session.start.patients})),
        observed=describe_observed(session.targets, RISK_MONTHS),
        quantities={name: (labels.quantity(name), model.units[name]) for name in model.reported_courses},
        targets={item.label: labels.output(item.label) for item in session.targets},
        diameters=problem.simulator.log_diameter is not None,
        saves=folder,
    )


def _show_study(trial: Trial, labels: Labels) -> ShownStudy:
    return ShownStudy(
        name=trial.study,
        title=labels.study(trial.study),
        stop_rule=str(trial.stop_rule),
        arms=tuple(_show_arm(trial, arm) for arm in trial.arms),
        follow_up={str(endpoint): span.longest / DAYS_PER_MONTH for endpoint, span in trial.follow_up.items()},
    )


def _show_arm(trial: Trial, arm: Arm) -> ShownArm:
    given = ", ".join(str(item) for item in arm.administrations)
    return ShownArm(arm.name, arm.n, arm.control, given, tuple(_list_doses(trial, arm)))


def _list_doses(trial: Trial, arm: Arm) -> Iterator[ShownDose]:
    for place, value in list_design([trial]).items():
        if place.arm != arm.name or (place.row is None and arm.daily_dose == 0.0 and arm.regimen):
            continue
        row = None if place.row is None else arm.regimen[place.row - 1]
        drug = arm.drug or "" if row is None else row.given
        units = {"dose": "mg", "doses_per_day": "1/d", "every": "d", "amount": "" if row is None else row.unit}
        words = {"dose": f"{drug} dose", "doses_per_day": "doses a day", "every": f"{drug} every", "amount": drug}[place.what]
        yield ShownDose(place.name, words, units[place.what], value, find_dose_range(value))


def _group(problem: FitProblem, model: OdeModel, labels: Labels) -> Iterator[ShownMechanism]:
    """Yield the mechanisms in which something can be moved, then the parameters of none."""
    homes = _assign(model)
    for mechanism in model.mechanisms:
        own = [item for item in problem.parameters if homes.get(item.name) == mechanism.name]
        arrows = tuple(_list_arrows(mechanism, model, labels))
        if own or arrows:
            shown = tuple(_show_parameter(item, labels) for item in own)
            yield ShownMechanism(mechanism.name, mechanism.label, mechanism.reason, shown, arrows)
    rest = tuple(_show_parameter(item, labels) for item in problem.parameters if item.name not in homes)
    if rest:
        yield ShownMechanism("others", OTHERS, "what stands in no equation", rest, ())


def _assign(model: OdeModel) -> dict[str, str]:
    """Return parameter -> the first mechanism that uses it, those in which something moves before the others."""
    moving = list_dynamic_mechanisms(model)
    homes: dict[str, str] = {}
    for mechanism in (*moving, *(item for item in model.mechanisms if item not in moving)):
        for name in sorted(_list_used(mechanism)):
            homes.setdefault(name, mechanism.name)
    return homes


def _list_used(mechanism: Mechanism) -> set[str]:
    parts = [item.expression for item in mechanism.definitions] + [item.expression for item in mechanism.terms]
    parts += [state.initial for state in mechanism.states]
    return {used.name for part in parts for used in part.free_symbols}


def _list_arrows(mechanism: Mechanism, model: OdeModel, labels: Labels) -> Iterator[ShownArrow]:
    reasons = {item.name: item.reason for item in mechanism.definitions}
    for term in mechanism.terms:
        reasons.setdefault(term.name, term.reason)
    for name, reason in reasons.items():
        if name in model.interactions:
            yield ShownArrow(name, labels.interaction(name), reason)


def _show_parameter(item: Parameter, labels: Labels) -> ShownParameter:
    return ShownParameter(
        key=item.key,
        words=labels.parameter(item.key),
        symbol=split_symbol(item.symbol),
        unit=item.unit,
        meaning=item.meaning,
        value=item.value,
        prior=str(item.prior),
        estimated=item.estimated,
        status=str(item.source.status),
        source=f"{item.source.key}, {item.source.locator}",
        range=find_range(item),
    )
