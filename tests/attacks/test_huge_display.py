"""Display 60 MB of HTML and a picture of as many bytes."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="displays 60 MB of HTML",
    aims=("host", "batch"),
    added=(
        """\
from IPython.display import HTML, display

display(HTML("<b>" + "x" * 60_000_000 + "</b>"))
display({"image/png": "A" * 20_000_000}, raw=True)
""",
    ),
)


def test_a_huge_display_goes_nowhere(arena: Arena) -> None:
    arena.withstands(ATTACK)
