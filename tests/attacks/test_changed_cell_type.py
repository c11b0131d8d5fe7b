"""Turn the test cell into text, and the kernel into another one."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack, Notebook, graded


def edit(notebook: Notebook) -> None:
    cell = graded(notebook, "check_mean_squared_error")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]
    cell["metadata"]["nbgrader"]["cell_type"] = "markdown"
    notebook["metadata"]["kernelspec"] = {
        "name": "bash",
        "display_name": "Bash",
        "language": "bash",
        "metadata": {"kernel_provisioner": {"provisioner_name": "evil"}},
    }


ATTACK = Attack(tries="retypes the test cell as markdown and changes the kernelspec", edit=edit)


def test_a_retyped_check_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
