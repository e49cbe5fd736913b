"""The page that says what a fitted model is for.

Start with `compose_context`.
"""

from collections.abc import Sequence

from kinimmune.models.symbolic.mechanism_graph import list_dynamic_mechanisms
from kinimmune.models.trial.design import StopRule
from kinimmune.reports.content import Content
from kinimmune.reports.model.tables import describe_stop_rule, list_trials
from kinimmune.reports.typesetting.blocks import Block, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import list_words
from kinimmune.reports.typesetting.labels import Labels, lower_first


def compose_context(content: Content) -> list[Block]:
    """Return the page that says what the model and its virtual trial are for, and how the studies are repeated."""
    labels = content.labels
    blocks: list[Block] = [Heading("Context of use"), Paragraph(_describe_use(content))]
    if content.trials and content.studies:
        caption = (
            "The studies as the virtual trial repeats them. Followed: months from the last and the first entry to the cut-off."
        )
        blocks.append(TableBlock(list_trials(content.trials), caption))
    rules = [f"in {labels.study(study)} {_describe_rule(rule)}" for study, rule in content.fit.stop_rules.items()]
    if rules:
        blocks.append(Paragraph(f"Treatment stops in this run {list_words(rules)}."))
    return [*blocks, Paragraph(_STATUSES)]


def _describe_use(content: Content) -> str:
    """Return what the fit asks, from the studies it was fitted to and the mechanisms of the model."""
    labels = content.labels
    published = {row.study for row in (*content.fit.targets, *content.fit.unfitted)}
    known, silent = ([name for name in content.studies if (name in published) is told] for told in (True, False))
    studies = list_words([labels.study(study) for study in known or silent])
    mechanisms = list_words([lower_first(item.label) for item in list_dynamic_mechanisms(content.model)])
    if not studies:
        return (
            "The question is whether one model, with one set of constants, can carry what was measured in its experiments. "
            f"{content.model.title}: the model follows {mechanisms}. It is meant for reasoning about mechanisms and for planning "
            "measurements. It is not meant for decisions about patients."
        )
    return (
        f"The question is whether one model, with one set of constants, can carry the published results of {studies}. "
        f"{content.model.title}: the model follows one patient through {mechanisms}. A virtual trial repeats the design of each "
        "study with the same virtual patients in every arm. It is meant for reasoning about mechanisms and for planning "
        f"measurements. It is not meant for decisions about patients.{_tell_silent(silent if known else [], labels)}"
    )


def _tell_silent(studies: Sequence[str], labels: Labels) -> str:
    """Say of which studies no published number is compared, so that their arms are predictions alone."""
    if not studies:
        return ""
    return f" Nothing published of {list_words([labels.study(study) for study in studies])} is compared here."


_STATUSES = (
    "Every number has a status: ",
    Strong("reported"),
    " stands in a source that was read; ",
    Strong("recalled"),
    " was not checked against its source; ",
    Strong("derived"),
    " was computed from other numbers; ",
    Strong("assumed"),
    " is a choice. The sources are listed at the end, with how much of each was seen.",
)


def _describe_rule(rule: str) -> str:
    known = [item for item in StopRule if item == rule]
    return describe_stop_rule(known[0]) if known else f"by the rule '{rule}'"
