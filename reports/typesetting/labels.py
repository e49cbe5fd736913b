"""How the names of a model and of its trials are written for a reader.

Start with `collect_labels`.  The words stand on the model (labels of states, definitions, interactions and mechanisms) and in
`trials.csv` (titles); a name that has none is written as words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.experiments.measurement import MeasurementKind
from kinimmune.models.symbolic.components import derive_label
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import ParameterKey
from kinimmune.models.trial.design import Trial
from kinimmune.reports.typesetting.formats import MISSING, print_endpoint
from kinimmune.reports.typesetting.statistics import name_measurement, name_statistic


@dataclass(frozen=True)
class Labels:
    """Words for names; a name without an entry is derived from itself."""

    quantities: Mapping[str, str] = field(default_factory=dict)
    """State, input, definition or output -> label."""
    interactions: Mapping[str, str] = field(default_factory=dict)
    """Interaction -> label."""
    studies: Mapping[str, str] = field(default_factory=dict)
    """Study -> title."""
    pairs: frozenset[str] = frozenset()
    """Studies that compare one arm with their control, which need not be named."""

    def quantity(self, name: str) -> str:
        """Return the label of a state, input, definition or output."""
        return self.quantities.get(name) or derive_label(name)

    def interaction(self, name: str) -> str:
        """Return the label of an interaction.

        >>> Labels(interactions={"il15_gate": "IL-15 gate"}).interaction("il15_gate")
        'IL-15 gate'
        """
        return self.interactions.get(name) or derive_label(name)

    def study(self, name: str | None) -> str:
        """Return the title of a study, a dash for None.

        >>> Labels(studies={"own_trial": "OWN-1"}).study("own_trial"), Labels().study("own_trial"), Labels().study(None)
        ('OWN-1', 'Own trial', '–')
        """
        return MISSING if name is None else self.studies.get(name) or derive_label(name)

    def comparison(self, study: str, arm: str | None) -> str:
        """Return what is compared with the control of a study: its title, with the arm unless it is known to be the only one.

        >>> Labels().comparison("own_trial", "low dose"), Labels(pairs=frozenset({"own_trial"})).comparison("own_trial", "drug")
        ('Own trial low dose', 'Own trial')
        """
        return self.study(study) if arm is None or study in self.pairs else f"{self.study(study)} {arm}"

    def parameter(self, key: str) -> str:
        """Return the words of a parameter's key, with the study, arm or drug it belongs to.

        >>> Labels(studies={"own_trial": "OWN-1"}).parameter("growth_spread:own_trial")
        'growth spread, OWN-1'
        """
        of = ParameterKey.parse(key)
        place = [*([self.study(of.study)] if of.study else []), *filter(None, (of.arm, of.drug))]
        words = of.name.replace("_", " ")
        return f"{words}, {' '.join(place)}" if place else words

    def output(self, name: str) -> str:
        """Return the words of a named output or published number; what has no study stays as it is.

        >>> Labels().output("median:own_trial:placebo:ttp"), Labels().output("hazard_ratio:own_trial:os")
        ('Median TTP, Own trial placebo', 'Hazard ratio of OS, Own trial')
        >>> Labels().output("survival:own_trial:placebo:os:12"), Labels().output("response_rate:own_trial:drug")
        ('OS at month 12, Own trial placebo', 'Response rate, Own trial drug')
        >>> Labels().output("deaths:own_trial"), Labels().output("curve:own_trial:drug:os")
        ('Deaths, Own trial', 'OS curve, Own trial drug')
        >>> Labels().output("ratio:nk_cells:21:drug:vehicle")
        'Nk cells on day 21, ratio, drug : vehicle'
        >>> Labels().output("ratio:nk_cells:21:drug:drug:7")
        'Nk cells on day 21 over day 7, ratio, drug : drug'
        """
        statistic, *place = name.split(":")
        if statistic in set(MeasurementKind) and len(place) > 2:
            read_out, day, *experiments = place
            since = float(experiments.pop()) if len(experiments) > 2 else None
            return f"{name_measurement(self.quantity(read_out), float(day), statistic, since)}, {' : '.join(experiments)}"
        month = float(place.pop()) if statistic == "survival" and place else None
        endpoint = None if statistic in _WITHOUT_ENDPOINT or not place else place.pop()
        if not place:
            return name
        printed = print_endpoint(endpoint)
        words = {"median": f"Median {printed}", "hazard_ratio": f"Hazard ratio of {printed}"}
        known = name_statistic(statistic, endpoint, month) if statistic in set(Statistic) else f"{statistic} {printed}"
        told = words.get(statistic, known.replace("_", " "))
        study, *arm = place
        return f"{told[:1].upper()}{told[1:]}, {' '.join([self.study(study), *arm])}"


_WITHOUT_ENDPOINT = ("response_rate", "control_rate", "deaths")
"""Statistics whose names end without an endpoint."""

PLAIN = Labels()
"""No words but those of the names themselves."""


def collect_labels(model: OdeModel, trials: Iterable[Trial] = ()) -> Labels:
    """Return the words of a model and of the trials it is held against."""
    trials = tuple(trials)
    pairs = frozenset(trial.study for trial in trials if len(trial.compared) == 1)
    return Labels(model.labels, model.interaction_labels, {trial.study: trial.title for trial in trials}, pairs)


def lower_first(label: str) -> str:
    """Return a label as it stands within a sentence: an ordinary first word loses its capital.

    >>> lower_first("Effector T cells"), lower_first("RAF/MEK/ERK"), lower_first("IL-15"), lower_first("pERK")
    ('effector T cells', 'RAF/MEK/ERK', 'IL-15', 'pERK')
    """
    first = label.partition(" ")[0]
    return label[:1].lower() + label[1:] if first[1:].isalpha() and first[1:].islower() else label


def drop_common_words(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels without the last words that all of them share, for a legend under a title that has them.

    >>> drop_common_words(["RAF held by drug", "KIT held by drug"]), drop_common_words(["pERK"])
    (('RAF', 'KIT'), ('pERK',))
    """
    words = [label.split() for label in labels]
    while len(words) > 1 and min(map(len, words)) > 1 and len({parts[-1] for parts in words}) == 1:
        words = [parts[:-1] for parts in words]
    return tuple(" ".join(parts) for parts in words)
