"""Run commands of the shell through the notebook's own syntax."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="runs shell commands by !, %%bash and get_ipython().system",
    aims=("host", "secrets"),
    added=(
        "!touch @MARKER@ && cat @SECRET@\n",
        "%%bash\ntouch @MARKER@\ncat @SECRET@\n",
        "%run @SECRET@\n",
        "get_ipython().system('touch ' + @MARKER@)\n",
        "import subprocess\nprint(subprocess.run(['touch', @MARKER@], check=False))\n",
        "import os\nos.system('touch ' + @MARKER@ + '; cat ' + @SECRET@)\n",
    ),
)


def test_commands_of_the_shell_do_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
