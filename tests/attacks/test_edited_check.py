"""Edit the locked check cell, so that it returns full points."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    graded(notebook, "check_mean_squared_error")["source"] = "3.0"


ATTACK = Attack(tries="edits the locked test cell into 3.0", edit=edit)


def test_an_edited_check_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
