"""The driver: cells and probes of a submission, in this process."""

from __future__ import annotations

import inspect
import linecache
import os
import sys
from typing import Any

import numpy as np
import pytest

from grading.probes import Call, Iterate, Methods, Opaque, Reference, WireError, probe_fields
from grading.probes._driver import Channel, Driver, crossing, is_final
from grading.probes._wire import encode


def never(_: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError


@pytest.fixture
def driver() -> Driver:
    return Driver(never)


def run(driver: Driver, source: str) -> Any:
    return driver.handle({"do": "cell", "name": "c", "source": source})["error"]


def observe(driver: Driver, name: str, probe: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    request = {"do": "observe", "exercise": name, "probe": probe_fields(probe), "inputs": inputs}
    return driver.handle({**request, "wants_class": isinstance(probe, Methods)})


def test_cells_share_one_namespace(driver: Driver) -> None:
    assert run(driver, "import numpy as np\nx = 2") is None
    assert run(driver, "def double(a): return x * np.asarray(a)") is None

    reply = observe(driver, "double", Call(("y",)), {"a": 4.0})

    assert reply["found"] == "yes"
    assert reply["observation"]["outputs"] == {"y": 8.0}


@pytest.mark.parametrize(
    ("source", "type_name", "line"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError", 2),
        ("def f():\n    return f()\nf()", "RecursionError", 2),
        ("x = (", "SyntaxError", 1),
        ("if x:\ny", "IndentationError", 2),
        ("raise SystemExit(3)", "SystemExit", 1),
        ("exit()", "RuntimeError", 1),
        ("\nraise KeyboardInterrupt", "KeyboardInterrupt", 2),
        ("input()", "EOFError", 1),
        ("x = '\0'", "SyntaxError", None),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E", 3),
        ("raise BaseException", "BaseException", 1),
        ("raise ExceptionGroup('g', [ValueError()])", "ExceptionGroup", 1),
    ],
)
def test_an_error_is_told_with_its_line(
    driver: Driver, source: str, type_name: str, line: int | None
) -> None:
    error = run(driver, source)

    assert error is not None
    assert error["type"] == type_name
    if line is not None and type_name != "RuntimeError":
        assert error["line"] == line
    assert len(error["message"]) <= 300


def test_an_error_with_a_forged_name_stays_a_text(driver: Driver) -> None:
    error = run(driver, "E = type('E' * 9_000, (Exception,), {})\nraise E('m' * 100_000)")

    assert error is not None
    assert len(error["type"]) <= 100
    assert len(error["message"]) <= 300


def test_what_was_defined_before_an_error_stays(driver: Driver) -> None:
    run(driver, "def f(): return 1\n1 / 0")

    assert observe(driver, "f", Call(("y",)), {})["observation"]["outputs"] == {"y": 1}


@pytest.mark.parametrize(
    ("source", "probe", "found"),
    [
        ("", Call(("y",)), "missing"),
        ("f = 3", Call(("y",)), "not_callable"),
        ("class f: pass", Call(("y",)), "class"),
        ("def f(): pass", Methods(), "function"),
        ("class f: pass", Iterate(), "class"),
        ("class M(type): pass\nclass f(metaclass=M): pass", Call(("y",)), "class"),
        ("class L:\n    __class__ = type\n    def __call__(self): return 1\nf = L()",
         Call(("y",)), "yes"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_name_is_told(
    driver: Driver, source: str, probe: Any, found: str
) -> None:
    run(driver, source)

    assert observe(driver, "f", probe, {})["found"] == found


def test_a_problem_names_the_line_of_the_cell(driver: Driver) -> None:
    run(driver, "import numpy as np\ndef f(a):\n    return a @ np.zeros(5)")

    problem = observe(driver, "f", Call(("y",)), {"a": np.zeros(3)})["observation"]["problem"]

    assert problem[0] == "error"
    assert problem[3:5] == [3, "return a @ np.zeros(5)"]
    assert problem[6] == (("a", (3,)),)


def test_sources_of_cells_can_be_looked_up(driver: Driver) -> None:
    run(driver, "def f():\n    return 1")
    linecache.checkcache()

    assert inspect.getsource(driver.namespace["f"]) == "def f():\n    return 1"


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ("get_ipython().run_line_magic('matplotlib', 'inline')\nx = 1", 1),
        ("get_ipython().run_cell_magic('time', '', 'x = 2')", 2),
        ("get_ipython().run_cell_magic('capture', 'out', 'x = 3')", 3),
        ("get_ipython().run_cell_magic('bash', '', 'x = 4')", None),
        ("get_ipython().system('ls')\nget_ipython().anything.at.all\nx = 5", None),
        ("display(1, 2)\nx = 6", 6),
    ],
)
def test_magics_do_nothing_but_run_the_body_that_they_time(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, source: str, x: int | None
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", driver._main)

    run(driver, source)

    assert driver.namespace.get("x") == x


def test_a_function_that_stays_outside_is_asked() -> None:
    asked: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        asked.append(message)
        return {"result": np.float64(7.0)}

    driver = Driver(answer)
    run(driver, "def f(g):\n    global kept\n    kept = g\n    return g(1.0, 2)")

    reply = observe(driver, "f", Call(("y",)), {"g": Reference("a name")})

    assert asked == [{"call": "a name", "arguments": [1.0, 2]}]
    assert reply["observation"]["outputs"] == {"y": 7.0}
    run(driver, "def h(): return kept(1)")
    late = observe(driver, "h", Call(("y",)), {})["observation"]["problem"]
    assert late[2] == "RuntimeError"
    assert "only while the exercise" in late[1]


@pytest.mark.parametrize(
    ("type_name", "raised"),
    [("ValueError", "ValueError"), ("SystemExit", "RuntimeError"), ("print", "RuntimeError"),
     ("os.system", "RuntimeError"), ("UnicodeDecodeError", "TypeError")],
)  # fmt: skip
def test_what_it_raises_outside_is_raised_inside(type_name: str, raised: str) -> None:
    driver = Driver(lambda _: {"raises": [type_name, "not so"]})
    run(driver, "def f(g): return g()")

    reply = observe(driver, "f", Call(("y",)), {"g": Reference("g")})

    assert reply["observation"]["problem"][2] == raised


def test_arguments_of_calls_keep_their_kind_where_they_can_cross() -> None:
    class Lying(np.ndarray[Any, Any]):
        def __array_finalize__(self, _: object) -> None:
            return

    array = np.arange(3).view(Lying)

    rebuilt = crossing([array, (1, np.float32(2)), {"a": 1}, 2**2000, np.zeros(1, object), None])

    assert type(rebuilt[0]) is np.ndarray
    assert rebuilt[1] == (1, np.float32(2))
    assert type(rebuilt[1][1]) is np.float32
    assert [type(item) for item in rebuilt[2:]] == [Opaque, Opaque, Opaque, type(None)]


@pytest.mark.parametrize("request_", [{}, {"do": "else"}, {"do": "cell"}, {"do": "observe"}])
def test_an_unknown_request_is_refused(driver: Driver, request_: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        driver.handle(request_)


def test_stopping_a_probe_from_within_stops_nothing_else(driver: Driver) -> None:
    run(driver, "from grading.probes import Stopped\ndef f(): raise Stopped")

    problem = observe(driver, "f", Call(("y",)), {})["observation"]["problem"]

    assert problem[2] == "Stopped"


def test_a_channel_echoes_the_last_nonce() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, encode({"do": "x", "nonce": "abc"}))
    channel = Channel(read_end)

    assert channel.receive() == {"do": "x"}

    os.close(write_end)
    assert channel.receive() is None
    os.close(read_end)
    assert channel._nonce == "abc"


def test_several_inputs_are_answered_up_to_what_was_not_started(driver: Driver) -> None:
    run(driver, "def f(x):\n    if x == 2:\n        raise NotImplementedError\n    return x")
    request = {"do": "observe_each", "exercise": "f", "probe": probe_fields(Call(("y",)))}

    replies = list(driver.replies({**request, "inputs": [{"x": x} for x in (1, 3, 2, 4)]}))

    assert [reply["observation"]["outputs"] for reply in replies] == [{"y": 1}, {"y": 3}, {}]
    assert [is_final(reply) for reply in replies] == [False, False, True]
    with pytest.raises(WireError):
        list(driver.replies({**request, "inputs": {"x": 1}}))
