"""Whoever is forgotten leaves no trace in the class folder, and nobody else loses anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grading.classroom import Classroom, forget, mentions
from grading.journal import Journal
from tests.grading.classroom.graded_class import SLUG, graded_class

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return graded_class(tmp_path_factory.mktemp("made")).root


@pytest.fixture
def classroom(made: Path, tmp_path: Path) -> Classroom:
    shutil.copytree(made, tmp_path / "my class")
    return Classroom.open(tmp_path / "my class")


def traces(root: Path, *words: str) -> list[str]:
    """List every file whose path or bytes hold one of some words, in either case."""
    wanted = [word.lower().encode() for word in words]
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if any(word in str(path.relative_to(root)).lower().encode() for word in wanted)
        or (path.is_file() and any(word in path.read_bytes().lower() for word in wanted))
    ]


def test_before_the_traces_are_many(classroom):
    learner = classroom.roster.by_id("lovelace7")

    assert len(traces(classroom.root, "lovelace7", "Augusta")) > 10
    assert len(traces(classroom.root, learner.key)) == 2  # keys.json and the journal
    assert len(mentions(classroom.root, learner)) > 10


def test_afterwards_there_is_none(classroom):
    learner = classroom.roster.by_id("lovelace7")

    removed = forget(classroom, learner)

    assert traces(classroom.root, "lovelace", "Augusta", learner.key, learner.email) == []
    assert mentions(classroom.root, learner) == []
    assert "1 entries of the journal" in removed
    assert "all rows in the gradebook" in removed
    assert any(each.endswith("files in submitted/lovelace7") for each in removed)
    assert "2 extensions" in removed


def test_nobody_else_loses_anything(classroom):
    other = classroom.roster.by_id("noether3")
    before = {
        path: path.read_bytes()
        for path in classroom.root.rglob("*/noether3/**/*")
        if path.is_file()
    }

    forget(classroom, classroom.roster.by_id("lovelace7"))

    again = Classroom.open(classroom.root)
    assert len(before) >= 5
    assert all(path.read_bytes() == content for path, content in before.items())
    assert again.roster.all() == [other]
    assert [each.student for each in again.settings.extensions] == ["noether3"]
    assert _gradebook_points(again) == {"noether3": 2.0}
    with Journal(again.journal_folder, readonly=True) as journal:
        assert [entry.learner for entry in journal.entries(slug=SLUG)] == [other.key]


def _gradebook_points(classroom: Classroom) -> dict[str, float]:
    from nbgrader.api import Gradebook

    with Gradebook(classroom.db_url, classroom.course_id) as gradebook:
        return {each.student.id: each.score for each in gradebook.assignment_submissions(SLUG)}


@pytest.mark.parametrize("step", ["_from_journal", "_from_folders", "remove"])
def test_what_a_kill_left_can_be_ended(classroom, monkeypatch, step):
    from grading.classroom import _forgetting
    from grading.classroom._roster import Roster

    learner = classroom.roster.by_id("lovelace7")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Roster if step == "remove" else _forgetting, step, killed)
    with pytest.raises(KeyboardInterrupt):
        forget(classroom, learner)
    monkeypatch.undo()
    again = Classroom.open(classroom.root)

    forget(again, again.roster.by_id("lovelace7"))

    assert traces(again.root, "lovelace", "Augusta", learner.key) == []


def test_a_link_in_the_place_of_a_folder_is_removed_and_not_followed(classroom, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    shutil.rmtree(classroom.root / "feedback" / "lovelace7")
    (classroom.root / "feedback" / "lovelace7").symlink_to(tmp_path / "precious")

    forget(classroom, classroom.roster.by_id("lovelace7"))

    assert (tmp_path / "precious" / "file").read_text() == "mine"
    assert not (classroom.root / "feedback" / "lovelace7").is_symlink()


def test_files_made_by_hand_are_named_and_left(classroom):
    learner = classroom.roster.by_id("lovelace7")
    (classroom.root / "grades of lovelace7.csv").write_text("x")
    (classroom.root / "notes.txt").write_text("Lovelace, Augusta came late")
    (classroom.root / "other.txt").write_text("lovelace77 is somebody else")

    forget(classroom, learner)

    names = {path.name for path in mentions(classroom.root, learner)}
    assert names == {"grades of lovelace7.csv", "notes.txt"}


def test_a_learner_of_whom_nothing_came_is_forgotten_as_well(tmp_path):
    classroom = Classroom.open(tmp_path / "class", create=True)
    learner = classroom.roster.new("solo9")

    assert forget(classroom, learner) == ["the line in roster.csv", "the key"]
    assert traces(classroom.root, "solo9", learner.key) == []
