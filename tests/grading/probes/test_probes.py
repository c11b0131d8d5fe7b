"""A probe writes down what happened and lets nothing else through."""

from __future__ import annotations

import ast
import builtins
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import grading.probes
from grading.probes import Call, Iterate, Methods, Opaque, Raises, Stopped


def test_probes_import_numpy_and_the_standard_library_only():
    """They enter the sandbox, where nothing else of the course may be."""
    imported = set()
    for file in Path(grading.probes.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}

    foreign = {
        name
        for name in imported
        if name.split(".")[0] not in sys.stdlib_module_names | {"numpy"}
        and not name.startswith("grading.probes")
    }
    assert foreign == set()


def test_inputs_are_copied_deep_before_each_run():
    inner = np.array([1.0, 2.0])
    inputs = {"a": [inner, [inner, 3]], "b": np.zeros(2)}

    def spoil(a, b):
        a[0][0] = 9.0
        a[1][1] = 4
        return 1.0

    seen = Call(("y",)).observe(spoil, inputs)

    assert seen.mutated == ("a",)
    assert inner.tolist() == [1.0, 2.0]
    assert inputs["a"][1][1] == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x.__setitem__(0, np.nan),
        lambda x: setattr(x, "shape", (3, 2)),
        lambda x: x.fill(0),
    ],
    ids=["entry", "shape", "fill"],
)
@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
def test_a_changed_input_is_named(spoil):
    seen = Call(("y",)).observe(spoil, {"x": np.ones((2, 3))})

    assert seen.mutated == ("x",)


def test_an_unchanged_nan_is_no_change():
    seen = Call(("y",)).observe(lambda x: 1.0, {"x": np.array([np.nan])})

    assert seen.mutated == ()


def test_nothing_reaches_stdout_or_stderr(capsys):
    logging.getLogger().addHandler(handler := logging.StreamHandler(sys.stderr))

    def loud(x):
        sys.stdout.write("o" * 5_000)
        sys.stderr.write("e")
        logging.error("l")
        warnings.warn("w", stacklevel=1)
        np.log(-x)
        return 1.0

    seen = Call(("y",)).observe(loud, {"x": np.ones(2)})
    logging.getLogger().removeHandler(handler)

    assert capsys.readouterr() == ("", "")
    assert (seen.n_printed, len(seen.printed)) == (5_001, 2_000)
    assert seen.outputs == {"y": 1.0}


def test_everything_is_put_back_after_a_run():
    def state():
        return (
            sys.stdout,
            sys.stderr,
            builtins.input,
            {name: vars(builtins).get(name, "absent") for name in ("exit", "quit")},
            sys.breakpointhook,
            logging.root.manager.disable,
        )

    before, filters = state(), list(warnings.filters)

    Call(("y",)).observe(lambda x: 1 / 0, {"x": 1})

    assert state() == before
    assert list(warnings.filters) == filters


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_exit_is_refused_and_closes_no_stdin(monkeypatch, name):
    """Python's own closes stdin before it raises SystemExit."""
    closed = []
    monkeypatch.setattr(sys, "stdin", type("Input", (), {"close": lambda self: closed.append(1)})())

    problem = Call(("y",)).observe(lambda: vars(builtins)[name](), {}).problem

    assert (problem.type_name, closed) == ("RuntimeError", [])
    assert problem.detail.endswith("leave a function with `return`")


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_a_missing_exit_stays_missing(monkeypatch, name):
    """IPython takes both out of the builtins while a cell runs."""
    monkeypatch.delattr(builtins, name, raising=False)

    Call(("y",)).observe(lambda: 1.0, {})

    assert not hasattr(builtins, name)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), OSError()])
def test_whatever_is_raised_becomes_a_problem(error):
    def fail():
        raise error

    problem = Call(("y",)).observe(fail, {}).problem

    assert (problem.kind, problem.type_name) == ("error", type(error).__name__)
    assert problem.text == "raise error"


def test_only_the_watchdogs_exception_passes():
    def fail():
        raise Stopped

    with pytest.raises(Stopped):
        Call(("y",)).observe(fail, {})


def test_a_long_message_is_cut_to_one_line():
    def fail():
        raise ValueError("a\n" * 1_000_000)

    problem = Call(("y",)).observe(fail, {}).problem

    assert len(problem.detail) == 300
    assert "\n" not in problem.detail


@pytest.mark.parametrize(
    ("result", "detail"),
    [
        ((1, 2, 3), "it returned 3 results, expected 2 results (a, b)"),
        (None, "it returned None, as if the return line were missing, expected 2 results (a, b)"),
        (3.0, "it returned one value, expected 2 results (a, b)"),
        (
            np.zeros(2),
            "it returned one array of shape (2,), expected 2 results: write `return a, b`",
        ),
    ],
)
def test_the_number_of_results_is_counted(result, detail):
    problem = Call(("a", "b")).observe(lambda: result, {}).problem

    assert (problem.kind, problem.detail) == ("arity", detail)


def test_a_type_error_inside_the_function_is_not_taken_for_wrong_arguments():
    def fail(x):
        return len(x, 3)

    assert Call(("y",)).observe(fail, {"x": 1}).problem.kind == "error"


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (lambda a: 1, "a"),
        (lambda x, y, z: 1, "x, y, z"),
        (lambda y: 1, "y"),
        (lambda *x: 1, "*x"),
    ],
)
def test_a_signature_that_refuses_the_inputs_is_shown(function, takes):
    problem = Call(("y",)).observe(function, {"x": 1}).problem

    assert problem.kind == "arguments"
    assert problem.detail == f"it takes ({takes}), the exercise gives (x)"


def test_methods_are_called_in_order_and_attributes_read_at_the_end():
    class Sum:
        def __init__(self, start):
            self.total = start

        def add(self, x):
            self.total += x
            return self.total

    seen = Methods(reads=("total",)).observe(
        Sum, {"build": [1.0], "calls": [["add", 2.0], ["add", 4.0]]}
    )

    assert seen.outputs == {"returned": [3.0, 7.0], "total": 7.0}


class _Keeper:
    """Keeps the first array that it is given, or a copy."""

    def __init__(self, copies):
        self.copies, self.kept = copies, None

    def see(self, x):
        if self.kept is None:
            self.kept = x.copy() if self.copies else x


@pytest.mark.parametrize(("copies", "kept"), [(True, [1.0, 2.0]), (False, [3.0, 4.0])])
def test_in_one_buffer_only_a_copy_survives_the_next_call(copies, kept):
    calls = [["see", np.array([1.0, 2.0])], ["see", np.array([3.0, 4.0])]]

    seen = Methods(reads=("kept",), one_buffer=True).observe(
        _Keeper, {"build": [copies], "calls": calls}
    )

    assert seen.outputs["kept"].tolist() == kept
    assert seen.mutated == ()


def test_in_one_buffer_a_changed_argument_is_still_seen():
    class Overwrites:
        def see(self, x):
            x[:] = 0.0

    calls = [["see", np.array([1.0])], ["see", np.array([2.0])]]

    seen = Methods(one_buffer=True).observe(Overwrites, {"build": [], "calls": calls})

    assert seen.mutated == ("calls",)


def test_a_generator_without_end_is_left_after_ten_thousand_items():
    def count(start):
        while True:
            yield start

    seen = Iterate().observe(count, {"start": 0})

    assert seen.problem.kind == "endless"
    assert seen.problem.detail == "It yielded more than 10,000 items. Which loop never ends?"


def test_the_items_of_an_iterator_are_listed():
    assert Iterate().observe(lambda n: range(n), {"n": 3}).outputs == {"items": [0, 1, 2]}


def test_items_that_share_one_buffer_hold_what_came_last():
    def refill(n):
        buffer = np.zeros(1)
        for i in range(n):
            buffer[0] = i
            yield buffer

    seen = Iterate().observe(refill, {"n": 3})

    assert [item.tolist() for item in seen.outputs["items"]] == [[2.0], [2.0], [2.0]]


@pytest.mark.parametrize(
    ("function", "raised"),
    [(lambda x: 1 / 0, "ZeroDivisionError"), (lambda x: x, "nothing")],
)
def test_the_type_of_a_raised_error_is_an_output(function, raised):
    assert Raises().observe(function, {"x": 1}).outputs == {"raised": raised}


def test_a_stub_is_no_answer_to_what_should_raise():
    def stub(x):
        raise NotImplementedError

    assert Raises().observe(stub, {"x": 1}).problem.kind == "not_started"


def test_outputs_are_plain():
    assert Call(("y",)).observe(dict, {}).outputs == {"y": Opaque("dict")}
