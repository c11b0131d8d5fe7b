"""Backpropagation through any graph of operations, not only a stack of layers."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from typing import Any

import numpy as np

from grading.exercises._declaration import Criterion, Exercise, Hint
from grading.exercises.u01_backpropagation.graph_cases import (
    CHAIN_HAND,
    SHARED_HAND,
    SHUFFLED_HAND,
    chain_cases,
    shared_cases,
    shuffled_cases,
)
from grading.exercises.u01_backpropagation.graph_mistakes import MISCONCEPTIONS
from grading.probes import Call


def backward_graph(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    """Return the gradient (n,) of the output at each node [operation, parents] of the graph."""
    n_readers = [0] * len(graph)
    for _, parents in graph:
        for p in parents:
            n_readers[p] += 1
    gradient = np.zeros(len(graph))
    ready = [n_readers.index(0)]
    gradient[ready[0]] = 1.0
    while ready:
        i = ready.pop()
        operation, parents = graph[i]
        for position, p in enumerate(parents):
            local = 1.0
            if operation == "multiply":
                local = values[parents[1 - position]]
            elif operation == "exp":
                local = values[i]
            elif operation == "negate":
                local = -1.0
            gradient[p] += gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _sorted_first(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    order: list[int] = []
    while len(order) < len(graph):
        for i, (_, parents) in enumerate(graph):
            if i not in order and all(p in order for p in parents):
                order.append(i)
    gradient = np.zeros(len(graph))
    gradient[order[-1]] = 1.0
    for i in reversed(order):
        operation, parents = graph[i]
        if operation == "add":
            gradient[parents[0]] += gradient[i]
            gradient[parents[1]] += gradient[i]
        elif operation == "multiply":
            gradient[parents[0]] += gradient[i] * values[parents[1]]
            gradient[parents[1]] += gradient[i] * values[parents[0]]
        elif operation == "exp":
            gradient[parents[0]] += gradient[i] * np.exp(values[parents[0]])
        elif operation == "negate":
            gradient[parents[0]] -= gradient[i]
    return gradient


def _linear_equations(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    n = len(graph)
    local = np.zeros((n, n))  # local[p, i] is the derivative of node i with respect to parent p
    is_output = np.ones(n)
    for i, (operation, parents) in enumerate(graph):
        for position, p in enumerate(parents):
            is_output[p] = 0.0
            if operation == "multiply":
                local[p, i] += values[parents[1 - position]]
            else:
                local[p, i] += {"add": 1.0, "negate": -1.0, "exp": values[i]}[operation]
    return np.linalg.solve(np.eye(n) - local, is_output)


BACKWARD_GRAPH = Exercise(
    id="backward_graph",
    unit="01",
    tier="further",
    title="Backpropagation through any graph",
    minutes=25,
    difficulty=5,
    probe=Call(returns=("gradient",)),
    cases=chain_cases,
    criteria=(
        Criterion("chain", 1, ("gradient",), CHAIN_HAND),
        Criterion("shared", 2, ("gradient",), SHARED_HAND, draw=shared_cases),
        Criterion("shuffled", 1, ("gradient",), SHUFFLED_HAND, draw=shuffled_cases),
    ),
    reference=backward_graph,
    alternatives=(_sorted_first, _linear_equations),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "The output has gradient 1. A node that is complete hands to each parent: its own "
            "gradient times the local slope. For add the slope is 1, for negate −1, for exp the "
            "node's value, for multiply the value of the other factor.",
            ("chain",),
        ),
        Hint(
            "A node that is read twice is wrong",
            "Two rules. Contributions add up, also in x·x, where one node is both parents. And a "
            "node may pass its gradient on only when all its readers have given theirs.",
            ("shared",),
        ),
        Hint(
            "It fails when the nodes are shuffled, or does not come to an end there",
            "These graphs hold 30 diamonds in a row, so 2³⁰ paths: a function that calls itself "
            "for every path takes minutes. Pass each node on once. Count how often it is read; "
            "start with the node that is read 0 times. Take a ready node; for each of its parents: "
            "add the contribution, lower the count; when the count is …, the parent is ready too.",
            ("shuffled",),
            ("problem", "unreached", "shape", "finite", "value"),
        ),
    ),
    solution_note=(
        "Write ḡ_i for ∂output/∂node i. The chain rule over all readers r of node i:\n"
        "    ḡ_output = 1,      ḡ_i = Σ_r ḡ_r · ∂r/∂i      (r counts once each time it reads i)\n"
        "    ∂r/∂i:  add 1,  negate −1,  exp its own value,  multiply the other factor's value\n"
        "The sum is complete when all readers are, so the nodes are taken in reverse topological\n"
        "order. Counting readers finds such an order on the way: begin with the output, and\n"
        "release a node when its count falls to 0. Each edge is used once, so the cost is that of\n"
        "the forward pass; following every path instead would double it at every diamond."
    ),
)
