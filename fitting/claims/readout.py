"""What a read-out is: a registered function of a batch of experiments and a claim, the names it needs, and its unit.

Start with `Readout`.  Text of a table is only ever looked up, never evaluated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.model import OdeModel


class Named(StrEnum):
    """What a name in a column of `claims.csv` stands for in the model; the value is the word of messages."""

    QUANTITY = "quantity"
    """A state or output."""
    EXPERIMENT = "experiment"
    STUDY = "study"
    """A clinical trial of `trials.csv` with a control; STUDY:ARM where several arms are compared with it."""
    ARM = "arm"
    """An arm of the study that the read-out uses."""
    DAY = "read-out day"
    PARAMETER = "parameter"
    INTERACTION = "arrow"
    """One of the names `kinimmune show MODEL --arrow` prints, or several joined by `+`."""


@dataclass(frozen=True)
class Choice:
    """A name that the read-out itself gives a meaning, such as a covariate."""

    what: str
    """What the names stand for, in the singular."""
    names: tuple[str, ...]


@dataclass(frozen=True)
class Readout:
    """A number that a claim can be about, one per parameter set, and what it needs to be read."""

    compute: Callable[[ExperimentBatch, Claim], Array]
    """Returns the read-out of a claim for every parameter set of a batch, shape (n,)."""
    needs: Mapping[str, Named | Choice] = field(default_factory=dict)
    """Column of `claims.csv` that must be filled -> what its name stands for."""
    uses: Mapping[Named, tuple[str, ...]] = field(default_factory=dict)
    """Names of the model that the function reads beside those in the claim's row."""
    unit: Named | str = "1"
    """Of the number; or what has it: the claim's `quantity`, or the parameter that the claim or the read-out names."""
    share_of_benefit: bool = False
    """Whether it is the share of a survival benefit that runs through the claim's first mechanism; an analysis of what a fit
    identifies measures that share over draws."""

    def __call__(self, batch: ExperimentBatch, claim: Claim) -> Array:
        """Return the read-out of a claim for every parameter set of a batch, shape (n,)."""
        return self.compute(batch, claim)

    def find_unit(self, model: OdeModel, claim: Claim) -> str:
        """Return the unit of the read-out of a claim."""
        if self.unit is Named.PARAMETER and self.needs.get("quantity") is not Named.PARAMETER:
            return model.units[self.uses[Named.PARAMETER][0]]
        return model.units[claim.quantity] if self.unit in (Named.QUANTITY, Named.PARAMETER) else str(self.unit)

    def list_places(self, claim: Claim) -> set[str]:
        """Return what a claim is read in: what its row names as experiment or baseline, studies without arms, and own studies."""
        named = {name.partition(":")[0] for name in (claim.experiment, claim.baseline) if name}
        return named | set(self.uses.get(Named.STUDY, ()))
