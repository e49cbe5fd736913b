"""Which sources a report cites: those behind the numbers and claims on its pages.

Start with `cited_in_run` or `cited_in_model`; both return references in the order they are given.
"""

from collections.abc import Iterable

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.drugs import list_used_kinases
from kinimmune.models.tables.evidence import Kinase, Reference
from kinimmune.reports.content import Content, ModelContent


def cited_in_model(content: ModelContent) -> tuple[Reference, ...]:
    """Return what a model's parameters, its kinases, drugs and the claims about it cite."""
    used = _used_by_model(content.model, content.kinases, content.claims).union(*(item.sources for item in content.drugs))
    return tuple(item for item in content.references if item.key in used)


def cited_in_run(content: Content) -> tuple[Reference, ...]:
    """Return what the model, its targets, the published numbers beside it, its kinases, drugs and the claims about it cite."""
    used = _used_by_model(content.model, content.kinases, content.claims)
    used |= {row.source for row in content.fit.parameters} | {row.source for row in content.fit.constants}
    known = content.observations if content.studies else ()  # else no page shows them
    used |= {item.source.key for item in known}.union(*(item.sources for item in content.drugs))
    for target in (item for item in content.targets if item.study in content.studies or not item.of_trial):
        used |= {origin.key for origin in (target.value_source, target.interval_source) if origin is not None}
    return tuple(item for item in content.references if item.key in used)


def _used_by_model(model: OdeModel, kinases: tuple[Kinase, ...], claims: Iterable[ClaimRecord]) -> set[str]:
    used = {item.source.key for item in model.parameters}
    used |= {item.source.key for item in list_used_kinases(model, kinases)}
    return used | {item.source for item in claims if item.source is not None}
