"""Progress is one file that loses nothing: not to a second notebook, a crash or a later version."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grading import progress
from grading.check.checking import examine
from grading.check.lookup import Found
from grading.exercises import exercise
from grading.refusals import Refusal

ROOT = Path(__file__).parents[2]
NAME = "mean_squared_error"


def test_two_processes_that_write_at_once_lose_nothing(home):
    program = (
        "import sys\nfrom grading import progress\n"
        "for i in range(200): progress.record(sys.argv[1], i, 200, ['some_mistake'], str(i))"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, name], cwd=ROOT)
        for name in ("first", "second")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]

    attempts = progress.read()

    for name in ("first", "second"):
        points = [attempt.points for attempt in attempts if attempt.exercise == name]
        assert points == [float(i) for i in range(200)]


def test_a_write_waits_until_another_notebook_has_written(home):
    """Linux appends a line whole in any case; Windows and network drives do not."""
    import fcntl

    with progress.path().open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        writer = threading.Thread(target=progress.record, args=(NAME, 1.0, 3.0))
        writer.start()
        writer.join(timeout=0.5)  # without a lock it ends within milliseconds
        waits, meanwhile = writer.is_alive(), progress.read()
    writer.join(timeout=30)

    assert waits
    assert meanwhile == []
    assert [attempt.points for attempt in progress.read()] == [1.0]


def test_a_line_cut_short_by_a_crash_costs_only_itself(home):
    progress.record(NAME, 1.0, 3.0)
    with progress.path().open("a", encoding="utf-8") as file:
        file.write('{"exercise": "mean_squared_error", "time": "2026-0')

    progress.record(NAME, 3.0, 3.0)

    assert [attempt.points for attempt in progress.read()] == [1.0, 3.0]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"exercise": "mean_squared_error"}',
        b'{"exercise": "mean_squared_error", "time": "", "points": NaN, "total": 3}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_attempt_is_passed_over(home, line):
    progress.record(NAME, 2.0, 3.0)
    with progress.path().open("ab") as file:
        file.write(line + b"\n")

    assert [attempt.points for attempt in progress.read()] == [2.0]


def test_characters_that_end_lines_elsewhere_do_not_end_them_here(home):
    progress.record(NAME, 1.0, 3.0, ["a\u2028b\x85c"])

    assert progress.read()[0].misconceptions == ("a\u2028b\x85c",)


def test_a_file_that_cannot_be_read_counts_as_no_attempts(home):
    progress.path().mkdir(parents=True)

    assert progress.read() == []
    assert progress.summary()[NAME].state == "not started"


@pytest.mark.parametrize("obstacle", ["folder in place of the file", "file in place of the folder"])
def test_progress_that_cannot_be_saved_is_a_remark_and_costs_no_points(home, monkeypatch, obstacle):
    if obstacle.startswith("folder"):
        progress.path().mkdir()
    else:
        (home / "taken").write_text("")
        monkeypatch.setenv("NNCOURSE_HOME", str(home / "taken"))

    report = examine(exercise(NAME), Found(exercise(NAME).reference))

    assert report.state == "passed"
    assert report.earned == 3
    assert report.remark.startswith(f"Progress cannot be saved to {progress.path()} (")
    assert report.remark.endswith("Free or unlock it.")


def test_a_full_disk_is_told_and_the_next_line_begins_anew(home, monkeypatch):

    class Full(io.FileIO):
        def write(self, data):
            return super().write(bytes(data)[:20])

    monkeypatch.setattr(Path, "open", lambda self, mode, buffering=0: Full(self, mode))
    with pytest.raises(Refusal, match=r"\(No space left on device\)"):
        progress.record(NAME, 1.0, 3.0)
    monkeypatch.undo()
    monkeypatch.setenv("NNCOURSE_HOME", str(home))

    progress.record(NAME, 2.0, 3.0)

    assert [attempt.points for attempt in progress.read()] == [2.0]


def test_attempts_at_exercises_of_later_versions_survive_a_round_trip(home, tmp_path, monkeypatch):
    progress.record("exercise_of_2031", 1.0, 2.0, ["mistake_of_2031"], "abc")
    progress.record(NAME, 3.0, 3.0)
    before = progress.read()
    assert progress.export_to(tmp_path / "out.jsonl") == 2
    monkeypatch.setenv("NNCOURSE_HOME", str(tmp_path / "elsewhere"))

    assert progress.import_from(tmp_path / "out.jsonl") == 2

    assert progress.read() == before
    assert "exercise_of_2031" not in progress.summary()


def test_importing_twice_adds_once(home, tmp_path):
    progress.record(NAME, 3.0, 3.0)
    progress.export_to(tmp_path / "out.jsonl")

    assert progress.import_from(tmp_path / "out.jsonl") == 0
    assert len(progress.read()) == 1


def test_an_export_overwrites_no_file(home, tmp_path):
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(Refusal, match="exists already"):
        progress.export_to(tmp_path / "mine")

    assert (tmp_path / "mine").read_text() == "precious"


def test_a_file_with_a_strange_line_is_imported_not_at_all(home, tmp_path):
    progress.record(NAME, 3.0, 3.0)
    text = progress.path().read_text()
    (tmp_path / "in").write_text(text.replace("3.0", "2.0") + "hello\n")

    with pytest.raises(Refusal, match="line 2 is no attempt, so nothing was imported"):
        progress.import_from(tmp_path / "in")

    assert len(progress.read()) == 1


def test_a_file_that_passed_through_an_editor_for_windows_is_imported(home, tmp_path):
    line = json.dumps({"exercise": NAME, "time": "2026-01-01", "points": 1, "total": 3})
    (tmp_path / "in").write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")

    assert progress.import_from(tmp_path / "in") == 1


@pytest.mark.parametrize(
    ("variable", "value"), [("NBGRADER_EXECUTION", "autograde"), ("NNCOURSE_PROGRESS", "off")]
)
def test_nothing_is_recorded_while_grading_or_when_switched_off(home, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    report = examine(exercise(NAME), Found(exercise(NAME).reference))

    assert report.earned == 3
    assert list(home.iterdir()) == []
    assert report.solution == "", "a grader's output must not hold the solution"


def test_a_solution_opens_after_three_different_answers(home):
    left = []
    for answer in ("a", "a", "b", "c"):
        progress.record(NAME, 0.0, 3.0, (), answer)
        left.append(progress.attempts_until_solution(NAME))

    assert left == [2, 2, 1, 0]


def test_a_solution_opens_after_a_pass_also_for_an_instructors_own_exercise(home):
    assert not progress.solution_is_open("an_exercise_of_ours")

    progress.record("an_exercise_of_ours", 2.0, 2.0)

    assert progress.solution_is_open("an_exercise_of_ours")


def test_the_summary_keeps_the_best_result_and_every_mistake_met(home):
    progress.record(NAME, 1.0, 3.0, ["stray_half"], "a")
    progress.record(NAME, 2.0, 3.0, ["not_squared", "stray_half"], "b")
    progress.record(NAME, 0.0, 3.0, [], "c")

    summed = progress.summary()[NAME]

    assert (summed.best, summed.attempts, summed.state) == (2.0, 3, "partly")
    assert summed.misconceptions == ("stray_half", "not_squared")


def test_answers_that_returned_nothing_count_as_attempts_but_open_no_solution(home: Path) -> None:
    for answer in "abc":
        progress.record(NAME, 0.0, 3.0, (), answer, returned=False)
    left_after_errors = progress.attempts_until_solution(NAME)
    for answer in "cde":
        progress.record(NAME, 0.0, 3.0, (), answer)

    assert left_after_errors == 3
    assert progress.solution_is_open(NAME)
    assert progress.summary()[NAME].attempts == 5


def test_lines_of_before_say_nothing_about_results_and_count(home: Path) -> None:
    line = '{{"exercise": "{}", "time": "t", "points": 0, "total": 3, "answer_hash": "{}"}}\n'
    lines = "".join(line.format(NAME, answer) for answer in "abc")
    (home / "progress.jsonl").write_text(lines, encoding="utf-8")

    assert progress.solution_is_open(NAME)
