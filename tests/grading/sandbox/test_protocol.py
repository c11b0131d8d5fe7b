"""Frames from a submission that does not keep to the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from grading.probes import Call, Reference, observation_from, probe_fields
from grading.sandbox import Run, RunEndedError, Sandboxes
from tests.grading.sandbox.conftest import SMALL, cell, told

pytestmark = pytest.mark.sandbox

TOOLS = "import os, struct, json, threading, time, sys\nfrom grading.probes import encode\n"


def ending(run: Run, source: str, within_s: float = 10.0) -> str:
    with pytest.raises(RunEndedError) as ended:
        cell(run, TOOLS + source, within_s)
    return ended.value.reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("os.write(3, b'not a frame at all')", "protocol"),
        ("os.write(3, struct.pack('>II', 2**31, 0))", "protocol"),
        ("os.write(3, struct.pack('>II', 2, 2**31) + b'{}')", "flood"),
        ("os.write(3, struct.pack('>II', 3, 0) + b'{}}')", "protocol"),
        ("os.write(3, struct.pack('>II', 2, 0) + b'{}')", "protocol"),
        ("os.write(3, encode({'nonce': 'guessed', 'error': None}))", "protocol"),
        ("os.write(3, encode({'nonce': None, 'error': None}))", "protocol"),
        ("os.write(3, encode({'error': None}) * 3)", "protocol"),
        ("os.write(3, b'[' * 4096)", "protocol"),
        ("while True: os.write(3, bytes([0, 0, 0, 255]) * 20000)", "protocol"),
        (
            "os.write(3, struct.pack('>II', 2, 2**22))\nwhile True: os.write(3, b'x' * 65536)",
            "flood",
        ),
        ("os.write(3, struct.pack('>II', 100, 0))\ntime.sleep(60)", "timeout"),
    ],
    ids=["noise", "huge_header", "huge_body", "bad_json", "no_nonce", "wrong_nonce", "null_nonce",
         "many", "brackets", "flood_of_noise", "flood_of_body", "half_a_frame"],
)  # fmt: skip
def test_a_cell_that_writes_frames_ends_the_run(run: Run, source: str, reason: str) -> None:
    assert ending(run, source, within_s=1.5) == reason


def test_late_frames_of_a_thread_are_not_the_next_answer(run: Run) -> None:
    source = (
        "def late():\n    time.sleep(0.1)\n"
        "    os.write(3, encode({'nonce': 'x', 'error': None}))\n"
        "threading.Thread(target=late).start()"
    )
    assert cell(run, TOOLS + source) is None

    assert ending(run, "time.sleep(0.5)") == "protocol"


def test_frames_that_came_before_the_next_request_end_the_run(run: Run) -> None:
    source = (
        "def late():\n    time.sleep(0.05)\n    os.write(3, b'early')\n"
        "threading.Thread(target=late).start()"
    )
    assert cell(run, TOOLS + source) is None
    import time

    time.sleep(0.3)
    assert ending(run, "x = 1") == "protocol"


def test_a_flood_over_many_answers_is_added_up(sandboxes: Sandboxes) -> None:
    with sandboxes.take(["numpy"], SMALL) as run:
        assert cell(run, "import numpy as np\ndef look(): return np.ones(100_000)") is None
        probe = Call(("y",))
        request = {"do": "observe", "exercise": "look", "probe": probe_fields(probe), "inputs": {}}
        for _ in range(5):
            run.ask(request, 10)
        with pytest.raises(RunEndedError) as ended:
            run.ask(request, 10)

    assert ended.value.reason == "flood"


def test_a_result_too_large_for_a_frame_is_a_problem_not_an_end(run: Run) -> None:
    source = "def look(): return ['x' * 1_000_000] * 3"
    assert cell(run, source) is None
    probe = Call(("y",))
    request = {"do": "observe", "exercise": "look", "probe": probe_fields(probe), "inputs": {}}

    problem = observation_from(run.ask(request, 10)["observation"], probe, {}).problem

    assert problem is not None
    assert "larger than what can be looked at" in problem.detail
    assert told(run, "1", "") == 1


def test_calls_that_nobody_answers_end_the_run(run: Run) -> None:
    source = (
        "nonce = sys._getframe  # any frame with a call will do\n"
        "import gc\nfrom grading.probes._driver import Channel\n"
        "[channel] = [x for x in gc.get_objects() if isinstance(x, Channel)]\n"
        "channel.send({'call': 'f', 'arguments': []})"
    )

    assert ending(run, source) == "protocol"


def test_functions_that_stay_outside_are_answered_and_capped(run: Run) -> None:
    calls: list[list[Any]] = []

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        calls.append(call["arguments"])
        if len(calls) > 3:
            return {"raises": ["RuntimeError", "called more than 3 times"]}
        return {"result": 2 * call["arguments"][0]}

    source = "def look(f):\n    n = 0\n    while True:\n        n += f(n)"
    assert cell(run, source) is None
    probe = Call(("y",))
    inputs = {"f": Reference("f")}
    request = {"do": "observe", "exercise": "look", "probe": probe_fields(probe), "inputs": inputs}

    seen = observation_from(run.ask(request, 10, answer)["observation"], probe, inputs)

    assert seen.problem is not None
    assert (seen.problem.type_name, seen.problem.detail) == (
        "RuntimeError",
        "called more than 3 times",
    )
    assert calls == [[0], [0], [0], [0]]


def test_an_error_of_who_answers_ends_the_run_and_is_seen(run: Run) -> None:
    assert cell(run, "def look(f): return f(1)") is None
    inputs = {"f": Reference("f")}
    fields = probe_fields(Call(("y",)))
    request = {"do": "observe", "exercise": "look", "probe": fields, "inputs": inputs}

    with pytest.raises(ZeroDivisionError):
        run.ask(request, 10, lambda _: {"result": 1 / 0})

    with pytest.raises(RunEndedError):
        run.ask(request, 10)
