"""The diagram shows the couplings of the equations, with the direction they have, without boxes on top of each other."""

import itertools

import pytest

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.reports.model.diagram import draw_diagram
from kinimmune.reports.model.diagram_labels import Extent, cover_label
from kinimmune.reports.model.graph_layout import arrange


@pytest.fixture(scope="module")
def model():
    return load_model("hcc_trial")


@pytest.fixture(scope="module")
def diagram(model):
    return draw_diagram(model, "caption")


def test_every_mechanism_that_moves_is_a_box_and_boxes_do_not_overlap(model, diagram):
    assert len(diagram.nodes) == len([item for item in model.mechanisms if not item.name.startswith("untreated")])
    for one, other in itertools.combinations(diagram.nodes, 2):
        apart = abs(one.x - other.x) >= one.width - 1e-9 or abs(one.y - other.y) >= one.height - 1e-9
        assert apart, (one.title, other.title)


def test_drawing_stays_inside_its_frame(diagram):
    for node in diagram.nodes:
        assert node.x >= 0.0
        assert node.x + node.width <= diagram.width
        assert 0.0 <= node.y <= diagram.height - node.height + 1e-9
    assert all(0.0 <= x <= diagram.width for edge in diagram.edges for x, _ in edge.points)


def test_arrows_begin_and_end_on_the_edge_of_a_box(diagram):
    levels = {round(level, 6) for node in diagram.nodes for level in (node.y, node.y + node.height)}
    for edge in diagram.edges:
        assert {round(edge.points[0][1], 6), round(edge.points[-1][1], 6)} <= levels
        assert len(edge.points) % 3 == 1


def test_outcomes_are_what_nothing_depends_on(model, diagram):
    """Death alone, since who has new lesions dies sooner; without that new lesions are an outcome too."""
    apart = draw_diagram(model.without("lesion_factor"), "caption")

    assert {node.title for node in diagram.nodes if node.outcome} == {"Death"}
    assert {node.title for node in apart.nodes if node.outcome} == {"Death", "New lesions"}


def test_targets_stand_below_their_sources_except_on_feedback():
    names, arrows = "abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("c", "d")]
    found = arrange(names, arrows, 1.0, 0.2)
    layer = {name: place.layer for name, place in found.nodes.items()}
    assert layer == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert [place.layer for place in found.bends["a", "c"]] == [1]
    assert [place.layer for place in found.bends["c", "a"]] == [1]
    assert found.bends["a", "b"] == ()


def test_two_crossing_arrows_are_untangled():
    found = arrange("abcd", [("a", "d"), ("b", "c")], 1.0, 0.2)
    x = {name: place.x for name, place in found.nodes.items()}
    assert (x["a"] - x["b"]) * (x["d"] - x["c"]) > 0.0


def test_single_box_needs_no_arrow():
    found = arrange("a", [], 2.0, 0.2)
    assert (found.width, found.layers, found.nodes["a"].x) == (2.0, 1, 1.0)


@pytest.mark.parametrize("name", [name for name in model_names() if name != "gompertz"])
def test_labels_of_arrows_stand_on_them_and_cover_neither_each_other_nor_a_box(name):
    """In every model of the library."""
    diagram = draw_diagram(load_model(name), "caption")
    boxes = [Extent(node.x, node.y, node.width, node.height) for node in diagram.nodes]
    labels = [cover_label(edge, edge.label_at) for edge in diagram.edges]
    for number, (label, edge) in enumerate(zip(labels, diagram.edges, strict=True)):
        assert not any(label.share(other) for other in (*boxes, *labels[:number])), edge.symbols
        xs, ys = zip(*edge.points, strict=True)
        assert min(xs) - 1e-9 <= edge.label_at[0] <= max(xs) + 1e-9
        assert min(ys) < edge.label_at[1] < max(ys)
