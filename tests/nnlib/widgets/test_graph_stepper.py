"""The graph stepper's gradients agree with finite differences, by hand and with its JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nnlib.widgets import GraphStepper
from nnlib.widgets.graph_stepper import GRAPHS, START, backpropagate

Node = Callable[[str, str], Any]
POINTS = {"chain": (0.7, -1.3, 0.2), "shared": (-1.7,), "tied": (1.1, -0.6, 0.4)}


def test_two_paths_of_the_shared_node_add_to_seven() -> None:
    result = backpropagate("shared", [3.0])

    into_x = [edge.contribution for edge in result["edges"] if edge.target == "x"]

    assert sorted(into_x) == [1.0, 6.0]
    assert result["gradients"]["x"] == 7


def test_two_paths_cancel_at_minus_one_half() -> None:
    assert backpropagate("shared", [-0.5])["gradients"]["x"] == 0


def test_saturated_sigmoid_passes_on_less_than_a_hundredth() -> None:
    edge = backpropagate("chain", [3.0, 2.0, -1.0])["edges"][0]

    assert 0 < edge.local < 0.01


def test_weight_used_twice_collects_both_terms() -> None:
    """With L = ½ (w·w·x − t)² by hand: dL/dw = 2 w x (w² x − t)."""
    w, x, t = 0.5, 2.0, 1.0

    result = backpropagate("tied", [w, x, t])

    terms = [edge.contribution for edge in result["edges"] if edge.target == "w"]
    assert len(terms) == 2
    assert sum(terms) == pytest.approx(2 * w * x * (w * w * x - t), rel=1e-15)


@pytest.mark.parametrize("graph", GRAPHS)
def test_gradients_agree_with_central_differences(graph: str) -> None:
    point, h = list(POINTS[graph]), 1e-6
    result = backpropagate(graph, point)
    names = [node.name for node in GRAPHS[graph] if not node.operation]
    output = GRAPHS[graph][-1].name

    for i, name in enumerate(names):
        moved = [[v + s * (j == i) for j, v in enumerate(point)] for s in (h, -h)]
        high, low = (backpropagate(graph, values)["values"][output] for values in moved)
        assert result["gradients"][name] == pytest.approx((high - low) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("graph", GRAPHS)
def test_node_passes_on_its_gradient_only_when_all_of_it_has_arrived(graph: str) -> None:
    edges = backpropagate(graph, POINTS[graph])["edges"]

    for i, edge in enumerate(edges):
        later_arrivals = [other.target for other in edges[i:]]
        assert edge.source not in later_arrivals


@pytest.mark.parametrize("graph", GRAPHS)
def test_javascript_computes_the_same(node: Node, graph: str) -> None:
    expected = backpropagate(graph, POINTS[graph])

    found = node("graph_stepper.js", f'm.backpropagate("{graph}", {json.dumps(POINTS[graph])})')

    assert found["values"] == pytest.approx(expected["values"], rel=1e-14)
    assert found["gradients"] == pytest.approx(expected["gradients"], rel=1e-13)
    for mine, theirs in zip(expected["edges"], found["edges"], strict=True):
        assert (theirs["source"], theirs["target"]) == (mine.source, mine.target)
        assert theirs["local"] == pytest.approx(mine.local, rel=1e-13)
        assert theirs["contribution"] == pytest.approx(mine.contribution, rel=1e-13)


@pytest.mark.parametrize(
    ("answer", "local", "right"),
    [
        ("6", 6, True),
        ("6.05", 6, True),
        ("6.1", 6, False),
        ("0.2", 0.1966, True),
        ("0", 0.02, False),
    ],
)
def test_local_derivative_is_accepted_within_one_percent_or_half_a_hundredth(
    node: Node, answer: str, local: float, right: bool
) -> None:
    assert node("graph_stepper.js", f"m.closeEnough({answer}, {local})") is right


def test_hint_says_how_far_the_node_moves(node: Node) -> None:
    """(3 + 0.01)² − 3² = 0.0601."""
    moved = node("graph_stepper.js", 'm.nudge("shared", {source: "u", target: "x"}, {x: 3, u: 9})')

    assert moved == pytest.approx(0.0601, abs=1e-12)


def test_last_step_reports_the_sum_of_both_paths(node: Node) -> None:
    report = node("graph_stepper.js", 'm.report("shared", [3], 6)')

    assert report == (
        "∂u/∂x = 2 · x = 6. It passes on dz/du · ∂u/∂x = 1 · 6 = 6. "
        "Paths meet in x and add: dz/dx = 1 + 6 = 7. Every gradient is there."
    )


def test_number_of_steps_is_nodes_plus_start_plus_edges(node: Node) -> None:
    counts = node(
        "graph_stepper.js",
        f"Object.entries({json.dumps(START)}).map(([g, v]) => m.board(g, v, 0).steps)",
    )

    assert counts == [3 + 1 + 5, 2 + 1 + 3, 4 + 1 + 7]


def test_gradient_follows_inputs_that_python_sets() -> None:
    figure = GraphStepper()

    figure.inputs = [5.0]

    assert figure.gradient == [11.0]


def test_unknown_graph_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"graph is 'ring', expected one of .*chain"):
        GraphStepper(graph="ring")


def test_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="2 inputs came for the graph 'chain', expected 3"):
        GraphStepper(graph="chain", inputs=[1.0, 2.0])
