"""Which sources a report cites: those behind the numbers and claims on its pages.

Start with `cited_in_run` or `cited_in_model`; both return references in the order they are given.
"""

from collections.abc import Iterable
from dataclasses import replace

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.evidence import Kinase, Reference
from kinimmune.reports.content import Content, ModelContent


def list_used_kinases(model: OdeModel, kinases: tuple[Kinase, ...]) -> tuple[Kinase, ...]:
    """Return the panels of a model's own drugs as it sees them: a kinase drives only what the model defines."""
    defined = {item.name for item in model.definitions}
    drugs = {item.drug for item in kinases if item.drives in defined}
    return tuple(item if item.drives in defined else replace(item, drives=None) for item in kinases if item.drug in drugs)


def cited_in_model(content: ModelContent) -> tuple[Reference, ...]:
    """Return what a model's parameters, its kinases and the claims about it cite."""
    used = _used_by_model(content.model, content.kinases, content.claims)
    return tuple(item for item in content.references if item.key in used)


def cited_in_run(content: Content) -> tuple[Reference, ...]:
    """Return what the model, its targets, the published numbers beside it, its kinases and the claims about it cite."""
    used = _used_by_model(content.model, content.kinases, content.claims)
    used |= {row.source for row in content.fit.parameters} | {row.source for row in content.fit.constants}
    used |= {item.source.key for item in content.observations}
    for target in content.targets:
        used |= {origin.key for origin in (target.value_source, target.interval_source) if origin is not None}
    return tuple(item for item in content.references if item.key in used)


def _used_by_model(model: OdeModel, kinases: tuple[Kinase, ...], claims: Iterable[ClaimRecord]) -> set[str]:
    used = {item.source.key for item in model.parameters}
    used |= {item.source.key for item in list_used_kinases(model, kinases)}
    return used | {item.source for item in claims if item.source is not None}
