"""An empty class, and one with three learners."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading.classroom import Classroom


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NNCOURSE_DB", raising=False)
    monkeypatch.delenv("NNCOURSE_CLASS", raising=False)


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    """An empty class in a folder with a space and letters beyond ASCII."""
    return Classroom.open(tmp_path / "my class é", create=True, timezone="Europe/Berlin")


@pytest.fixture
def trio(classroom: Classroom) -> Classroom:
    roster = classroom.roster
    roster.new("ada", first_name="Ada", last_name="Lovelace", email="ada@example.org", group="a")
    roster.new("blaise", first_name="Blaise", last_name="Pascal", lms_user_id="4711", group="a")
    roster.new("carl", first_name="Carl Friedrich", last_name="Gauß", group="b")
    return classroom
