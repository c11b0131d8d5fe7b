"""Known wrong answers to `backward_graph`."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from typing import Any

import numpy as np

from grading.exercises._declaration import Misconception


def _overwrites_instead_of_adds(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
            gradient[p] = gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _list_order_taken_as_topological(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    gradient = np.zeros(len(graph))
    gradient[-1] = 1.0
    for i in reversed(range(len(graph))):
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
    return gradient


def _breadth_first(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    read = {p for _, parents in graph for p in parents}
    queue = [i for i in range(len(graph)) if i not in read]
    reached = set(queue)
    gradient = np.zeros(len(graph))
    gradient[queue[0]] = 1.0
    while queue:
        i = queue.pop(0)
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
            if p not in reached:
                reached.add(p)
                queue.append(p)
    return gradient


def _each_node_visited_once(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
    read = {p for _, parents in graph for p in parents}
    gradient = np.zeros(len(graph))
    visited: set[int] = set()

    def visit(i: int) -> None:
        visited.add(i)
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
            if p not in visited:
                visit(p)

    output = next(i for i in range(len(graph)) if i not in read)
    gradient[output] = 1.0
    visit(output)
    return gradient


def _multiply_by_own_value(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
                local = values[parents[position]]
            elif operation == "exp":
                local = values[i]
            elif operation == "negate":
                local = -1.0
            gradient[p] += gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _upstream_missing(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
            gradient[p] += local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _last_parent_only(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
            if p == parents[-1]:
                gradient[p] = gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _exp_slope_from_its_input(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
                local = values[p]
            elif operation == "negate":
                local = -1.0
            gradient[p] += gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


def _exp_taken_twice(graph: "list[list[Any]]", values: np.ndarray) -> np.ndarray:
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
                local = np.exp(values[i])
            elif operation == "negate":
                local = -1.0
            gradient[p] += gradient[i] * local
            n_readers[p] -= 1
            if n_readers[p] == 0:
                ready.append(p)
    return gradient


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "overwrites_instead_of_adds",
        _overwrites_instead_of_adds,
        ("shared", "shuffled"),
        "A node that is read twice keeps only the last contribution. If x moves, the output "
        "changes along every path that starts at x. What do you do with several contributions?",
    ),
    Misconception(
        "list_order_taken_as_topological",
        _list_order_taken_as_topological,
        ("shuffled",),
        "You walk the list from its end. The numbers of the nodes promise nothing about their "
        "order. When is the gradient of a node complete, so that it may be passed on?",
    ),
    Misconception(
        "breadth_first",
        _breadth_first,
        ("shared", "shuffled"),
        "You go level by level from the output, and pass a node's gradient on when it is first "
        "reached. A longer path may still bring more. How many readers of the node are done?",
    ),
    Misconception(
        "each_node_visited_once",
        _each_node_visited_once,
        ("shared", "shuffled"),
        "You follow one path to its end and never come back to a visited node. What a "
        "second path adds later goes no further. Who must be finished before a node may pass "
        "on?",
    ),
    Misconception(
        "multiply_by_own_value",
        _multiply_by_own_value,
        ("chain", "shared", "shuffled"),
        "At a product each factor gets its own value as slope. If u rises by 1, u·v rises by "
        "v. Whose value does the gradient of u need?",
    ),
    Misconception(
        "upstream_missing",
        _upstream_missing,
        ("chain", "shared", "shuffled"),
        "Each node receives the local slope alone. The chain rule multiplies it with the "
        "gradient of the node that was computed from it. Which number of `gradient` is that?",
    ),
    Misconception(
        "last_parent_only",
        _last_parent_only,
        ("chain", "shared", "shuffled"),
        "Only the last parent of a node receives a gradient. A sum or a product depends on "
        "both of its parents. Does your inner loop reach every one?",
    ),
    Misconception(
        "exp_slope_from_its_input",
        _exp_slope_from_its_input,
        ("chain", "shared", "shuffled"),
        "The slope of exp(u) is taken to be u. The exponential is its own derivative. Which "
        "entry of `values` already holds exp(u)?",
    ),
    Misconception(
        "exp_taken_twice",
        _exp_taken_twice,
        ("chain", "shared", "shuffled"),
        "At an exp node the slope is exp of the node's own value. That value is an exp already: "
        "the slope of exp(u) is exp(u). Which entry of `values` holds it?",
    ),
)
