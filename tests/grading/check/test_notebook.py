"""What a learner meets in a notebook: one sentence, one number, nothing on stderr, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.grading.check.conftest import assert_calm

CHECK = "check('mean_squared_error')"
DEF = "def mean_squared_error(y, targets):\n    "
RIGHT = f"{DEF}return float(np.mean((y - targets) ** 2))"

ANSWERS = {
    "loss is an array of shape (2,), expected one number.": f"{DEF}return np.mean(y, axis=0)",
    "loss is nan, expected a finite number near 2.33333.": f"{DEF}return float('nan')",
    "loss is text, expected one number.": f"{DEF}return 'loss' * 300_000",
    "loss is None, expected one number. Is the return line missing?": f"{DEF}y - targets",
    "loss is a list or tuple, expected one number.": f"{DEF}return 1.0, 2.0",
    "loss is an array of dtype object, expected one number. Do its rows differ in length?": (
        f"{DEF}return np.array([1, None], dtype=object)"
    ),
    "loss is a generator, expected one number. `return` should stand where `yield` does.": (
        f"{DEF}yield 1.0"
    ),
    "loss is a coroutine, expected one number. Remove `async` before its `def`.": (
        f"async {DEF}return 1.0"
    ),
    "loss is a function, expected one number. Are the brackets of its call missing?": (
        f"{DEF}return np.mean"
    ),
    "loss is a whole number of more than 300 digits, expected one number.": f"{DEF}return 10**5000",
    "loss is of type complex, expected one number.": f"{DEF}return 1j",
    "loss is of type Liar, expected one number.": (
        "class Liar:\n"
        "    __class__ = property(lambda self: np.ndarray)\n"
        "    __eq__ = lambda self, other: True\n"
        "    __float__ = lambda self: 14 / 6\n"
        "    __array__ = lambda self, *a, **k: np.array(14 / 6)\n"
        f"{DEF}return Liar()"
    ),
    "The input `y` was changed while the function ran. "
    "Work on a copy: whoever passed it in still needs it.": (
        f"{DEF}y -= targets\n    return float(np.mean(y**2))"
    ),
    "The input `y` was changed while the function ran. "
    "Work on a copy: whoever passed it in still needs it. "
    "Besides, the values of `loss` are wrong.": f"{DEF}y -= targets\n    return float(np.mean(y))",
    "`mean_squared_error` is a value of type int, not a function: the name was given away, "
    "perhaps in another cell. Run the cell that defines it again.": "mean_squared_error = 3",
    "`mean_squared_error` is a class, not a function: the name was given away, perhaps in another "
    "cell. Run the cell that defines it again.": "class mean_squared_error: pass",
    "`mean_squared_error` is not defined yet: run the cell that begins with its `def`.": "0",
    "Nothing is written yet: replace the line `raise NotImplementedError()` by your own code.": (
        f'{DEF}"""Average."""\n    raise NotImplementedError'
    ),
    "`raise NotImplementedError` (line 3 of its cell) is still reached. Delete that line once "
    "your own code stands there.": f"{DEF}d = y - targets\n    raise NotImplementedError",
    "It stopped with RecursionError in line 2 of its cell: return mean_squared_error(y, "
    "targets) maximum recursion depth exceeded.": f"{DEF}return mean_squared_error(y, targets)",
    "It stopped with SystemExit in line 3 of its cell: sys.exit(3) 3.": (
        f"{DEF}import sys\n    sys.exit(3)"
    ),
    "It stopped with MemoryError in line 2 of its cell: return np.ones(10**13) Unable to "
    "allocate 72.8 TiB for an array with shape (10000000000000,) and data type float64.": (
        f"{DEF}return np.ones(10**13)"
    ),
    "It stopped with EOFError in line 2 of its cell: return float(input()) input() has nobody "
    "to ask while the function is checked.": f"{DEF}return float(input())",
    "It stopped with RuntimeError in line 2 of its cell: breakpoint() breakpoint() cannot "
    "stop here while the function is checked; delete that line.": f"{DEF}breakpoint()",
    "It stopped with RuntimeError in line 2 of its cell: return exit() exit() and quit() would end "
    "the kernel; leave a function with `return`.": f"{DEF}return exit()",
    "It stopped with RuntimeError in line 2 of its cell: quit(keep_kernel=True) exit() and quit() "
    "would end the kernel; leave a function with `return`.": f"{DEF}quit(keep_kernel=True)",
    "It stopped with RuntimeError in line 3 of its cell: builtins.exit() exit() and quit() would "
    "end the kernel; leave a function with `return`.": f"{DEF}import builtins\n    builtins.exit()",
    "It stopped with Mute in line 4 of its cell: raise Mute its message cannot be shown.": (
        f"class Mute(Exception):\n    __str__ = lambda self: 1 / 0\n{DEF}raise Mute"
    ),
    "It stopped with Stray in line 3 of its cell: raise Stray('so') so.": (
        f"class Stray(BaseException): pass\n{DEF}raise Stray('so')"
    ),
    "It stopped with NameError in line 8 of its cell: return zero name 'zero' is not defined. "
    "`zero` has no value here: is it spelled as where it was defined, and defined before?": (
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n"
        f"    def g(*a, **k): return 2 * f(*a, **k)\n    return g\n@twice\n{DEF}return zero"
    ),
    "It stopped with ZeroDivisionError in line 3 of its cell: return p / 0 division by zero.": (
        "import functools\ndef power(y, targets, p):\n    return p / 0\n"
        "mean_squared_error = functools.partial(power, p=2)"
    ),
    "It stopped with AttributeError in line 3 of its cell: return np.mean(y) 'int' object "
    "has no attribute 'mean'.": f"np = 5\n{DEF}return np.mean(y)",
    "It stopped with RuntimeError in line 2 of its cell: return check('mean_squared_error') "
    "check('mean_squared_error') runs this function already; call check outside of it.": (
        f"{DEF}return check('mean_squared_error')"
    ),
    "The arguments do not fit: it takes (y), the exercise gives (y, targets). Keep the signature "
    "as it was given.": "def mean_squared_error(y): return 1.0",
    "The arguments do not fit: it takes (y, targets, n), the exercise gives (y, targets). Keep "
    "the signature as it was given.": "def mean_squared_error(y, targets, n): return 1.0",
    "The arguments do not fit: it takes (prediction, wanted=0), the exercise gives (y, targets). "
    "Keep the signature as it was given.": (
        "def mean_squared_error(prediction, wanted=0): return 1.0"
    ),
}


@pytest.mark.parametrize(("sentence", "source"), ANSWERS.items(), ids=range(len(ANSWERS)))
def test_a_bad_answer_earns_one_sentence(notebook, sentence, source):
    notebook.run(source)

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert ran.sentence == sentence
    assert ran.result == "0.0"


RIGHT_ANSWERS = {
    "plain": RIGHT,
    "lambda": "mean_squared_error = lambda y, targets: np.mean((y - targets) ** 2)",
    "positional only": RIGHT.replace("targets)", "targets, /)", 1),
    "partial": (
        "import functools\ndef power(y, targets, p): return np.mean((y - targets) ** p)\n"
        "mean_squared_error = functools.partial(power, p=2)"
    ),
    "returns a float32 scalar": f"{DEF}return np.float32(np.mean((y - targets) ** 2))",
    "seeds the global generator": f"import random\nrandom.seed(0); np.random.seed(0)\n{RIGHT}",
    "the cell fails after the definition": f"{RIGHT}\nmean_squared_error(1)",
}


@pytest.mark.parametrize("source", RIGHT_ANSWERS.values(), ids=RIGHT_ANSWERS)
def test_a_right_answer_earns_full_points_however_it_is_written(notebook, source):
    notebook.run(source)

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert ran.result == "3.0"


def test_a_cell_that_did_not_compile_is_named_though_an_older_answer_is_right(notebook):
    notebook.run(RIGHT)
    assert notebook.run(CHECK).result == "3.0"
    notebook.run(f"{RIGHT}\nx = = 3")

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert ran.result == "0.0"
    assert ran.sentence == (
        "The cell of `mean_squared_error` stopped with an error when it last ran (SyntaxError in "
        "line 3: invalid syntax), so the function in memory is missing or old. Mend that cell and "
        "run it again."
    )
    notebook.run(f"{RIGHT}  # mended")
    assert notebook.run(CHECK).result == "3.0"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (f"{RIGHT}\n  x = 3", "(IndentationError in line 3: "),
        (f"1 / 0\n{RIGHT} # new", "(ZeroDivisionError: division by zero)"),
        ("mean_squared_error = lambda y, targets: np.mean(", "(SyntaxError in line 1: "),
    ],
)
def test_a_cell_that_stopped_before_its_definition_took_effect_is_named(notebook, cell, said):
    notebook.run(RIGHT)
    notebook.run(cell)

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert said in ran.sentence
    assert ran.result == "0.0"


def test_a_failing_call_of_the_function_is_no_failed_definition(notebook):
    notebook.run(RIGHT)
    assert notebook.run("mean_squared_error(1)").traceback

    assert notebook.run(CHECK).result == "3.0"


def test_cells_are_watched_once_and_after_a_second_import(notebook):
    notebook.run(RIGHT)
    again = notebook.run(
        "import sys\n"
        "kept = {name: sys.modules.pop(name) for name in list(sys.modules)\n"
        "        if name.startswith('grading')}\n"
        "from grading.check import check, passed"
    )
    notebook.run(f"{RIGHT}\nx = = 3")

    ran = notebook.run(CHECK)
    n_watching = notebook.run(
        "len([f for f in get_ipython().events.callbacks['post_run_cell']"
        " if f.__module__.startswith('grading')])"
    )

    assert (again.stdout, again.stderr, again.traceback) == ("", "", [])
    assert "SyntaxError in line 3" in ran.sentence
    assert n_watching.result == "1"


def test_a_driving_cell_runs_only_after_the_latest_check_passed(notebook):
    drive = "passed('mean_squared_error')"
    notebook.run(RIGHT)
    notebook.run(CHECK)
    after_pass = notebook.run(drive)
    notebook.run(f"{DEF}return 1.0")
    notebook.run(CHECK)
    after_fail = notebook.run(drive)

    assert after_pass.result == "True"
    assert after_fail.result == "False"
    assert after_fail.stdout == (
        "not started: this cell runs once your check of mean_squared_error passes.\n"
    )


@pytest.mark.parametrize(
    "damage", ["np.allclose = np.isfinite = np.abs = lambda *a, **k: True", "np.errstate = None"]
)
def test_a_changed_numpy_passes_nothing_and_shows_no_traceback(notebook, damage):
    names = ("allclose", "isfinite", "abs", "errstate")
    notebook.run(f"whole = [(name, getattr(np, name)) for name in {names}]")
    notebook.run(f"{damage}\n{DEF}return 3.0")

    ran = notebook.run(CHECK)
    notebook.run("for name, value in whole: setattr(np, name, value)")

    assert_calm(ran)
    assert ran.result == "0.0"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            "check(mean_squared_error)",
            '`check` takes the name of the function in quotes: `check("mean_squared_error")`.',
        ),
        (
            "check('mean_squared_eror')",
            "No exercise is called 'mean_squared_eror'. Did you mean 'mean_squared_error'?",
        ),
    ],
)
def test_a_mistaken_name_is_mended_in_one_sentence(notebook, call, sentence):
    notebook.run(RIGHT)

    ran = notebook.run(call)

    assert_calm(ran)
    assert ran.sentence == sentence


def test_an_exercise_that_is_not_installed_is_graded_after_handing_in(notebook):
    notebook.run("def steepest_descent(x): return x")

    ran = notebook.run("check('steepest_descent')")

    assert_calm(ran)
    assert ran.result == "0.0"
    assert ran.sentence == (
        "`steepest_descent` is graded after you hand in: its cases are not on this machine. If you "
        "meant another exercise, look at the spelling of its name."
    )


def test_wrong_numbers_of_results_are_counted(notebook):
    notebook.run("def predict_shapes(n, d_in, d_hidden, d_out): return [1], [2]")
    two = notebook.run("check('predict_shapes')")
    notebook.run("def predict_shapes(n, d_in, d_hidden, d_out): n")
    none = notebook.run("check('predict_shapes')")

    names = "expected 7 results (h, y, dW2, db2, dh, dW1, db1)."
    assert two.sentence == f"The number of results is off: it returned 2 results, {names}"
    assert none.sentence == (
        f"The number of results is off: it returned None, as if the return line were missing, "
        f"{names}"
    )


def test_markup_of_the_learner_stays_text(notebook):
    notebook.run(
        f"{DEF}print('<script>alert(1)</script>')\n"
        "    raise ValueError('<img src=x onerror=alert(2)> & `<b>`')"
    )

    ran = notebook.run(CHECK)

    for tag in ("<script", "<img", "<b>"):
        assert tag not in ran.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in ran.html


def test_each_judged_answer_is_recorded(notebook, kernel_home: Path):
    notebook.run(f"{DEF}return float(np.sum((y - targets) ** 2))")
    notebook.run(CHECK)

    last = json.loads((kernel_home / "progress.jsonl").read_text().splitlines()[-1])

    assert last["exercise"] == "mean_squared_error"
    assert last["points"] == 0
    assert last["misconceptions"] == ["sum_instead_of_mean"]
