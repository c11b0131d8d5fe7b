"""Raise the points of the cells in their metadata."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    graded(notebook, "check_mean_squared_error")["metadata"]["nbgrader"]["points"] = 300.0
    graded(notebook, "check_predict_shapes")["metadata"]["nbgrader"]["points"] = 1e308


ATTACK = Attack(tries="raises the points of the test cells", edit=edit)


def test_changed_points_change_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
