"""Whatever an answer writes, by whichever way, a notebook shows the report alone."""

from __future__ import annotations

import os

import pytest

from tests.grading.check.conftest import assert_calm

CHECK = "check('mean_squared_error')"
DEF = "def mean_squared_error(y, targets):\n    "


def test_a_flood_of_output_is_counted_and_kept_out_of_the_notebook(notebook):
    notebook.run(
        f"import logging, sys, warnings\nlogging.basicConfig(force=True)\n{DEF}"
        "print('x' * 1_000_000); print('e', file=sys.stderr); logging.error('l')\n"
        "    warnings.warn('w'); np.log(-np.ones(2))\n"
        "    return float(np.mean((y - targets) ** 2))"
    )

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert ran.result == "3.0"
    assert "While it was checked it printed 12,000,036 characters" in ran.text
    assert len(ran.text) < 1_000
    assert len(ran.html) < 10_000


def test_what_is_displayed_is_counted_and_kept_out_of_the_notebook(notebook):
    notebook.run(
        f"import sys\nfrom IPython.display import clear_output, display\n{DEF}"
        "display('x' * 1_000_000); sys.displayhook('h'); clear_output()\n"
        "    return float(np.mean((y - targets) ** 2))"
    )

    ran = notebook.run(CHECK)

    assert_calm(ran)
    assert ran.result == "3.0"
    # 12 cases, each with quotes and the end of the line
    assert "While it was checked it printed 12,000,084 characters" in ran.text
    assert len(ran.text) < 1_000
    assert notebook.run("display('after')").text == "'after'"
    assert notebook.run("exit.__class__.__name__").result == "'ZMQExitAutocall'"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere ipykernel leaves descriptors alone")
def test_what_is_written_past_python_reaches_neither_stdout_nor_stderr(notebook):
    """A grading run takes any text on stderr for a failure."""
    notebook.run(
        f"import os, sys\n{DEF}os.write(1, b'past 1'); os.write(2, b'past 2')\n"
        "    os.system('echo child; echo child >&2')\n"
        "    sys.__stdout__.write('buffered'); sys.__stderr__.write('unbuffered')\n"
        "    return float(np.mean((y - targets) ** 2))"
    )

    ran = notebook.run(CHECK)
    later = notebook.run(
        "import time; sys.__stdout__.flush(); time.sleep(0.5); os.write(2, b'seen'); "
        "time.sleep(0.5)"
    )

    assert_calm(ran)
    assert ran.result == "3.0"
    assert later.stdout == ""
    assert later.stderr == "seen"  # what is forwarded at all, and is so again after a check
