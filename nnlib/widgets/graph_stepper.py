"""Backpropagation through small computational graphs, one edge at a time, and its formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure


class Operation(NamedTuple):
    """A function of one or two numbers and its derivative by each of them."""

    value: Callable[..., float]
    locals: Callable[..., tuple[float, ...]]


class Node(NamedTuple):
    """A node of a graph: its name, its operation (empty for an input) and what it reads."""

    name: str
    operation: str = ""
    reads: tuple[str, ...] = ()


class Edge(NamedTuple):
    """One backward step: what flows from a node to one of the nodes it reads."""

    source: str
    target: str
    local: float
    contribution: float


def _sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


OPERATIONS = {
    "multiply": Operation(lambda a, b: a * b, lambda a, b: (b, a)),
    "add": Operation(lambda a, b: a + b, lambda _a, _b: (1.0, 1.0)),
    "subtract": Operation(lambda a, b: a - b, lambda _a, _b: (1.0, -1.0)),
    "square": Operation(lambda a: a * a, lambda a: (2 * a,)),
    "half_square": Operation(lambda a: 0.5 * a * a, lambda a: (a,)),
    "sigmoid": Operation(_sigmoid, lambda a: (_sigmoid(a) * (1 - _sigmoid(a)),)),
}

GRAPHS: dict[str, tuple[Node, ...]] = {
    "chain": (
        Node("w"),
        Node("x"),
        Node("b"),
        Node("m", "multiply", ("w", "x")),
        Node("a", "add", ("m", "b")),
        Node("f", "sigmoid", ("a",)),
    ),
    "shared": (
        Node("x"),
        Node("u", "square", ("x",)),
        Node("z", "add", ("u", "x")),
    ),
    "tied": (
        Node("w"),
        Node("x"),
        Node("t"),
        Node("u", "multiply", ("w", "x")),
        Node("v", "multiply", ("w", "u")),
        Node("e", "subtract", ("v", "t")),
        Node("L", "half_square", ("e",)),
    ),
}
"""σ(w·x + b); x² + x; and ½ (w·(w·x) − t)², where one weight serves two layers."""

START = {"chain": (2.0, 1.0, -1.0), "shared": (3.0,), "tied": (0.5, 2.0, 1.0)}
"""The inputs each graph starts with, in the order of its input nodes."""


def backpropagate(graph: str, inputs: Sequence[float]) -> dict[str, Any]:
    """Run a graph forward, then carry the gradient back one edge at a time.

    The nodes are walked in reverse topological order; along each edge flows
    (gradient of the node) · (local derivative), and what meets in a shared node adds.

    Parameters
    ----------
    graph : str
        A name of ``GRAPHS``.
    inputs : sequence of float
        The values of the input nodes, in order.

    Returns
    -------
    dict
        ``values`` and ``gradients`` by node name, and ``edges`` in the order they are walked.

    Examples
    --------
    >>> result = backpropagate("shared", [3.0])
    >>> [(edge.source, edge.target, edge.contribution) for edge in result["edges"]]
    [('z', 'u', 1.0), ('z', 'x', 1.0), ('u', 'x', 6.0)]
    >>> result["gradients"]["x"]
    7.0
    """
    nodes = GRAPHS[graph]
    values: dict[str, float] = {}
    given = iter(inputs)
    for node in nodes:
        if node.operation:
            read = [values[name] for name in node.reads]
            values[node.name] = OPERATIONS[node.operation].value(*read)
        else:
            values[node.name] = float(next(given))
    gradients = dict.fromkeys(values, 0.0)
    gradients[nodes[-1].name] = 1.0
    edges = []
    for node in reversed([node for node in nodes if node.operation]):
        read = [values[name] for name in node.reads]
        for name, local in zip(node.reads, OPERATIONS[node.operation].locals(*read), strict=True):
            contribution = gradients[node.name] * local
            edges.append(Edge(node.name, name, local, contribution))
            gradients[name] += contribution
    return {"values": values, "gradients": gradients, "edges": edges}


class GraphStepper(Figure):
    """Walk backward through a computational graph, predicting each local gradient.

    Parameters
    ----------
    graph : str, default "shared"
        ``"chain"``, ``"shared"`` or ``"tied"``.
    inputs : sequence of float, optional
        The values of the graph's input nodes; ``START`` by default.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    graph, inputs
        What the controls hold; set them here and the picture follows.
    step : int
        How many steps have run: one per computed node, one to start, one per edge.
    gradient : list of float
        The derivative of the output by each input, whatever the step.

    Raises
    ------
    ValueError
        If the graph is none of those above, or the inputs are not as many as it has.
    """

    title = "Backpropagation, one edge at a time"
    purpose = "Say each local derivative, and watch the gradient travel from the output back."
    height = 900

    graph: str = synced("shared")
    inputs: list[float] = synced(list(START["shared"]))
    step: int = synced(0)
    gradient: list[float] = synced([7.0])

    def __init__(
        self, *, graph: str = "shared", inputs: Sequence[float] | None = None, key: str = ""
    ) -> None:
        if graph not in GRAPHS:
            message = f"GraphStepper: graph is {graph!r}, expected one of {tuple(GRAPHS)}."
            raise ValueError(message)
        given = [float(v) for v in (START[graph] if inputs is None else inputs)]
        if len(given) != len(START[graph]):
            message = (
                f"GraphStepper: {len(given)} inputs came for the graph {graph!r}, "
                f"expected {len(START[graph])}."
            )
            raise ValueError(message)
        super().__init__(key=key, graph=graph, inputs=given)
        self._refresh()
        self._follow(("graph", "inputs"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``gradient`` true where Python sets an input and no browser is open."""
        names = [node.name for node in GRAPHS[self.graph] if not node.operation]
        if len(names) == len(self.inputs):  # graph and inputs may arrive one after the other
            found = backpropagate(self.graph, self.inputs)["gradients"]
            self.gradient = [found[name] for name in names]

    def summary(self) -> str:
        """Return the state in one sentence."""
        gradient = ", ".join(f"{value:.4g}" for value in self.gradient)
        return f'the graph "{self.graph}" at {self.inputs}, whose gradient is ({gradient}).'
