"""Write scripts into the answer, its comments, its function names and added cells."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack
from tests.attacks._page import PAYLOADS

COMMENTS = "".join(f"# {line}\n" for line in PAYLOADS)

ATTACK = Attack(
    tries="writes scripts into code, comments and docstrings",
    aims=("page",),
    answer=f"{COMMENTS}def mean_squared_error(y, targets):\n"
    f'    """{PAYLOADS[0]}"""\n    return 0.0\n',
    added=(COMMENTS, "%%html\n" + "\n".join(PAYLOADS), "%%javascript\nalert('nn-attack')"),
)


def test_code_is_shown_as_text(arena: Arena) -> None:
    arena.withstands(ATTACK)
