"""``nncourse grade`` and ``regrade``: what they print, refuse, and end with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import grading.engine
from grading.cli import _grading, _regrade
from grading.grade_class import Progress, Summary
from grading.results import CellResult, NotebookResult, Result
from tests.grading.cli.conftest import Run
from tests.grading.faults.classes import SLUG, SmallClass, hand_in, make_class, work_here

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("a class"))


@pytest.fixture
def small(template: SmallClass, tmp_path: Path) -> SmallClass:
    return template.copied(tmp_path)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Grade in this process instead of in workers; returns how many workers were asked for."""
    asked: list[Any] = []

    class Here(grading.engine.InProcess):
        def start(self) -> None:
            """Have no workers to wait for."""

    def pool(n_workers: int | None) -> grading.engine.InProcess:
        asked.append(n_workers)
        return Here(work=work_here)

    monkeypatch.setattr(grading.engine, "ProcessPool", pool)
    return asked


def words(small: SmallClass, *more: str) -> tuple[str, ...]:
    return ("grade", str(small.submissions), "--class", str(small.root), "--unsafe", *more)


def test_table_counts_by_status(nncourse: Run, small: SmallClass, here: list[Any]) -> None:
    result = nncourse(*words(small, "--workers", "2"))

    assert result.exit_code == 0, result.output
    assert "5 graded in" in result.output
    assert "1 equal to work graded before" in result.output
    assert "Nothing isolated these submissions" in result.output
    assert here == [2]


def test_what_is_refused_is_listed_with_its_mend_and_ends_with_1(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    hand_in(small.submissions, "nobody-we-know", SLUG, "{}", "2026-05-30 10:00:00 UTC")

    result = nncourse(*words(small))

    assert result.exit_code == 1
    assert "Refused:" in result.output
    assert "nobody-we-know" in result.output


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_mends_in_the_list_repeat_the_class_that_was_given(
    nncourse: Run, small: SmallClass, here: list[Any], more: tuple[str, ...]
) -> None:
    hand_in(small.submissions, "nobody-we-know", SLUG, "{}", "2026-05-30 10:00:00 UTC")

    result = nncourse(*words(small, *more))

    said = json.loads(result.stdout)["refused"][0] if more else result.output
    assert f"nncourse roster --class {small.root} --add" in said


def test_json_says_the_same_for_a_script(nncourse: Run, small: SmallClass, here: list[Any]) -> None:
    result = nncourse(*words(small, "--json"))

    content = json.loads(result.stdout)
    assert (content["graded"], content["reused"], content["unsafe"]) == (5, 1, True)
    assert sum(content["statuses"].values()) == 6


def test_machine_without_isolation_is_refused_with_the_reason(
    nncourse: Run, small: SmallClass, here: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grading.sandbox.why_unavailable", lambda: "User namespaces are off. Mend.")
    for command in (words(small)[:-1], ("regrade", "--class", str(small.root))):
        result = nncourse(*command)

        assert result.exit_code == 2
        assert "cannot isolate submissions: User namespaces are off. Mend." in result.output
        assert "--unsafe" in result.output
    assert here == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--attempts", "worst"), "none of last, best, first"),
        (("--unit", "07"), "there is no assignment '07'"),
        (("--workers", "1", "--cluster", "tcp://x:1"), "Give one of the two"),
        (("--course", "."), "--class does not go with it"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    nncourse: Run, small: SmallClass, here: list[Any], more: tuple[str, ...], said: str
) -> None:
    result = nncourse(*words(small, *more))

    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--class", "my-class"),
        ("--db", "sqlite:///other.db"),
        ("--groups", "groups.csv"),
        ("--attempts", "best"),
        ("--exercises", "own.py"),
    ],
)
def test_what_a_course_brings_itself_is_refused_by_name(
    nncourse: Run, tmp_path: Path, option: str, value: str
) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    result = nncourse("grade", "--course", tmp_path, option, value)

    assert result.exit_code == 2
    assert f"{option} does not go with it" in " ".join(result.output.split())
    assert not (tmp_path / ".nncourse").exists()


def test_class_remembers_which_attempt_counts(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    blank = (small.submissions / "learner-0001" / SLUG / f"{SLUG}.ipynb").read_text()
    later = small.submissions.parent / "later"
    hand_in(later, "learner-0000", SLUG, blank, "2026-06-01 11:00:00 UTC")
    command = ("grade", later, "--class", small.root, "--unsafe", "--json")
    nncourse(*words(small))

    best = nncourse(*command, "--attempts", "best")
    same = nncourse(*command)
    last = nncourse(*command, "--attempts", "last")
    after = nncourse(*command)

    assert "From now on the best of several attempts counts" in best.stderr
    assert "The best of several attempts counts" in same.stderr
    assert "worth less than attempt 1" in json.loads(same.stdout)["set_aside"][0]
    assert "From now on the last of several attempts counts" in last.stderr
    assert "since a later hand-in counts" in json.loads(last.stdout)["changed"][0]
    assert "several attempts" not in after.stderr
    text = (small.root / "class.toml").read_text(encoding="utf-8")
    assert text == 'attempts = "last"\ntimezone = "UTC"\n[late]\npercent = 10\nper = "day"\n'


def test_help_says_what_the_table_of_groups_holds(nncourse: Run) -> None:
    said = " ".join(nncourse("grade", "--help").output.replace("│", " ").split())

    assert "columns group,members" in said


def test_nothing_to_grade_is_refused(nncourse: Run, small: SmallClass) -> None:
    result = nncourse("grade", "--class", small.root)

    assert result.exit_code == 2
    assert "Name folders, zips or notebooks" in result.output


def test_regrade_says_that_nothing_changed(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    nncourse(*words(small))

    result = nncourse("regrade", "00", "--class", small.root, "--unsafe")

    assert result.exit_code == 0
    assert "0 graded" in result.output
    assert "6 unchanged" in result.output


def test_regrade_counts_penalties_by_the_due_date_of_now(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    """The third handed in two days late; then the due date moved in a file, by hand."""
    nncourse(*words(small))
    path = small.root / "assignments.json"
    path.write_text(path.read_text().replace("2026-06-01 12:00", "2026-06-05 12:00"))

    first = nncourse("regrade", "--class", small.root, "--unsafe")
    second = nncourse("regrade", "--class", small.root, "--unsafe", "--json")

    assert "6 unchanged" in first.output
    assert "worked out again: 1 penalty changed" in " ".join(first.output.split())
    assert "learner-0002" in first.output
    assert charged(small) == ({}, "2026-06-05 12:00:00")
    assert json.loads(second.stdout)["penalties"] == 0


def test_release_with_another_due_date_reaches_penalties_at_once(
    nncourse: Run, small: SmallClass, here: list[Any], tmp_path: Path
) -> None:
    release = ("release", "00", "--class", small.root, "--to", tmp_path / "b.zip", "--due")
    not_graded = nncourse(*release, "2026-06-02 12:00")
    nncourse(*words(small))
    late, due = charged(small)

    later = nncourse(*release, "2026-06-05 12:00")

    assert "worked out again" not in not_graded.output
    assert (set(late), due) == ({"learner-0002"}, "2026-06-02 12:00:00")
    assert charged(small) == ({}, "2026-06-05 12:00:00")
    assert "1 penalty changed" in later.output
    back = nncourse(*release, "2026-06-02 12:00", "--json")
    assert charged(small) == (late, due)
    assert len(json.loads(back.stdout)["penalties"]) == 1
    none = nncourse(*release[:-1], "--no-due")
    assert charged(small) == ({}, "None")
    assert "there was a due date before" in none.output


def test_extension_reaches_penalties_at_once_and_taken_back_too(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    nncourse(*words(small))
    late, _ = charged(small)
    extend = ("extend", "learner-0002", "00", "--class", small.root, "--days")

    given = nncourse(*extend, "3")

    assert late
    assert charged(small)[0] == {}
    assert "1 penalty changed" in given.output
    taken_back = nncourse(*extend, "0")
    assert charged(small)[0] == late
    assert "1 penalty changed" in taken_back.output


def test_date_is_set_even_while_a_run_holds_the_class(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    from grading.journal import Journal

    nncourse(*words(small))
    with Journal(small.classroom.journal_folder):
        result = nncourse("extend", "learner-0002", "00", "--class", small.root, "--days", "3")

    room = small.classroom
    assert result.exit_code == 0
    assert "penalties were not worked out again" in result.output
    assert "nncourse regrade --class" in result.output
    assert room.settings.extensions[0].days == 3


def charged(small: SmallClass) -> tuple[dict[str, float], str]:
    """Return penalties by learner, and the due date, as nbgrader has them."""
    from nbgrader.api import Gradebook

    with Gradebook(small.classroom.db_url, small.classroom.course_id) as gradebook:
        found = gradebook.assignment_submissions(SLUG)
        late = {each.student_id: each.late_submission_penalty for each in found}
        due = str(gradebook.find_assignment(SLUG).duedate)
    return {who: points for who, points in late.items() if points}, due


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explain in this process."""
    from grading.sandbox import LocalSandboxes

    class Local(LocalSandboxes):
        def __init__(self, *, unsafe: bool) -> None:
            assert unsafe

        def __enter__(self) -> Local:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

    monkeypatch.setattr("grading.sandbox.Sandboxes", Local)


@pytest.mark.usefixtures("local")
def test_explain_shows_failing_cases_and_all_as_json(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    nncourse(*words(small))
    asked = ("regrade", "--class", small.root, "--unsafe", "--explain")

    shown = nncourse(*asked, "learner-0002", "mean_squared_error")
    whole = nncourse(*asked, "learner-0002", "mean_squared_error", "--all-cases")
    plain = nncourse(*asked, "learner-0002", "mean_squared_error", "--json")
    unknown = nncourse(*asked, "learner-0002", "relu")

    assert shown.exit_code == 0, shown.output
    assert "1 of 3 points, failed_tests" in shown.output
    assert "case 1 (the worked example), for matrix" in shown.output
    content = json.loads(plain.stdout)
    assert content["cell"]["misconceptions"] == ["mean_over_rows_only"]
    assert content["cases"][0]["inputs"]["y"] == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert whole.output.count("\ncase ") == len(content["cases"]) > shown.output.count("\ncase ")
    assert unknown.exit_code == 2
    assert "was graded" in unknown.output


@pytest.mark.usefixtures("local")
def test_number_of_a_feedback_page_names_its_attempt_for_good(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    """The page says: name this number to your instructor."""
    who = "learner-0002"
    page = small.root / "feedback" / who / SLUG / f"{SLUG}.html"
    asked = ("regrade", "--class", small.root, "--unsafe", "--explain")
    nncourse(*words(small))
    nncourse("feedback", "00", "--class", small.root)
    number = page.read_text("utf-8").rpartition("</code>")[0].rpartition("<code>")[2]
    right = (small.submissions / "learner-0000" / SLUG / f"{SLUG}.ipynb").read_text("utf-8")
    hand_in(small.submissions, who, SLUG, right, "2026-06-04 10:00:00 UTC")
    nncourse(*words(small))

    then = nncourse(*asked, number, "mean_squared_error")
    now = nncourse(*asked, who, "mean_squared_error")
    nobody = nncourse(*asked, "0123456789ab", "mean_squared_error")

    assert then.exit_code == 0, then.output
    assert "1 of 3 points, failed_tests" in then.output
    assert f"{who}, {SLUG}, attempt 1, handed in 2026-06-03 10:00:00 UTC, number {number}" in (
        then.output
    )
    assert "3 of 3 points, ok" in now.output
    assert "attempt 2, handed in 2026-06-04 10:00:00 UTC" in now.output
    assert "learner-0000" not in now.output
    assert nobody.exit_code == 2
    assert "no result of this class has that number" in " ".join(nobody.output.split())


@pytest.mark.usefixtures("local")
def test_exercise_that_is_not_there_is_answered_with_the_nearest(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    nncourse(*words(small))
    asked = ("regrade", "--class", small.root, "--unsafe", "--explain", "learner-0002")

    part = nncourse(*asked, "predict")
    typo = nncourse(*asked, "mean_square_eror")
    other = nncourse(*asked, "zzz")

    assert "Did you mean predict_shapes?" in " ".join(part.output.split())
    assert "Did you mean mean_squared_error?" in " ".join(typo.output.split())
    assert "There are: mean_squared_error, predict_shapes." in " ".join(other.output.split())


def test_points_that_a_person_gives_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    cells = (CellResult("test", 2.0, 2.0, "ok"), CellResult("essay", None, 3.0, "manual"))
    result = Result("k", "s", "v", "ok", (NotebookResult("hw", cells),))
    summary = Summary()
    summary.add("ada, hw", result)
    summary.show("ada", "hw", result, 0.0)

    _grading.show(summary)

    said = " ".join(capsys.readouterr().out.split())
    assert "2 of 5, 3 of them by a person" in said
    assert "1 submission holds answers for which a person gives the points" in said
    assert summary.to_dict()["n_by_person"] == 1


def test_what_cannot_be_read_is_not_among_what_was_mended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = NotebookResult("01-x", (), notes=("it is no JSON from line 3 on",))
    whole = NotebookResult("01-x", (), notes=("a check was missing; it is back",))
    summary = Summary()
    summary.add("ada, 01-x", Result("k", "s", "v", "invalid_submission", (broken,)))
    summary.add("bob, 01-x", Result("k", "s", "v", "ok", (whole,)))

    _grading.show(summary)

    said = capsys.readouterr().out
    mended, _, unreadable = said.partition("Cannot be read, and got no points:")
    assert "ada, 01-x: it is no JSON from line 3 on" in unreadable
    assert "bob, 01-x: a check was missing" in mended
    assert "ada" not in mended
    assert summary.to_dict()["n_unreadable"] == 1


def test_explanation_becomes_json_whatever_it_holds() -> None:
    import numpy as np

    value = {"a": np.array([1.0, np.nan]), "b": (1, {2}, None), "c": object, "d": np.bool_(True)}

    assert json.loads(json.dumps(_regrade.plain(value), allow_nan=False)) == {
        "a": [1.0, "nan"],
        "b": [1, [2], None],
        "c": repr(object),
        "d": True,
    }


def test_progress_is_a_line_every_ten_seconds_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(_grading.time, "monotonic", lambda: now[0])
    with _grading.watching() as watch:
        for second in range(31):
            now[0] = float(second)
            watch(Progress(second * 2, 100, float(second), "grading"))

    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "grading: 20 of 100, 2.0/s, 40 s left",
        "grading: 40 of 100, 2.0/s, 30 s left",
        "grading: 60 of 100, 2.0/s, 20 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert _grading.duration(seconds) == text


def test_same_sentence_about_many_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary()
    for i in range(40):
        summary.note(f"learner-{i}, 01-x: The clock was taken for UTC.")
    summary.note("learner-7, 01-x: A check was missing; it is back.")

    _grading.show(summary)

    output = capsys.readouterr().out
    assert output.count("The clock was taken for UTC.") == 1
    assert "learner-0, 01-x and 39 more: The clock" in output
    assert "learner-7, 01-x: A check was missing" in output


def test_interrupted_run_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    _grading.show(Summary(graded=3, interrupted=True))

    assert "To go on, run the same command." in capsys.readouterr().out


def test_cluster_option_makes_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(
        grading.engine, "DaskCluster", lambda address, unsafe: made.append((address, unsafe))
    )

    _grading.make_engine(None, "tcp://a:1", unsafe=True)

    assert made == [("tcp://a:1", True)]


def test_submission_with_markup_in_its_name_is_shown_as_it_is(
    nncourse: Run, small: SmallClass, here: list[Any]
) -> None:
    """Rich would take the brackets for a style, or fail on them."""
    shutil.copytree(small.submissions / "learner-0000", small.submissions / "[bold]x[/red]")

    result = nncourse(*words(small))

    assert result.exit_code == 1
    assert "[bold]x[/red]" in result.output
