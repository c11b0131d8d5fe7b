"""Hand in a notebook of 25 MB, and one of 500 MB."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook


def edit(notebook: Notebook) -> None:
    notebook["cells"][0]["source"] = "x" * 25_000_000


ATTACK = Attack(
    tries="hands in a notebook of 25 MB (and of 500 MB)",
    aims=("batch", "host"),
    edit=edit,
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    at_most={"predict_shapes": 4.0},
    statuses=("invalid_submission",),
)


def test_a_huge_notebook_is_not_read(arena: Arena) -> None:
    arena.withstands(ATTACK)


def test_a_file_of_500_megabytes_is_not_read(arena: Arena) -> None:
    """A file with a hole: it takes no disk, but would take memory."""
    path = arena.dropped(ATTACK)
    with path.open("r+b") as file:
        file.truncate(500_000_000)

    arena.grades_what_was_dropped(ATTACK)
