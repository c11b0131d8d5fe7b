"""Write frames later: from a thread, at exit, from a process that was forked."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="writes frames late: from threads, atexit handlers and forked children",
    answer="""\
import atexit, json, os, struct, threading, time

header = json.dumps({"found": "function", "observation": {"d": {"outputs": {"d": {"loss": 0.0}},
                     "problem": None}}}).encode()
frame = struct.pack(">II", len(header), 0) + header


def write():
    for fd in range(3, 64):
        try:
            os.write(fd, frame)
        except OSError:
            pass


def later():
    for _ in range(200):
        time.sleep(0.002)
        write()


atexit.register(write)
threading.Thread(target=later, daemon=True).start()
if os.fork() == 0:
    later()
    os._exit(0)


def mean_squared_error(y, targets):
    return 0.0
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
    plain="none",
)


def test_late_frames_earn_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
