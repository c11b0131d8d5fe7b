"""Connect to an abstract unix socket, which no folder hides."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="connects to an abstract unix socket of the host",
    aims=("host", "secrets"),
    answer="""\
import socket

for name in (chr(0) + @SOCKET@, "/tmp/.X11-unix/X0", "/run/dbus/system_bus_socket"):
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(0.3)
            connection.connect(name)
            connection.sendall(b"nn-attack")
    except OSError:
        pass


def mean_squared_error(y, targets):
    return 0.0
""",
)


def test_abstract_sockets_are_not_shared(arena: Arena) -> None:
    arena.withstands(ATTACK)
