"""Published numbers around the model that are neither parameters nor targets: what was read, and what it says.

Start with `Reference`, which every other number points to by its key.  The readers are in `kinimmune.models.tables.readers`.
"""

from dataclasses import dataclass
from enum import StrEnum

from kinimmune.models.symbolic.parameters import Source


class Access(StrEnum):
    """How much of a source was seen."""

    READ = "read"
    """Its own text, at least the abstract."""
    SECONDARY = "secondary"
    """Only what another source says about it."""
    NO = "no"
    """Nothing; numbers from it are recalled."""


@dataclass(frozen=True)
class Reference:
    """A row of `sources.csv`."""

    key: str
    citation: str
    identifier: str
    """DOI, PMID, PMC or trial registration number; empty when there is none."""
    read: Access
    fitted_to: tuple[str, ...]
    """Studies or target labels its numbers were fitted to: no prior may come from it where those are fitted again."""
    note: str


@dataclass(frozen=True)
class Kinase:
    """Half-inhibitory concentration of sorafenib in a biochemical assay."""

    name: str
    ic50: float
    """[`unit`]"""
    unit: str
    species: str
    """Of the enzyme; empty when not known."""
    drives: str | None
    """The quantity of a model this kinase's occupancy is, None when it drives nothing."""
    source: Source


@dataclass(frozen=True)
class CellLine:
    """What is published about sorafenib in one hepatocellular carcinoma cell line; None where no number is stated."""

    name: str
    ic50_lower: float | None
    """[umol/L]"""
    ic50_upper: float | None
    """[umol/L]"""
    effect: str | None
    """What was seen, when no IC50 is stated."""
    effect_lower: float | None
    """Lowest concentration [umol/L] at which the effect was seen."""
    effect_upper: float | None
    """[umol/L]"""
    statement: str
    source: Source


@dataclass(frozen=True)
class Observation:
    """A published number a report compares with; it is never fitted."""

    study: str | None
    """None for patients outside the trials of `trials.csv`."""
    arm: str | None
    """None when the number is about all arms."""
    quantity: str
    value: float
    unit: str
    month: float | None
    """Time [month] after the start of treatment, None when it has none."""
    source: Source
