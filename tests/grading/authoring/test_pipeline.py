"""A build writes three notebooks, runs only what changed, and its check finds what was spoiled."""

from __future__ import annotations

import json

import pytest

from grading.authoring import build, pipeline
from grading.authoring.execute import Executed
from grading.refusals import Refusal

pytestmark = pytest.mark.slow

SLUG = "00-doubling"


@pytest.fixture
def run(checkout, registry):
    """Build the tiny checkout; returns the result and the lines reported."""

    def call(**options):
        lines: list[str] = []
        result = build(root=checkout, registry=registry, report=lines.append, **options)
        return result, lines

    return call


@pytest.fixture
def executions(monkeypatch):
    """Count runs of a kernel."""
    counted: list[str] = []
    true_execute = pipeline.execute

    def execute(notebook, label, **options) -> Executed:
        counted.append(label)
        return true_execute(notebook, label, **options)

    monkeypatch.setattr(pipeline, "execute", execute)
    return counted


def test_build_then_check_agree_and_nothing_runs_twice(checkout, run, edit, executions):
    solution = checkout / "solutions" / SLUG / f"{SLUG}.ipynb"
    learner = checkout / "course" / SLUG / f"{SLUG}.ipynb"

    first, lines = run()

    assert executions == [f"solutions/{SLUG}/{SLUG}.ipynb"]
    assert [path.name for path in first.units[0].written] == [f"{SLUG}.ipynb"] * 3
    assert first.units[0].seconds < 60
    assert "0.2 h (reading 0 min, core exercises 10 min, figures 0 min)" in lines[0]
    text = solution.read_text(encoding="utf-8")
    assert "doubling keeps the sign\\n" in text
    assert "widgets" not in json.loads(text)["metadata"]

    before = {path: path.stat().st_mtime_ns for path in (solution, learner)}
    second, lines = run()

    assert len(executions) == 1
    assert second.units[0].written == ()
    assert "source unchanged" in lines[0]
    assert {path: path.stat().st_mtime_ns for path in before} == before

    checked, _ = run(check=True)
    assert checked.ok

    edit("keeps the sign", "keeps zero")
    assert not run(check=True)[0].ok
    run(units=["0"])
    assert len(executions) == 2
    assert run(check=True)[0].ok


def test_check_finds_hand_edits_leaks_and_what_lies_about(checkout, run):
    run()
    learner = checkout / "course" / SLUG / f"{SLUG}.ipynb"
    text = learner.read_text(encoding="utf-8")
    learner.write_text(text.replace("## Going further", "x + np.array(1.0)*x"), encoding="utf-8")
    (learner.parent / "answers.txt").write_text("4", encoding="utf-8")
    orphan = checkout / "course" / "07-gone" / "07-gone.ipynb"
    orphan.parent.mkdir()
    orphan.write_text(text, encoding="utf-8")

    result, lines = run(check=True)

    assert not result.ok
    found = "\n".join(result.findings)
    assert "cell 5: its text is not what the source gives" in found
    assert "course/00-doubling/answers.txt: nbgrader hands out" in found
    assert "course/07-gone/07-gone.ipynb: there is no solutions/07-gone.py" in found
    assert all(any(finding in line for line in lines) for finding in result.findings)

    learner.write_text(
        text.replace("## Going further", "doubled = x + np.array(1.0)*x"), encoding="utf-8"
    )
    assert "holds a line of the solution of 'double_array'" in "\n".join(
        run(check=True)[0].findings
    )


def test_leaking_source_is_never_written(checkout, run, edit):
    edit("## Going further", "## Going further\n# Remember: doubled = x + np.array(1.0) * x")

    with pytest.raises(Refusal, match="holds a line of the solution"):
        run()

    assert not (checkout / "course" / SLUG).exists()


def test_output_that_shows_an_answer_is_never_written(checkout, run, edit):
    """Only the reading variant holds outputs: neither source nor the learner's cells leak here."""
    edit(
        'print("doubling keeps the sign")',
        "import inspect\n\nprint(inspect.getsource(double_array).splitlines()[3])",
    )

    with pytest.raises(Refusal) as refusal:
        run()

    where = f"build/reading/{SLUG}.ipynb, cell 8: its output holds a line of the solution of"
    assert str(refusal.value).startswith(f"{where} 'double_array'")
    assert not (checkout / "build").exists()
    assert not (checkout / "course" / SLUG).exists()


def test_line_shown_on_purpose_may_be_built(checkout, run, edit):
    edit("## Going further", "## Going further\n# Remember: doubled = x + np.array(1.0) * x")
    edit(
        'exercise="double_array"',
        'exercise="double_array" shown=["doubled = x + np.array(1.0) * x"]',
    )

    run()

    text = (checkout / "course" / SLUG / f"{SLUG}.ipynb").read_text(encoding="utf-8")
    assert "shown" not in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "x + np.array(1.0) * x  #",
            "x + np.array(2.0) * x  #",
            "returns 0.0 for the course's own",
        ),
        (
            "    return 2.0 if",
            "    import sys\n    print('hm', file=sys.stderr)\n    return 2.0 if",
            "wrote to stderr",
        ),
        ("    return 2.0 if", "    return np.float64(2.0) if", "returns np.float64(2.0)"),
        ('print("doubling keeps', '1 / 0\nprint("doubling keeps', "raises ZeroDivisionError"),
    ],
    ids=["wrong solution", "stderr", "not a builtin float", "failing cell"],
)
def test_unit_that_its_own_check_rejects_is_refused(checkout, run, edit, old, new, expected):
    edit(old, new)

    with pytest.raises(Refusal) as refusal:
        run()

    assert expected in str(refusal.value)
    assert not (checkout / "solutions" / SLUG).exists()


def test_fault_of_another_unit_does_not_stop_a_build(checkout, run):
    (checkout / "solutions" / "05-later.py").write_text('# %% exercise="later"\n', encoding="utf-8")

    result, lines = run(units=["00"])

    assert [unit.slug for unit in result.units] == [SLUG]
    assert lines[0].startswith("  not searched for answers of unit 05: solutions/05-later.py")
    with pytest.raises(Refusal, match="05-later"):
        run()


def test_unknown_unit_is_refused_with_the_known_ones(run):
    with pytest.raises(Refusal, match=r"no unit '99'. The units are: 00"):
        run(units=["99"])
