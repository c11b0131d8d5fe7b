"""Act when objects die: ``__del__``, weak references, gc callbacks, atexit, exit hooks."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="acts in __del__, gc callbacks, atexit and audit hooks",
    aims=("grade", "host"),
    answer="""\
import atexit, gc, os, sys, weakref


class Last:
    def __del__(self):
        mark("del")
        os._exit(0)

    def __eq__(self, other):
        return True


def mark(what):
    try:
        with open(@MARKER@, "a") as file:
            file.write(what)
    except OSError:
        pass
    try:
        os.write(1, b'{"points": 3.0}')
    except OSError:
        pass


kept = Last()
kept.cycle = kept
weakref.finalize(Last, mark, "finalize")
atexit.register(mark, "atexit")
gc.callbacks.append(lambda phase, info: None)
sys.addaudithook(lambda event, arguments: None)


def mean_squared_error(y, targets):
    return Last()
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
)


def test_last_words_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
