"""One request with several inputs: replies come one by one, and an end costs only what follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from grading.probes import Call, Reference, observation_from, probe_fields
from grading.sandbox import LocalRun, Run, RunEndedError
from tests.grading.sandbox.conftest import cell, told

pytestmark = pytest.mark.sandbox
PROBE = Call(("y",))
REQUEST = {"do": "observe", "exercise": "look", "probe": probe_fields(PROBE), "wants_class": False}


def nobody(_: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError


def each(
    run: Run, values: list[Any], within_s: float = 10.0, answers: Any = None
) -> Iterator[dict[str, Any]]:
    inputs = [{"x": value} for value in values]
    return run.ask_each(REQUEST, inputs, within_s, answers or [nobody] * len(inputs))


def result(reply: dict[str, Any]) -> Any:
    return observation_from(reply["observation"], PROBE, {"x": 0}).outputs["y"]


def test_one_reply_for_each_input_in_order(run: Run) -> None:
    assert cell(run, "def look(x): return x * x") is None

    assert [result(reply) for reply in each(run, [1, 2, 3])] == [1, 4, 9]
    assert told(run, "5") == 5


def test_same_as_one_request_for_each_input(run: Run) -> None:
    source = "def look(x):\n    if x > 2:\n        raise ValueError(x)\n    return x + 0.5"
    local = LocalRun()
    assert cell(run, source) is None
    assert cell(local, source) is None

    found = list(each(run, [1, 3, 2]))

    assert found == list(each(local, [1, 3, 2]))


def test_a_reply_is_there_before_the_next_case_ends(run: Run) -> None:
    assert cell(run, "import time\ndef look(x):\n    time.sleep(x)\n    return x") is None
    began = time.monotonic()

    replies = each(run, [0, 2])
    assert result(next(replies)) == 0
    first_s = time.monotonic() - began
    assert result(next(replies)) == 2

    assert first_s < 1.0


def test_an_end_comes_after_the_replies_that_were_there(run: Run) -> None:
    source = "import os\ndef look(x):\n    if x == 2:\n        os._exit(0)\n    return x"
    assert cell(run, source) is None
    replies = each(run, [0, 1, 2, 3])

    assert [result(next(replies)), result(next(replies))] == [0, 1]
    with pytest.raises(RunEndedError) as ended:
        next(replies)
    assert ended.value.reason == "exited"


def test_the_time_is_that_of_all_together(run: Run) -> None:
    assert cell(run, "import time\ndef look(x):\n    time.sleep(0.3)\n    return x") is None
    replies = each(run, list(range(20)), within_s=1.0)
    came = []

    with pytest.raises(RunEndedError) as ended:
        came += [result(reply) for reply in replies]
    began = time.monotonic()

    assert ended.value.reason == "timeout"
    assert time.monotonic() - began < 5.0


def test_functions_outside_are_those_of_the_case(run: Run) -> None:
    def answering(n: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda call: {"result": n * call["arguments"][0]}

    assert cell(run, "def look(x): return x(10)") is None
    values = [Reference("x")] * 3

    replies = each(run, values, answers=[answering(n) for n in (1, 2, 3)])

    assert [result(reply) for reply in replies] == [10, 20, 30]


@pytest.mark.parametrize(
    "source", ["look = 3", "def look(x): raise NotImplementedError"], ids=["no function", "stub"]
)
def test_nothing_follows_what_is_not_there_or_not_started(run: Run, source: str) -> None:
    assert cell(run, source) is None

    replies = each(run, [1, 2, 3])
    next(replies)
    del replies

    assert told(run, "7") == 7


def test_whoever_asks_may_stop_only_where_nothing_follows(run: Run) -> None:
    assert cell(run, "def look(x): return x") is None
    next(each(run, [1, 2, 3]))
    time.sleep(0.2)

    with pytest.raises(RunEndedError) as ended:
        cell(run, "x = 1")
    assert ended.value.reason == "protocol"


def test_a_frame_too_many_ends_the_run(run: Run) -> None:
    source = (
        "import gc\nfrom grading.probes._driver import Channel\n"
        "[channel] = [x for x in gc.get_objects() if isinstance(x, Channel)]\n"
        "def look(x):\n"
        "    if x == 2:\n"
        "        channel.send({'found': 'missing'})\n"
        "    return x"
    )
    assert cell(run, source) is None

    def go_on() -> None:
        for _ in each(run, [1, 2]):
            time.sleep(0.1)
        cell(run, "x = 1")

    with pytest.raises(RunEndedError) as ended:
        go_on()
    assert ended.value.reason == "protocol"


def test_memory_is_watched_while_whoever_asks_is_busy(run: Run) -> None:
    source = (
        "import time\nkept = []\ndef look(x):\n    if x == 2:\n"
        "        kept.append(bytearray(400_000_000))\n        time.sleep(5)\n    return x"
    )
    assert cell(run, source) is None
    replies = each(run, [1, 2])
    assert result(next(replies)) == 1
    time.sleep(1.0)

    with pytest.raises(RunEndedError) as ended:
        next(replies)
    assert ended.value.reason == "memory"


def test_what_is_too_large_for_one_request_goes_in_several(run: Run) -> None:
    assert cell(run, "def look(x): return float(x.sum())") is None
    block = np.ones(3_000_000)  # 24 MB each; a frame takes 64

    replies = [result(reply) for reply in each(run, [block, 2 * block, 3 * block])]

    assert replies == [3e6, 6e6, 9e6]


def test_replies_that_are_there_count_however_late_they_are_read(run: Run) -> None:
    assert cell(run, "def look(x): return x") is None
    replies = each(run, [1, 2, 3], within_s=0.8)
    time.sleep(1.0)
    assert result(next(replies)) == 1
    time.sleep(0.2)

    assert [result(reply) for reply in replies] == [2, 3]


def test_time_in_which_nobody_listens_is_not_the_learners(run: Run) -> None:
    """Else whoever asks could spend it on something else, and honest work would be late."""
    assert cell(run, "def look(x): return x(1)") is None
    calls = [Reference("x"), Reference("x")]
    replies = each(run, calls, within_s=0.6, answers=[lambda _: {"result": 7}] * 2)

    time.sleep(0.8)
    assert result(next(replies)) == 7
    time.sleep(0.8)
    assert result(next(replies)) == 7


def test_large_replies_may_wait_for_their_reader(run: Run) -> None:
    source = "import numpy as np\ndef look(x): return np.full(30_000, float(x))"
    assert cell(run, source) is None
    replies = each(run, [1, 2, 3, 4, 5], within_s=1.0)

    time.sleep(1.2)

    assert [result(reply)[0] for reply in replies] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_what_is_not_done_in_time_is_late_however_busy_the_asker_was(run: Run) -> None:
    assert cell(run, "import time\ndef look(x):\n    time.sleep(x)\n    return x") is None
    replies = each(run, [0, 9], within_s=0.5)
    time.sleep(0.7)
    assert result(next(replies)) == 0
    began = time.monotonic()

    with pytest.raises(RunEndedError) as ended:
        next(replies)

    assert ended.value.reason == "timeout"
    assert time.monotonic() - began < 3.0


def test_the_request_is_sent_before_the_first_reply_is_asked_for(run: Run) -> None:
    assert cell(run, "import time\ndef look(x):\n    time.sleep(0.5)\n    return x") is None
    replies = each(run, [1])
    time.sleep(1.0)
    began = time.monotonic()

    assert result(next(replies)) == 1
    assert time.monotonic() - began < 0.4
