"""A notebook runs on this interpreter, in an empty folder, within its time."""

from __future__ import annotations

import sys

import nbformat
import pytest

from grading.authoring import cells
from grading.authoring.execute import execute
from grading.refusals import Refusal

pytestmark = pytest.mark.slow


def notebook_of(*sources):
    return cells.new_notebook([cells.new_cell("code", source, {}) for source in sources])


def test_kernel_is_this_interpreter_on_one_thread_recording_nothing(monkeypatch, tmp_path):
    """An installed kernelspec python3 may point anywhere; here it points to nothing."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        '{"argv": ["/nowhere"], "display_name": "x", "language": "y"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("EXPECTED", sys.executable)

    run = execute(
        notebook_of(
            "import os, sys\nprint(sys.executable == os.environ['EXPECTED'])",
            "print(os.environ['OMP_NUM_THREADS'], os.environ['NNCOURSE_PROGRESS'], os.listdir())",
            "import grading, nnlib",
            "import matplotlib\nprint(matplotlib.get_backend())",
        ),
        "a.ipynb",
    )

    printed = [cell.outputs[0].text.strip() for cell in run.notebook.cells if cell.outputs]
    assert printed[0] == "True"
    assert printed[1] == "1 off []"
    assert "inline" in printed[2]
    assert run.seconds > 0


def test_only_lasting_outputs_are_kept():
    run = execute(
        notebook_of(
            "import sys\nprint('first', file=sys.stderr)\nprint('kept')",
            "import ipywidgets\nipywidgets.IntSlider(description='rate')",
        ),
        "a.ipynb",
    )

    assert run.stderr == {1: "first"}
    assert [output.text for output in run.notebook.cells[0].outputs] == ["kept\n"]
    assert set(run.notebook.cells[1].outputs[0].data) == {"text/plain"}
    assert set(run.notebook.metadata) == {"kernelspec", "language_info", "nncourse"}
    assert all(cell.metadata == {} for cell in run.notebook.cells)
    nbformat.validate(run.notebook)


def test_folders_of_this_machine_are_not_kept():
    run = execute(
        notebook_of(
            "import sys, os\nprint(sys.executable)",
            "from IPython.display import HTML\nHTML(f'<p>{os.path.expanduser(\"~\")}/x</p>')",
        ),
        "a.ipynb",
    )

    outputs = [cell.outputs[0] for cell in run.notebook.cells]
    assert outputs[0].text.startswith("…")
    assert outputs[1].data["text/html"] == "<p>…/x</p>"


def test_two_runs_give_the_same_notebook():
    source = "print({'a', 'b', 'c', 'd'})"

    first, second = (execute(notebook_of(source), "a.ipynb").notebook for _ in range(2))

    assert first.cells[0].outputs == second.cells[0].outputs


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{}['missing']", "a.ipynb, in cell 2: it raises KeyError: 'missing'. Mend the cell."),
        ("while True: pass", "a.ipynb: it runs longer than 3 s and was stopped in cell 2"),
        ("import os; os._exit(3)", "a.ipynb: the kernel died in cell 2"),
    ],
    ids=["error", "endless", "dead"],
)
def test_failure_names_file_and_cell(source, expected):
    with pytest.raises(Refusal) as refusal:
        execute(notebook_of("1 + 1", source), "a.ipynb", timeout_s=3)

    assert str(refusal.value).startswith(expected)


def test_errors_are_kept_where_they_are_allowed():
    run = execute(notebook_of("1 / 0", "print('on')"), "a.ipynb", allow_errors=True)

    assert run.notebook.cells[0].outputs[0].ename == "ZeroDivisionError"
    assert run.notebook.cells[1].outputs[0].text == "on\n"
