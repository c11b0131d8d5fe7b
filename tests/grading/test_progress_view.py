"""The table of progress shows what the file holds, in a notebook and as text."""

from __future__ import annotations

import time

import pytest

from grading import progress, progress_view
from grading.exercises import all_exercises


def test_without_attempts_every_exercise_is_not_started() -> None:
    table = progress_view.table()

    assert [row.exercise for row in table.rows] == [e.id for e in all_exercises()]
    assert {row.state for row in table.rows} == {"not started"}
    assert [total.points for total in table.totals] == [0.0] * len(table.totals)
    assert sum(total.possible for total in table.totals) == sum(e.total for e in all_exercises())


def test_best_points_count_not_the_last() -> None:
    declared = all_exercises()[0]
    progress.record(declared.id, declared.total / 2, declared.total, (), "better")
    progress.record(declared.id, 0.0, declared.total, (), "worse")

    row = progress_view.table().rows[0]

    assert (row.state, row.best, row.attempts) == ("partly", declared.total / 2, 2)
    assert progress_view.points(row) == f"{declared.total / 2:g} / {declared.total:g}"
    assert progress_view.attempts(row) == "2 attempts"


def test_html_and_text_show_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    declared = all_exercises()[0]
    progress.record(declared.id, 0.0, declared.total, [declared.misconceptions[0].name], "a")

    table = progress_view.table()
    progress_view.show()
    printed = capsys.readouterr().out

    for text in (repr(table), table._repr_html_(), printed):
        assert declared.id in text
        assert "tried" in text
        assert "1 attempt" in text
    assert declared.misconceptions[0].name.replace("_", " ") in table._repr_html_()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set on Windows")
def test_times_are_shown_in_the_learners_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")  # POSIX writes zones east of Greenwich with a minus
    time.tzset()

    shown = progress_view.local_time("2026-03-01T23:30:00+00:00")

    monkeypatch.undo()
    time.tzset()
    assert shown == "2026-03-02 01:30"
    assert progress_view.local_time("") == ""
    assert progress_view.local_time("yesterday") == "yesterday"
