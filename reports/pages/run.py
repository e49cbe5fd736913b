"""The pages of a run's report, in order.

Start with `compose_report`; pages about the model alone are in `kinimmune.reports.pages.model`.
"""

from collections.abc import Mapping

from kinimmune.models.trial.design import StopRule
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigure
from kinimmune.reports.model.tables import describe_stop_rule, list_constants, list_estimates, list_sources, list_trials
from kinimmune.reports.pages import tables
from kinimmune.reports.pages.citations import cited_in_run
from kinimmune.reports.pages.claims import compose_claims
from kinimmune.reports.pages.identifiability import compose_identifiability
from kinimmune.reports.pages.limitations import list_fit_limitations, list_limitations
from kinimmune.reports.pages.model import compose_model_pages, compose_provenance
from kinimmune.reports.pages.profile import compose_profiles
from kinimmune.reports.pages.sample import compose_sample
from kinimmune.reports.pages.sensitivity import compose_sensitivities
from kinimmune.reports.pages.summary import summarise
from kinimmune.reports.typesetting.blocks import Block, Bullets, Cell, Document, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import list_words, print_fixed, print_name

Figures = Mapping[str, DrawnFigure]


def compose_report(content: Content, figures: Figures) -> Document:
    """Return the report of a run.

    Parameters
    ----------
    content
        the run
    figures
        figures by name; one that is missing is left out
    """
    blocks = (
        *_compose_context(content),
        *_compose_fit(content, figures),
        *_compose_predictions(content, figures),
        *_compose_trial(content, figures),
        *_compose_patients(content, figures),
        *_compose_stop_rules(content, figures),
        *_compose_estimates(content, figures),
        *compose_identifiability(content.identifiability, content.profiles, figures),
        *compose_profiles(content.profiles, figures),
        *compose_sensitivities(content.sensitivities, figures),
        *compose_sample(content, figures),
        *compose_claims(content.claims, figures),
        *compose_model_pages(content.model, content.kinases),
        *_compose_constants(content),
        *_compose_accuracy(content),
        Heading("Limitations"),
        Bullets((*list_fit_limitations(content.fit), *list_limitations(content.model))),
        *_compose_sources(content),
        *compose_provenance(content.provenance),
    )
    return Document(
        title=content.model.title,
        subtitle="Report of a fit and its virtual trial",
        facts=_list_facts(content),
        summary=summarise(content.fit),
        running_title=f"{content.model.name}: fit and virtual trial",
        blocks=blocks,
    )


def _list_facts(content: Content) -> tuple[tuple[str, str], ...]:
    fit = content.fit
    return (
        ("Model", fit.model),
        ("Studies", list_words([print_name(study) for study in content.studies])),
        ("Virtual patients per arm", str(fit.patients)),
        ("Fit", fit.status),
        ("Chi-square, data | priors", f"{print_fixed(fit.chi_square_data, 2)} | {print_fixed(fit.chi_square_prior, 2)}"),
        ("Effective parameters", f"{print_fixed(fit.effective_parameters, 1)} for {len(fit.targets)} numbers"),
        ("Degrees of freedom", print_fixed(fit.degrees_of_freedom, 1)),
    )


def _show(figures: Figures, *names: str) -> list[Block]:
    return [figures[name].block for name in names if name in figures]


def _compose_context(content: Content) -> list[Block]:
    blocks: list[Block] = [
        Heading("Context of use"),
        Paragraph(
            "The question is whether one mechanism of drug action, with one set of constants, can carry the published results of "
            "two trials whose patients differed. The model follows one patient: drug in plasma, kinases, tumour, vessels, "
            "regulatory and effector T cells, liver. A virtual trial repeats the design of each study with the same virtual "
            "patients in every arm. It is meant for reasoning about mechanisms and for planning measurements. It is not "
            "meant for "
            "decisions about patients.",
        ),
    ]
    if content.trials:
        caption = (
            "The studies as the virtual trial repeats them. Followed: months from the last and the first entry to the cut-off."
        )
        blocks.append(TableBlock(list_trials(content.trials), caption))
    rules = [f"in {print_name(study)} {_describe_rule(rule)}" for study, rule in content.fit.stop_rules.items()]
    if rules:
        blocks.append(Paragraph(f"In this run treatment stopped {list_words(rules)}."))
    blocks.append(
        Paragraph(
            (
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
        )
    )
    return blocks


def _describe_rule(rule: str) -> str:
    known = [item for item in StopRule if item == rule]
    return describe_stop_rule(known[0]) if known else f"by the rule '{rule}'"


def _compose_fit(content: Content, figures: Figures) -> list[Block]:
    fit = content.fit
    caption = (
        "Fitted numbers, in months. Residual: in standard errors of the logarithm, for medians of time to progression the signed "
        "root of the deviance. Scan: reported | predicted; such a median can only fall on a scan, so the scan is what was fitted."
    )
    text = (
        f"Sum of squares of the data {print_fixed(fit.chi_square_data, 2)}, of the priors "
        f"{print_fixed(fit.chi_square_prior, 2)}; "
        f"{print_fixed(fit.effective_parameters, 1)} effective parameters for {len(fit.targets)} numbers leave "
        f"{print_fixed(fit.degrees_of_freedom, 1)} degrees of freedom. No p-value is given: with so few left there is "
        "nothing to test."
    )
    return [
        Heading("The fit"),
        TableBlock(tables.list_targets(fit), caption),
        Paragraph(text),
        *_show(figures, "medians"),
    ]


def _compose_predictions(content: Content, figures: Figures) -> list[Block]:
    fit = content.fit
    ratios = tuple(row for row in fit.unfitted if row.statistic == "hazard_ratio")
    blocks: list[Block] = [Heading("Predictions that were not fitted")]
    if ratios:
        caption = (
            "Hazard ratios, none fitted. Null: ratio of the fitted medians, which needs no model. Intervals of the "
            "prediction: for "
            "the parameters; for parameters and constants; for one trial of that size. Inside: whether the prediction "
            "lies in the "
            "reported interval; the null usually does too, so that alone is no evidence."
        )
        blocks += [TableBlock(tables.list_ratios(ratios), caption, small=True), *_tell_scores(content), *_show(figures, "forest")]
    if fit.transport:
        caption = (
            "An arm left out: the fit sees the other study and this study's control arm and predicts the treated arm [months]. "
            "Null: the control median times the ratio of the other study."
        )
        blocks.append(TableBlock(tables.list_transport(fit.transport), caption, small=True))
    if content.observations:
        table = tables.list_observations(content.observations, fit, content.trial)
        caption = (
            "Other published numbers, never fitted, beside the virtual trial. Response is calibrated by a constant, see the "
            "limitations."
        )
        blocks += [TableBlock(table, caption)] if table.rows else []
    return blocks if len(blocks) > 1 else []


def _tell_scores(content: Content) -> list[Block]:
    fit = content.fit
    if fit.q_model is None or fit.q_null is None:
        return []
    ratios = [row for row in fit.unfitted if row.statistic == "hazard_ratio"]
    verdict = "no better than" if fit.q_model >= fit.q_null else "nearer to the reports than"
    text: Cell = (
        f"Score Q, the sum of squared errors of ln hazard ratio in reported standard errors: {print_fixed(fit.q_model, 2)} "
        "for the "
        f"model, {print_fixed(fit.q_null, 2)} for the null. On these ratios the model is ",
        Strong(f"{verdict} its null"),
        f". Sampling error of the trials alone would give about {len(ratios)}.",
    )
    return [Paragraph(text)]


def _compose_trial(content: Content, figures: Figures) -> list[Block]:
    trial = content.trial
    return [
        Heading("The virtual trial"),
        Heading("Survival and progression", 2),
        *_show(figures, "survival", "progression", "incidence"),
        Heading("The size of the effect", 2),
        TableBlock(tables.list_contrasts(trial), "Treated minus or over control, over the follow-up of each study. Not fitted."),
        *_show(figures, "hazard_ratios"),
        Heading("Rates, shares and time on treatment", 2),
        *_tabulate_outcomes(content),
        *_show(figures, "treatment"),
    ]


def _tabulate_outcomes(content: Content) -> list[Block]:
    if content.model.trial is None:
        return []
    table = tables.list_outcomes(content.fit, content.trial, content.model.trial)
    return [TableBlock(table, "Outcomes per arm. None of them was fitted.")]


def _compose_patients(content: Content, figures: Figures) -> list[Block]:
    return [
        Heading("Virtual patients"),
        *_show(figures, "waterfall", "spiders"),
        Heading("Mean courses", 2),
        *_show(figures, *(f"courses_{study}" for study in content.studies)),
    ]


def _compose_stop_rules(content: Content, figures: Figures) -> list[Block]:
    rules = content.trial.stop_rules
    if not rules:
        return []
    caption = "Predictions under each rule for stopping treatment; medians in months."
    return [
        Heading("When treatment stops"),
        TableBlock(tables.list_stop_rules(rules), caption, small=True),
        *_show(figures, "stop_rules"),
    ]


def _compose_estimates(content: Content, figures: Figures) -> list[Block]:
    fit = content.fit
    caption = (
        "Estimated parameters: median and 95 % range of the prior, estimate with 95 % interval by the curvature, and the "
        "ratio of "
        "posterior to prior standard deviation (1: the data said nothing). Status and source are those of the prior."
    )
    blocks: list[Block] = [
        Heading("What the data determined"),
        TableBlock(list_estimates(fit.parameters), caption, small=True),
        *_show(figures, "priors", "correlation"),
    ]
    if fit.starts:
        blocks += [*_show(figures, "start_ladder"), TableBlock(tables.list_starts(fit), "Starts of the optimiser.", small=True)]
    return blocks


def _compose_constants(content: Content) -> list[Block]:
    caption = (
        "Parameters the fit did not move. Prior sd: standard deviation, on the scale named, of the distribution about the value "
        "from which they are drawn for the second interval of predictions."
    )
    return [Heading("Constants"), TableBlock(list_constants(content.fit.constants), caption, small=True)]


def _compose_accuracy(content: Content) -> list[Block]:
    failed = content.fit.failed_patients
    told = (
        "No virtual patient failed to integrate."
        if failed == 0
        else f"{failed} virtual patients failed to integrate and were left out."
    )
    blocks: list[Block] = [
        Heading("Numerical accuracy"),
        Paragraph(
            f"Survival is a mean over {content.trial.patients} quasi-random virtual patients per arm, the same in every arm of a "
            f"study, without sampling of events. {told}"
        ),
    ]
    if content.trial.quadrature:
        caption = "Quadrature error: how far a prediction moves when other virtual patients of the same number are used."
        blocks.append(TableBlock(tables.list_quadrature(content.trial), caption))
    if content.trial.notes:
        blocks.append(Bullets(tuple(content.trial.notes)))
    return blocks


def _compose_sources(content: Content) -> list[Block]:
    references = cited_in_run(content)
    if not references:
        return []
    caption = (
        "Read: its own text, at least the abstract. Secondary: only what another source says. No: numbers from it are recalled."
    )
    return [Heading("Sources"), TableBlock(list_sources(references), caption, small=True)]
