"""Connect to whoever listens on this machine, and to the world."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="connects to a port of the host, over TCP and UDP",
    aims=("host", "secrets"),
    answer="""\
import socket

for family, kind, address in [
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", @PORT@)),
    (socket.AF_INET, socket.SOCK_STREAM, ("localhost", @PORT@)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", @PORT@)),
    (socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)),
]:
    try:
        with socket.socket(family, kind) as connection:
            connection.settimeout(0.3)
            connection.connect(address)
            connection.sendall(b"nn-attack")
    except OSError:
        pass


def mean_squared_error(y, targets):
    return 0.0
""",
)


def test_there_is_no_network(arena: Arena) -> None:
    arena.withstands(ATTACK)
