"""Pages about a model: diagram, equations, virtual patients, kinases, parameters, provenance.

Start with `compose_model_report`, or `compose_model_pages` for the part a run's report shares.
"""

from collections.abc import Mapping

from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.drugs import GivenDrug, list_used_kinases
from kinimmune.models.tables.evidence import Kinase
from kinimmune.reports.content import ModelContent
from kinimmune.reports.figures.recipes import DrawnFigures
from kinimmune.reports.model.diagram import draw_diagram
from kinimmune.reports.model.equations import list_equations
from kinimmune.reports.model.tables import count_statuses, list_drugs, list_kinases, list_parameters, list_sources, list_spreads
from kinimmune.reports.pages.citations import cited_in_model
from kinimmune.reports.pages.claims import FIGURE, compose_claims
from kinimmune.reports.pages.limitations import list_limitations
from kinimmune.reports.pages.sensitivity import compose_sensitivities
from kinimmune.reports.typesetting.blocks import Block, Bullets, Document, Heading, Mark, Paragraph, Table, TableBlock
from kinimmune.reports.typesetting.formats import list_words

_DIAGRAM_CAPTION = (
    "The model. Boxes are mechanisms with the states they bring; orange ones act on no other. An arrow raises, a bar lowers, a "
    "dot does both, judged by the derivative of the equations at many points; the symbol beside it carries the action."
)


def compose_model_report(content: ModelContent, figures: DrawnFigures) -> Document:
    """Return the report of a model alone."""
    model = content.model
    nominal: list[Block] = []
    shown = [figure.block for name, figure in figures.items() if name != FIGURE and not name.startswith("sensitivity-")]
    if shown:
        nominal = [Heading("Courses at the values of the tables"), *shown]
    blocks = (
        *compose_model_pages(model, content.kinases, content.drugs),
        *nominal,
        *compose_sensitivities(content.sensitivities, figures, content.labels),
        *compose_claims(content.claims, figures),
        Heading("Parameters"),
        TableBlock(
            list_parameters(model, content.labels),
            "Every parameter. Prior sd: standard deviation of the prior, on the scale named. Spread: the same between patients.",
            small=True,
        ),
        Heading("Limitations"),
        Bullets(list_limitations(model, content.limitations)),
        *_compose_sources(content),
        *compose_provenance(content.provenance),
    )
    summary = (
        f"{_count(len(model.states), 'state')} in {_count(len(model.mechanisms), 'mechanism')}, "
        f"{_count(len(model.parameter_names), 'parameter')}; {count_statuses(model)}. "
        "This report describes the model at the values of its tables; nothing was fitted here."
    )
    return Document(
        title=model.title,
        subtitle="Report of a model",
        facts=(("Model", model.name), ("States", str(len(model.states))), ("Arrows", str(len(model.interactions)))),
        summary=(summary,),
        running_title=f"{model.name}: model",
        blocks=blocks,
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def compose_model_pages(model: OdeModel, kinases: tuple[Kinase, ...], drugs: tuple[GivenDrug, ...]) -> list[Block]:
    """Return diagram, equations, spread between patients, kinases, and the drugs that are not the model's own."""
    blocks: list[Block] = [Heading("The model"), draw_diagram(model, _DIAGRAM_CAPTION)]
    if model.removed:
        blocks.append(Paragraph(f"Arrows cut from the full model: {', '.join(model.removed)}."))
    blocks += [
        Heading("Equations", 2),
        Paragraph(
            "Typeset from the symbolic model that is integrated, one line per term with its reason. Time is in days. "
            "Where symbols c appear they abbreviate constants of one individual and hold within their mechanism."
        ),
        *list_equations(model),
        *_compose_outputs(model),
    ]
    spreads = list_spreads(model)
    if spreads.rows:
        caption = "How virtual patients differ; a name stands for a parameter that holds the value."
        blocks += [Heading("Differences between patients", 2), TableBlock(spreads, caption)]
    return blocks + _compose_kinases(list_used_kinases(model, kinases)) + _compose_drugs(drugs)


def _compose_outputs(model: OdeModel) -> list[Block]:
    if not model.outputs:
        return []
    rows = tuple((Mark(item.name), item.reason) for item in model.outputs)
    return [
        TableBlock(Table(("Read-out", "Meaning"), rows, "ll"), "What is read off a course; nothing in the model depends on it.")
    ]


def _compose_kinases(kinases: tuple[Kinase, ...]) -> list[Block]:
    if not kinases:
        return []
    idle = [item.name for item in kinases if item.drives is None]
    text = f"{list_words(idle)} drive nothing in this model." if idle else "Every kinase drives something."
    caption = "Half-inhibitory concentrations in biochemical assays, and what each kinase drives."
    return [Heading("Kinases", 2), Paragraph(text), TableBlock(list_kinases(kinases), caption, small=True)]


def _compose_drugs(drugs: tuple[GivenDrug, ...]) -> list[Block]:
    if not drugs:
        return []
    words = list_words([f"{item.drug} in the place of {item.role.drug}" for item in drugs])
    text = f"Arms are given {words}. In these arms the values below replace the parameters of the model's own drug."
    return [Heading("Other drugs", 2), Paragraph(text), TableBlock(list_drugs(drugs), "Drugs that arms are given.", small=True)]


def _compose_sources(content: ModelContent) -> list[Block]:
    references = cited_in_model(content)
    if not references:
        return []
    return [Heading("Sources"), TableBlock(list_sources(references), "Sources of the numbers above.", small=True)]


def compose_provenance(provenance: Mapping[str, str]) -> list[Block]:
    """Return the page that says where the report comes from."""
    if not provenance:
        return []
    rows = tuple((label, Mark(text)) for label, text in provenance.items())
    caption = "What the results depend on. Same command, versions and tables: same bytes on one type of processor."
    return [Heading("Provenance"), TableBlock(Table(("", ""), rows, "ll", widths=(0, 1)), caption, small=True)]
