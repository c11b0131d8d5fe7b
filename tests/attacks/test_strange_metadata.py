"""Put values of the wrong type wherever a notebook has a place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded

NOTHING = {"mean_squared_error": 0.0, "predict_shapes": 0.0}


def setting(*path: Any, to: Any) -> Any:
    def edit(notebook: Notebook) -> None:
        place: Any = notebook
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return edit


def answer_metadata(key: str, to: Any) -> Any:
    def edit(notebook: Notebook) -> None:
        graded(notebook, "mean_squared_error")["metadata"]["nbgrader"][key] = to

    return edit


EDITS = {
    "cells is a dict": setting("cells", to={}),
    "cells is a number": setting("cells", to=5),
    "a cell is a number": setting("cells", 0, to=5),
    "a cell is null": setting("cells", 0, to=None),
    "no source": setting("cells", 0, "source", to=None),
    "source is a number": setting("cells", 0, "source", to=5),
    "source is a nested list": setting("cells", 0, "source", to=[["a"], 5]),
    "source is a dict": setting("cells", 0, "source", to={"a": 1}),
    "cell type is a list": setting("cells", 0, "cell_type", to=[]),
    "cell type is new": setting("cells", 0, "cell_type", to="heading"),
    "metadata is null": setting("cells", 0, "metadata", to=None),
    "metadata is text": setting("cells", 0, "metadata", to="x"),
    "tags are a number": setting("cells", 0, "metadata", to={"tags": 5}),
    "tags are dicts": setting("cells", 0, "metadata", to={"tags": [{}, [], None]}),
    "nbgrader is a list": setting("cells", 0, "metadata", to={"nbgrader": [1]}),
    "grade_id is a list": answer_metadata("grade_id", ["a"]),
    "grade_id is a path": answer_metadata("grade_id", "../../../etc/passwd"),
    "points are text": answer_metadata("points", "many"),
    "points are infinite": answer_metadata("points", float("inf")),
    "schema is of the future": answer_metadata("schema_version", 10**30),
    "ids are numbers": setting("cells", 0, "id", to=7),
    "ids are missing": setting("cells", 0, "id", to=None),
    "attachments are code": setting("cells", 0, "attachments", to={"a": {"text/html": "<script>"}}),
    "outputs are a number": setting("cells", 1, "outputs", to=5),
    "notebook metadata is a list": setting("metadata", to=[]),
    "kernelspec is a number": setting("metadata", "kernelspec", to=5),
    "nbformat is text": setting("nbformat", to="4"),
    "nbformat is true": setting("nbformat", to=True),
    "nbformat is huge": setting("nbformat", to=10**40),
    "minor version is of the future": setting("nbformat_minor", to=10**6),
}


ATTACK = Attack(
    tries="puts values of wrong types into cells and metadata",
    aims=("batch", "grade"),
    edit=EDITS["nbgrader is a list"],
)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_strange_notebook_stops_nobody(arena: Arena, edit: Any) -> None:
    """Whether it can be read or not: nothing is earned, and nobody else notices."""
    attack = Attack(tries="", aims=("batch", "grade"), edit=edit, points=NOTHING)

    arena.withstands(attack, at_most={"mean_squared_error": 0.0, "predict_shapes": 4.0})
