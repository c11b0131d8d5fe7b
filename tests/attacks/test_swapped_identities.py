"""Give an easy cell the name of a hard one: an answer handed in under another grade_id."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    shapes = graded(notebook, "check_predict_shapes")["metadata"]["nbgrader"]
    error = graded(notebook, "check_mean_squared_error")["metadata"]["nbgrader"]
    shapes["grade_id"], error["grade_id"] = error["grade_id"], shapes["grade_id"]
    notebook["cells"][0]["metadata"]["nbgrader"] = dict(error, grade_id="check_bonus", points=99.0)


ATTACK = Attack(
    tries="swaps the names of two test cells and adds a graded cell of its own", edit=edit
)


def test_names_belong_to_the_release(arena: Arena) -> None:
    arena.withstands(ATTACK)
