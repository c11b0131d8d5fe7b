"""Hand in a symbolic link in place of a file: whoever copies it copies the secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grading.collection import collect
from tests.attacks._arena import ATTACKER, NEIGHBOR, Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="hands in a symbolic link to a secret file beside its notebook",
    aims=("secrets",),
    links={"data.txt": "secret", "more.ipynb": "secret"},
)


def test_a_link_beside_the_notebook_is_not_followed(arena: Arena) -> None:
    arena.withstands(ATTACK)


def symbolic(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def hard(path: Path, secret: Path) -> None:
    os.link(secret, path)


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def socket_file(path: Path, _: Path) -> None:
    os.mknod(path, 0o140600)


def folder(path: Path, _: Path) -> None:
    path.mkdir()
    (path / "inside.ipynb").write_text("{}")


def loop(path: Path, _: Path) -> None:
    path.symlink_to(path)


KINDS = (symbolic, hard, fifo, socket_file, folder, loop)


@pytest.mark.parametrize("make", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_a_notebook_that_is_no_plain_file_is_refused(arena: Arena, make: object) -> None:
    """It would be read in full, or wait for ever; the neighbor's is taken as ever."""
    path = arena.dropped(ATTACK)
    for other in path.parent.iterdir():
        other.unlink()
    make(path, arena.target.secret)  # type: ignore[operator]

    collected = collect([arena.folder / "drop"], arena.classroom)
    taken = {submission.learner.id: submission for submission in collected}

    assert NEIGHBOR in taken
    secret = arena.target.secret.read_bytes()
    files = taken[ATTACKER].files.values() if ATTACKER in taken else ()
    assert all(secret not in content for content in files)


def test_a_linked_folder_is_not_entered(arena: Arena) -> None:
    path = arena.dropped(ATTACK)
    elsewhere = arena.folder / "class"
    for other in path.parent.iterdir():
        other.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(elsewhere)

    taken = [
        submission.learner.id for submission in collect([arena.folder / "drop"], arena.classroom)
    ]

    assert taken == [NEIGHBOR]
