"""Hand in under names that are markup: the file, cell ids, tags, the kernel."""

from __future__ import annotations

from collections.abc import Mapping

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded

PAYLOAD = "<img src=x onerror=alert('nn-attack')>"


def edit(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": PAYLOAD, "display_name": PAYLOAD}
    notebook["metadata"]["title"] = PAYLOAD
    notebook["metadata"]["authors"] = [{"name": PAYLOAD}]
    for cell in notebook["cells"][:3]:
        cell["metadata"]["tags"] = [PAYLOAD]
        cell["metadata"]["name"] = PAYLOAD
    graded(notebook, "mean_squared_error")["id"] = '"><script>alert(1)</script>'
    notebook["cells"][0]["metadata"]["nbgrader"] = {
        "grade_id": PAYLOAD, "grade": True, "solution": False, "points": 1, "locked": True,
        "schema_version": 3, "task": False, "cell_type": "markdown",
    }  # fmt: skip


def pack(text: bytes, slug: str) -> Mapping[str, bytes]:
    return {f"{slug}.ipynb": text, "<img src=x onerror=alert(1)>.txt": b"x"}


ATTACK = Attack(
    tries="uses markup in file names, cell ids, tags, grade ids and the kernel's name",
    aims=("page", "batch"),
    edit=edit,
    pack=pack,
)


def test_a_name_is_no_markup(arena: Arena) -> None:
    arena.withstands(ATTACK)
