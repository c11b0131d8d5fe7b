"""Keep what the driver has sent, and send it again in place of the next answer."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="replays earlier frames of the driver, with their old nonces",
    answer="""\
import gc, io, os, socket, sys

sent = []


def doubled(write):
    def wrapper(*arguments):
        sent.append(arguments)
        for old in sent[-3:]:
            try:
                write(*old)
            except Exception:
                pass
        return write(*arguments)

    return wrapper


for name in ("write", "writev", "sendfile"):
    setattr(os, name, doubled(getattr(os, name)))
for name, module in list(sys.modules.items()):
    if name.startswith("grading"):
        for attribute in list(vars(module)):
            if any(word in attribute.lower() for word in ("send", "write", "reply")):
                try:
                    setattr(module, attribute, doubled(getattr(module, attribute)))
                except Exception:
                    pass


def mean_squared_error(y, targets):
    return 0.0
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    plain="none",
)


def test_replayed_frames_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
