"""Write scripts into markdown: as HTML, as links, in raw cells, in the text of the course."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, markdown_cell
from tests.attacks._page import PAYLOADS

MARKDOWN = [
    *PAYLOADS,
    "[click](javascript:alert('nn-attack'))",
    "![x](javascript:alert('nn-attack'))",
    "![x](https://attacker.example/pixel.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "$\\href{javascript:alert('nn-attack')}{x}$",
    "![a](attachment:a.svg)",
    "```\n</pre><script>alert('nn-attack')</script>\n```",
    "`</code><script>alert('nn-attack')</script>`",
    "a | b\n--|--\n<script>alert('nn-attack')</script> | x",
]


def edit(notebook: Notebook) -> None:
    prose = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    prose[0]["source"] = "\n\n".join(MARKDOWN)
    prose[-1]["attachments"] = {"a.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+"}}
    for i, text in enumerate(MARKDOWN):
        notebook["cells"].insert(2, markdown_cell(text, f"markdown{i}"))
        raw = markdown_cell(text, f"rawcell{i}")
        raw |= {
            "cell_type": "raw",
            "metadata": {"raw_mimetype": "text/html", "format": "text/html"},
        }
        notebook["cells"].insert(2, raw)


ATTACK = Attack(
    tries="writes scripts and javascript: links into markdown and raw cells",
    aims=("page",),
    edit=edit,
)


def test_markdown_of_a_learner_runs_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
