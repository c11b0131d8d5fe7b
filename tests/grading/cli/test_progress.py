"""``nncourse progress`` shows the local file, and carries it to another machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grading import progress
from grading.exercises import all_exercises
from tests.grading.cli.conftest import Run


@pytest.fixture
def tried() -> str:
    """Record a half right and a full attempt at the first exercise, and return its id."""
    declared = all_exercises()[0]
    met = [declared.misconceptions[0].name]
    progress.record(declared.id, declared.total / 2, declared.total, met, "first answer")
    progress.record(declared.id, declared.total, declared.total, (), "second answer")
    return declared.id


def test_the_table_shows_state_points_tries_and_wrong_ways(nncourse: Run, tried: str) -> None:
    declared = all_exercises()[0]

    output = nncourse("progress").output

    row = next(line.split() for line in output.splitlines() if f" {tried} " in line)
    assert row[:7] == [
        "00",
        tried,
        "passed",
        f"{declared.total:g}",
        "/",
        f"{declared.total:g}",
        "2",
    ]
    wrong = declared.misconceptions[0].name.replace("_", " ")
    assert f"Wrong ways met in {tried}: {wrong}" in " ".join(output.split())
    n_core = sum(e.tier == "core" for e in all_exercises())
    assert f"core: 1 of {n_core} exercises passed, {declared.total:g} of" in output


def test_json_lists_every_exercise_in_order(nncourse: Run, tried: str) -> None:
    content = json.loads(nncourse("progress", "--json").stdout)

    assert [row["exercise"] for row in content["rows"]] == [e.id for e in all_exercises()]
    assert content["rows"][0]["state"] == "passed"
    assert content["rows"][1]["state"] == "not started"
    assert content["totals"][0]["passed"] == 1


def test_progress_travels_to_another_machine(
    nncourse: Run, tried: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mein Stand é.jsonl"

    exported = nncourse("progress", "--export", file)
    monkeypatch.setenv("NNCOURSE_HOME", str(tmp_path / "other machine"))
    imported = nncourse("progress", "--import", file)
    again = nncourse("progress", "--import", file)

    assert exported.output == f"2 attempts written to {file}.\n"
    assert imported.output == f"2 attempts added from {file}.\n"
    assert again.output == f"0 attempts added from {file}.\n"
    assert progress.summary()[tried].passed


def test_an_export_never_replaces_a_file(nncourse: Run, tried: str, tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("x")

    result = nncourse("progress", "--export", tmp_path / "thesis")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "exists already" in result.stderr
    assert (tmp_path / "thesis").read_text() == "x"
