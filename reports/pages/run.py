"""The pages of a run's report, in order.

Start with `compose_report`; pages about the model alone are in `kinimmune.reports.pages.model`.
"""

from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures
from kinimmune.reports.model.tables import list_sources
from kinimmune.reports.pages.citations import cited_in_run
from kinimmune.reports.pages.claims import compose_claims
from kinimmune.reports.pages.context import compose_context
from kinimmune.reports.pages.fit import compose_constants, compose_estimates, compose_fit
from kinimmune.reports.pages.identifiability import compose_identifiability
from kinimmune.reports.pages.limitations import list_fit_limitations, list_limitations
from kinimmune.reports.pages.model import compose_model_pages, compose_provenance
from kinimmune.reports.pages.predictions import compose_predictions
from kinimmune.reports.pages.profile import compose_profiles
from kinimmune.reports.pages.sample import compose_sample
from kinimmune.reports.pages.sensitivity import compose_sensitivities
from kinimmune.reports.pages.summary import summarise
from kinimmune.reports.pages.trial import compose_accuracy, compose_patients, compose_stop_rules, compose_trial
from kinimmune.reports.typesetting.blocks import Block, Bullets, Document, Heading, TableBlock
from kinimmune.reports.typesetting.formats import list_words, print_fixed
from kinimmune.reports.typesetting.statistics import count_data

MOST_CHANGES = 3
"""Changes of parameters that have room among the facts of a run."""


def compose_report(content: Content, figures: DrawnFigures) -> Document:
    """Return the report of a run.

    Parameters
    ----------
    content
        the run
    figures
        figures by name; one that is missing is left out
    """
    blocks = (
        *compose_context(content),
        *compose_fit(content, figures),
        *compose_predictions(content, figures),
        *compose_trial(content, figures),
        *compose_patients(content, figures),
        *compose_stop_rules(content, figures),
        *compose_estimates(content, figures),
        *compose_identifiability(content, figures),
        *compose_profiles(content.profiles, figures, content.labels),
        *compose_sensitivities(content.sensitivities, figures, content.labels),
        *compose_sample(content, figures),
        *compose_claims(content.claims, figures),
        *compose_model_pages(content.model, content.kinases, content.drugs),
        *compose_constants(content),
        *compose_accuracy(content),
        Heading("Limitations"),
        Bullets((*list_fit_limitations(content.fit), *list_limitations(content.model, content.limitations))),
        *_compose_sources(content),
        *compose_provenance(content.provenance),
    )
    return Document(
        title=content.model.title,
        subtitle="Report of a fit and its virtual trial" if content.studies else "Report of a fit",
        facts=_list_facts(content),
        summary=summarise(content.fit, content.labels),
        running_title=f"{content.model.name}: fit{' and virtual trial' if content.studies else ''}",
        blocks=blocks,
    )


def _list_facts(content: Content) -> tuple[tuple[str, str], ...]:
    fit = content.fit
    return (
        ("Model", fit.model),
        *((("Studies", list_words([content.labels.study(study) for study in content.studies])),) if content.studies else ()),
        *((("Virtual patients per arm", str(fit.patients)),) if content.trial.arms else ()),
        ("Fit", fit.status),
        ("Chi-square, data | priors", f"{print_fixed(fit.chi_square_data, 2)} | {print_fixed(fit.chi_square_prior, 2)}"),
        ("Effective parameters", f"{print_fixed(fit.effective_parameters, 1)} for {count_data(fit.targets)}"),
        ("Degrees of freedom", print_fixed(fit.degrees_of_freedom, 1)),
        *((("Changed at the call", _list_changes(content)),) if fit.changes else ()),
    )


def _list_changes(content: Content) -> str:
    """Return which parameters are otherwise than in the tables, or of many how many; their table is on the page of estimates."""
    changes = content.fit.changes
    if len(changes) > MOST_CHANGES:
        return f"{len(changes)} parameters"
    return "; ".join(f"{content.labels.parameter(row.name)} {row.changed}" for row in changes)


def _compose_sources(content: Content) -> list[Block]:
    references = cited_in_run(content)
    if not references:
        return []
    caption = (
        "Read: its own text, at least the abstract. Secondary: only what another source says. No: numbers from it are recalled."
    )
    return [Heading("Sources"), TableBlock(list_sources(references), caption, small=True)]
