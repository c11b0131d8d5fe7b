"""Put scripts into everything that a report may quote: messages, type names, prints, signatures."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="puts scripts into error messages, type names, prints and signatures",
    aims=("page",),
    answer="""\
payload = "<script>alert('nn-attack')</script><img src=x onerror=alert('nn-attack')>"
Named = type(payload, (Exception,), {"__module__": payload, "__qualname__": payload})
calls = 0


def mean_squared_error(y, targets):
    global calls
    calls += 1
    print(payload)
    raise Named(payload)  # <script>alert('nn-attack')</script>


def predict_shapes(n, d_in, d_hidden, d_out):
    return [payload] * 7


raise Named(payload)
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
)


def test_what_a_report_quotes_is_text(arena: Arena) -> None:
    arena.withstands(ATTACK)
