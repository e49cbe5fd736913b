"""A tumour on a straight line and constant hazards: a model whose trials have closed forms, in names that are its own.

Start with `make_straight_model` and `make_trial`.
"""

import math
from dataclasses import fields, replace

import numpy as np
import sympy as sp
from plain_models import make_parameter
from scipy.special import ndtr

from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.virtual_trial import ArmOutcome

GROWTH, SHRINKAGE, DEATH, RELIEF, LIVER, STORM, LESION = 0.004, 0.01, 0.003, 0.0015, 0.001, 0.0007, 0.002
RATES = {
    "growth": GROWTH,
    "shrinkage": SHRINKAGE,
    "death": DEATH,
    "relief": RELIEF,
    "liver": LIVER,
    "storm": STORM,
    "lesion": LESION,
}
INTERVAL, JITTER, READING, SCANS = 42.0, 3.5, 1e-3, 42.0 * np.arange(1.0, 13.0)
DISCONTINUATION = 0.003
CAUSES = {"erosion": "wear", "collapse": "fall", "a storm": "gale"}
"""Label -> state; a trial of n causes has the first n, and only the first is eased by the drug."""
WIDTH, SEEDS, PILLS = "ln_width", "seeds", "pills"


def make_straight_model(causes: int = 2, *, lesions: bool = True, diameter: bool = True) -> OdeModel:
    """Return a tumour whose log diameter is a straight line and whose hazards are constant, on drug and off drug.

    What is read of the diameter stands `shift` above the line while the drug is taken.
    """
    drug = symbol("drug")
    deaths = {"wear": symbol("death") - symbol("relief") * drug, "fall": symbol("liver"), "gale": symbol("storm")}
    rates = {"line": symbol("growth") - symbol("shrinkage") * drug, **dict(list(deaths.items())[:causes])}
    rates |= {SEEDS: symbol("lesion")} if lesions else {}
    mechanism = Mechanism(
        "straight",
        "closed form",
        states=tuple(State(name, name, "1", name, sp.Integer(0), nonnegative=False) for name in rates),
        terms=tuple(Term(f"rate_{name}", name, rate, "constant") for name, rate in rates.items()),
        definitions=(Definition("drug", "D", "1", symbol(PILLS) / symbol("full_dose"), "1 on drug"),),
        inputs=(Input(PILLS, "d", "mg/d", "drug taken"),),
    )
    parameters = (
        *(make_parameter(name, value, "1/d") for name, value in RATES.items()),
        make_parameter("shift", 0.0),
        make_parameter("full_dose", 800.0, "mg/d"),
    )
    width = Definition(WIDTH, "x", "1", symbol("line") + symbol("shift") * drug, "read")
    roles = TrialRoles(dict(list(CAUSES.items())[:causes]), SEEDS if lesions else None, WIDTH if diameter else None)
    drugs = (DrugRole("relief", "relief", rate_input=PILLS),)
    return OdeModel(
        "straight", "closed form", (mechanism,), parameters, (width,), trial=roles, drugs=drugs, reported_courses=("line",)
    )


def make_trial(**changes) -> Trial:
    """Return a trial of a drug against placebo whose readers make next to no errors."""
    shared = {"discontinuation_rate": DISCONTINUATION, "symptomatic_median": 100.0, "doses_per_day": 2.0}
    arms = (
        Arm("straight", "drug", 100, control=False, dose=400.0, drug="relief", **shared),
        Arm("straight", "placebo", 100, control=True, dose=0.0, **shared),
    )
    spans = dict.fromkeys(Endpoint, FollowUp(100.0, 504.0))
    given = {
        "scan_interval": INTERVAL,
        "scan_jitter": JITTER,
        "reading_error": READING,
        "progression_ratio": 1.2,
        "response_ratio": 0.7,
    }
    return Trial("straight", "closed form", arms, follow_up=spans, stop_rule=StopRule.RADIOLOGICAL, **(given | changes))


def make_simulator(model: OdeModel, integrator: str = "scipy") -> TrialSimulator:
    """Return an accurate simulator of a model over twelve scans."""
    compiled = compile_model(model)
    return TrialSimulator(compiled, choose_integrator(integrator, compiled), Tolerances(1e-9, 1e-11), 504.0)


def make_cohort(model: OdeModel, rule: StopRule, arm: str = "drug", patients: int = 3, **changed: float) -> ArmCohort:
    """Return like patients of one arm under a rule, some parameters changed by name; rates of adverse events as in the trial."""
    trial = make_trial()
    values = [changed.get(item.name, item.value) for item in model.parameters]
    return enrol(model, trial, arm, rule, np.repeat(np.array(values)[:, None], patients, axis=1))


def enrol(model: OdeModel, trial: Trial, arm: str, rule: StopRule, parameters: np.ndarray) -> ArmCohort:
    """Return patients of one arm with what it gives, from parameters, shape (n_parameters, n)."""
    given = trial.arm(arm)
    values = dict(zip(model.parameter_names, parameters[:, 0].tolist(), strict=True))
    return ArmCohort(trial, given, rule, parameters, plan_dosing(model, given.administrations, values, 1000.0))


def without_adverse_events(cohort: ArmCohort) -> ArmCohort:
    """Return patients who never stop for adverse events."""
    return replace(cohort, arm=replace(cohort.arm, discontinuation_rate=0.0))


def leave(rule: StopRule, lesion: float = LESION) -> np.ndarray:
    """Return the probability of leaving the drug at each scan, death aside: on drug nothing but new lesions shows progression."""
    keep = np.exp(-DISCONTINUATION * SCANS)
    seen = -np.expm1(-lesion * SCANS)
    stopped = {
        StopRule.RADIOLOGICAL: seen,
        StopRule.ONE_SCAN_LATER: np.concatenate([[0.0], seen[:-1]]),
        StopRule.RADIOLOGICAL_AND_SYMPTOMATIC: seen * (1.0 - 2.0 ** (-SCANS / 100.0)),
    }
    if rule is StopRule.NEVER:
        return np.zeros(SCANS.size)
    return -np.diff(np.concatenate([[1.0], (1.0 - stopped[rule]) * keep]))


def live(rule: StopRule, time: np.ndarray, others: float = LIVER, lesion: float = LESION) -> np.ndarray:
    """Return S: leave at scan j with its probability, die at one rate on drug and at another off drug.

    `others` is the rate of all deaths the drug does not ease.
    """
    on, off = DEATH - RELIEF + others, DEATH + others
    left, total = leave(rule, lesion), np.zeros(time.size)
    for share, scan in zip(left, SCANS, strict=True):
        total += share * np.exp(-on * np.minimum(time, scan) - off * np.maximum(time - scan, 0.0))
    return total + (1.0 - left.sum()) * np.exp(-on * time)


def unprogressed(time: np.ndarray, scans: np.ndarray = SCANS, rate: float = DISCONTINUATION) -> np.ndarray:
    """Return who is alive and not seen to progress: a sum over the scans at which the drug was left for adverse events alone."""
    keep = np.exp(-rate * np.concatenate([[0.0], scans]))
    on, off = DEATH - RELIEF + LIVER, DEATH + LIVER
    total = np.zeros(time.size)
    for place, day in enumerate(time):
        k = int((day >= scans).sum())
        unseen = math.exp(-LESION * (scans[k - 1] if k else 0.0))
        total[place] = keep[k] * math.exp(-on * day) * unseen
        for j in range(k):
            alive = (keep[j] - keep[j + 1]) * math.exp(-on * scans[j] - off * (day - scans[j]))
            total[place] += alive * unseen * regrow(scans[k - 1] - scans[j])
    return total


def err(speed: float) -> float:
    """Return the standard deviation of a reading where the line has a speed [1/d]: the reader's error and that of the visit."""
    return math.hypot(READING, JITTER * speed)


def regrow(gap: np.ndarray | float) -> np.ndarray:
    """Return the probability that no scan up to `gap` days after the last on drug, whose reading is smallest, shows progression.

    That of the last of them: either the scan before it is as good as sure to show nothing, or it is to show progression.
    """
    return ndtr((math.log(1.2) - GROWTH * gap) / math.hypot(err(GROWTH - SHRINKAGE), err(GROWTH)))


def outgrow(scans: np.ndarray, growth: float, ratio: float = 1.2, carried: float = 1.0) -> np.ndarray:
    """Return the probability that no scan up to each shows progression of a growing line, whose first reading is smallest.

    `carried` is the share of the first reading's error that the limit has: less than 1 where millimetres count.
    """
    return ndtr((math.log(ratio) - growth * scans) / math.hypot(carried * READING, err(growth)))


def numbers_of(outcome: ArmOutcome) -> dict[str, np.ndarray]:
    """Return every number of an arm's outcome by name, deaths by each cause as `deaths 0`, `deaths 1` in their order."""
    numbers = {item.name: np.asarray(getattr(outcome, item.name)) for item in fields(outcome) if item.name != "arm"}
    del numbers["deaths_by_cause"]
    return numbers | {f"deaths {place}": deaths for place, deaths in enumerate(outcome.deaths_by_cause.values())}
