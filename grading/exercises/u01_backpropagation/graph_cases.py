"""What `backward_graph` is tried on: trees, graphs with shared nodes, and shuffled numbers.

Random graphs hold two diamonds, one with the longer path first and one with it last, because each
hides the mistake of one wrong order. Shuffled ones end in a ladder of 30 more, which doubles the
number of paths at every rung: an answer that follows each path separately does not come to an end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grading.exercises._declaration import Case, HandCase

_N_RUNGS = 30  # 2^30 paths take Python minutes; a pass over the nodes takes no longer than before


def _value(operation: str, above: list[float]) -> float:
    if operation == "exp":
        return math.exp(above[0])
    if operation == "negate":
        return -above[0]
    return above[0] * above[1] if operation == "multiply" else above[0] + above[1]


def _joined(graph: list[list[Any]], values: list[float], operation: str, *parents: int) -> int:
    """Append a node and return its number."""
    graph.append([operation, list(parents)])
    values.append(_value(operation, [values[p] for p in parents]))
    return len(graph) - 1


def _with_diamonds(graph: list[list[Any]], values: list[float], x: int, far_first: bool) -> int:
    """Append r = x² · (−x²): the square is read twice, once through a longer path."""
    square = _joined(graph, values, "multiply", x, x)
    negative = _joined(graph, values, "negate", square)
    parents = (negative, square) if far_first else (square, negative)
    return _joined(graph, values, "multiply", *parents)


def _with_ladder(graph: list[list[Any]], values: list[float], x: int) -> int:
    """Append x → ½ (x + x), rung after rung: the value stays, the number of paths doubles."""
    graph.append(["input", []])
    values.append(0.5)
    half = len(graph) - 1
    for _ in range(_N_RUNGS):
        doubled = _joined(graph, values, "add", x, x)
        x = _joined(graph, values, "multiply", half, doubled)
    return x


def _expression(shared: bool, rng: np.random.Generator) -> tuple[list[list[Any]], list[float]]:
    """Draw an expression in topological order, with every operation in it."""
    graph: list[list[Any]] = []
    values: list[float] = []
    for x in rng.uniform(0.4, 1.2, size=4):
        graph.append(["input", []])
        values.append(float(x))
    loose = [0, 1, 2, 3]  # nodes that nobody has read yet
    if shared:
        loose[0] = _with_diamonds(graph, values, 0, far_first=False)
        loose[1] = _with_diamonds(graph, values, 1, far_first=True)
    for operation in rng.permutation(["multiply", "add", "multiply", "exp", "negate", "negate"]):
        n_parents = 2 if operation in {"multiply", "add"} else 1
        parents = [loose.pop(int(rng.integers(len(loose)))) for _ in range(n_parents)]
        loose.append(_joined(graph, values, str(operation), *parents))
    return graph, values


def chain_cases(rng: np.random.Generator) -> Case:
    """Draw a tree: every node is read once."""
    graph, values = _expression(shared=False, rng=rng)
    return Case({"graph": graph, "values": np.array(values)})


def shared_cases(rng: np.random.Generator) -> Case:
    """Draw a graph with shared nodes, numbered in topological order."""
    graph, values = _expression(shared=True, rng=rng)
    return Case({"graph": graph, "values": np.array(values)})


def shuffled_cases(rng: np.random.Generator) -> Case:
    """Draw a graph with shared nodes and a ladder, numbered at random."""
    graph, values = _expression(shared=True, rng=rng)
    _with_ladder(graph, values, len(graph) - 1)
    new = rng.permutation(len(graph)).tolist()  # new[i] is the new number of node i
    shuffled: list[list[Any]] = [[] for _ in graph]
    moved = np.zeros(len(graph))
    for i, (operation, parents) in enumerate(graph):
        shuffled[new[i]] = [operation, [new[p] for p in parents]]
        moved[new[i]] = values[i]
    return Case({"graph": shuffled, "values": moved})


# f = exp(x0 · x1) + (−x2) at x = (½, 2 ln 2, 1): the exponent is ln 2, its exp is 2.
_LN2 = float(np.log(2))
CHAIN_HAND = HandCase(
    {
        "graph": [
            ["input", []],
            ["input", []],
            ["input", []],
            ["multiply", [0, 1]],
            ["exp", [3]],
            ["negate", [2]],
            ["add", [4, 5]],
        ],
        "values": np.array([0.5, 2 * _LN2, 1.0, _LN2, 2.0, -1.0, 1.0]),
    },
    {"gradient": np.array([4 * _LN2, 1.0, -1.0, 2.0, 1.0, 1.0, 1.0])},
)

# f = 2 · 3^4 at x = 3 from s = x², t = −s, r = s t = −x⁴, f = y r with y = −2: df/dx = 8 x³.
SHARED_HAND = HandCase(
    {
        "graph": [
            ["input", []],
            ["input", []],
            ["multiply", [0, 0]],
            ["negate", [2]],
            ["multiply", [2, 3]],
            ["multiply", [1, 4]],
        ],
        "values": np.array([3.0, -2.0, 9.0, -9.0, -81.0, 162.0]),
    },
    {"gradient": np.array([216.0, -81.0, 36.0, -18.0, -2.0, 1.0])},
)

# The same expression; the output is node 2, x is node 4, y is node 5.
SHUFFLED_HAND = HandCase(
    {
        "graph": [
            ["multiply", [4, 4]],
            ["multiply", [0, 3]],
            ["multiply", [5, 1]],
            ["negate", [0]],
            ["input", []],
            ["input", []],
        ],
        "values": np.array([9.0, -81.0, 162.0, -9.0, 3.0, -2.0]),
    },
    {"gradient": np.array([36.0, -2.0, 1.0, -18.0, 216.0, -81.0])},
)
