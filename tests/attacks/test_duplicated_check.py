"""Duplicate a locked cell, which is easily done by accident."""

from __future__ import annotations

import copy

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    for name in ("check_mean_squared_error", "predict_shapes", "mean_squared_error"):
        cell = graded(notebook, name)
        again = copy.deepcopy(cell)
        again["id"] = cell["id"][::-1]
        again["source"] = "3.0" if name.startswith("check") else cell["source"]
        notebook["cells"].insert(notebook["cells"].index(cell), again)


ATTACK = Attack(
    tries="duplicates a locked test cell and answers", aims=("grade", "batch"), edit=edit
)


def test_a_duplicated_check_aborts_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
