"""An answer without end is stopped in time, in a notebook, with advice where it cannot be."""

from __future__ import annotations

import pytest

from tests.grading.check.conftest import assert_calm

CHECK = "check('mean_squared_error')"
DEF = "def mean_squared_error(y, targets):\n    "
STOPPED_S = 4 * 2.0
"""What a stopped check takes below 2 s on an idle machine may take on a busy one."""


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            y + 1\n        except:\n            pass",
        "import itertools\n    for i in itertools.count(): print(i)",
    ],
    ids=["loop", "bare except", "printing"],
)
def test_an_endless_function_is_stopped(notebook, body):
    notebook.run(DEF + body)

    ran = notebook.run(CHECK)

    assert_calm(ran, seconds=STOPPED_S)
    assert "could not be stopped" not in ran.text
    asked = "Which loop never meets its end?"
    assert ran.sentence == f"It was stopped after 1.5 s without a result. {asked}"
    assert "Hint," not in ran.text


def test_an_exercise_that_trains_is_stopped_as_soon_as_any_other(notebook):
    notebook.run("def train_mlp(X, targets, W1, b1, W2, b2, lr, batches):\n    while True: pass")

    ran = notebook.run("check('train_mlp')")

    assert_calm(ran, seconds=STOPPED_S)
    assert "It was stopped after 1.5 s" in ran.sentence


def test_what_was_right_before_the_endless_case_is_said(notebook):
    notebook.run(f"{DEF}while y.ndim == 1: pass\n    return float(np.mean((y - targets) ** 2))")

    ran = notebook.run(CHECK)

    assert ran.sentence == (
        "It was stopped after 1.5 s without a result, in case 2 of 12: it is very slow, or does "
        "not end there."
    )


def test_a_function_that_cannot_be_stopped_is_left_behind_with_advice(notebook):
    notebook.run(f"{DEF}import time; time.sleep(4)")

    ran = notebook.run(CHECK)

    assert_calm(ran, seconds=STOPPED_S)
    assert "It could not be stopped and still runs: restart the kernel (Kernel menu)." in ran.text
    assert notebook.run("print('usable')").stdout == "usable\n"


@pytest.mark.parametrize(
    ("body", "n_left"), [("while True: pass", "0"), ("import time; time.sleep(3)", "1")]
)
def test_the_stop_button_ends_a_check_at_once(notebook, body, n_left):
    """A call into C cannot be ended, but it disturbs nobody: prints arrive as before."""
    count = "len([t for t in threading.enumerate() if t.name == 'check'])"
    n_before = int(notebook.run(f"import threading; {count}").result)
    notebook.run(DEF + body)

    ran = notebook.run(CHECK, interrupt_after_s=0.3)

    assert ran.traceback == [
        "The check of 'mean_squared_error' was interrupted: nothing was recorded."
    ]
    assert ran.stderr == ""
    assert ran.seconds < 1.3  # less than the limit of 1.5 s
    assert int(notebook.run(count).result) - n_before <= int(n_left)
    assert notebook.run("print('usable')").stdout == "usable\n"
