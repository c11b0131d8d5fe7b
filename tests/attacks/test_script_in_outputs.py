"""Hand in outputs that run scripts in the browser of whoever looks at them."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded
from tests.attacks._page import PAYLOADS


def edit(notebook: Notebook) -> None:
    data = {
        "text/html": PAYLOADS,
        "application/javascript": ["alert('nn-attack')"],
        "image/svg+xml": ["<svg onload=\"alert('nn-attack')\"></svg>"],
        "text/markdown": PAYLOADS,
        "text/latex": ["\\href{javascript:alert(1)}{x}"],
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
    }
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output]
    graded(notebook, "check_mean_squared_error")["outputs"] = [
        {"output_type": "execute_result", "execution_count": 1, "metadata": {},
         "data": {"text/plain": ["3.0"], "text/html": PAYLOADS}}
    ]  # fmt: skip


ATTACK = Attack(
    tries="hands in outputs with scripts, and displays some while it runs",
    aims=("page", "grade"),
    edit=edit,
    answer="""\
payload = "<script>alert('nn-attack')</script><img src=x onerror=alert('nn-attack')>"


def mean_squared_error(y, targets):
    try:
        from IPython.display import HTML, Javascript, display

        display(HTML(payload), Javascript("alert('nn-attack')"))
    except ImportError:
        pass
    print(payload)
    return payload
""",
)


def test_no_output_of_a_learner_reaches_a_page(arena: Arena) -> None:
    arena.withstands(ATTACK)
