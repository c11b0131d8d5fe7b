"""The class folder: begun once, its secret kept, its gradebook where one says."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from grading.classroom import Classroom, class_folder
from grading.refusals import Refusal

ROOT = Path(__file__).resolve().parents[3]


def test_a_class_is_begun_once(classroom):
    again = Classroom.open(classroom.root, create=True)

    assert len(classroom.secret) == 32
    assert again.secret == classroom.secret


def test_two_classes_have_two_secrets(classroom, tmp_path):
    assert Classroom.open(tmp_path / "other", create=True).secret != classroom.secret


def test_the_secret_is_shown_nowhere(classroom):
    assert stat.S_IMODE((classroom.root / "secret.key").stat().st_mode) == 0o600
    assert str(classroom.secret) not in repr(classroom) + str(vars(classroom)["settings"])
    assert classroom.secret.hex() not in repr(classroom)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_secret_that_others_can_read_is_refused_with_the_mend(classroom, mode):
    path = classroom.root / "secret.key"
    path.chmod(mode)

    with pytest.raises(Refusal) as refusal:
        Classroom.open(classroom.root)

    assert f"chmod 600 '{path}'" in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_refused(classroom, content):
    (classroom.root / "secret.key").write_bytes(content)

    with pytest.raises(Refusal, match="expected 32"):
        Classroom.open(classroom.root, create=True)


def test_a_folder_that_is_no_class_is_refused(tmp_path):
    with pytest.raises(Refusal, match="there is no class"):
        Classroom.open(tmp_path / "nowhere")
    with pytest.raises(Refusal, match="secret of the class is missing"):
        Classroom.open(tmp_path)


def test_without_an_option_it_is_the_folder_that_nbgrader_sees(monkeypatch):
    assert class_folder() == ROOT / "my-class"
    monkeypatch.setenv("NNCOURSE_CLASS", "winter term")
    assert class_folder() == ROOT / "winter term"
    assert class_folder(Path("here")) == Path.cwd() / "here"


def test_folders_are_those_of_nbgrader(classroom):
    assert classroom.submitted("ada", "01-x") == classroom.root / "submitted" / "ada" / "01-x"
    assert classroom.autograded("ada", "01-x") == classroom.root / "autograded" / "ada" / "01-x"
    assert classroom.feedback("ada", "01-x") == classroom.root / "feedback" / "ada" / "01-x"


def test_the_gradebook_is_in_the_folder_unless_one_says_otherwise(classroom, monkeypatch):
    url = "postgresql+psycopg2://grader@localhost/gradebook"

    assert classroom.db_url == f"sqlite:///{classroom.root / 'gradebook.db'}"
    assert Classroom.open(classroom.root, db=url).db_url == url
    monkeypatch.setenv("NNCOURSE_DB", "sqlite:////elsewhere.db")
    assert Classroom.open(classroom.root).db_url == "sqlite:////elsewhere.db"
    assert Classroom.open(classroom.root, db=url).db_url == url


def test_a_password_is_not_kept_where_others_can_read_it(classroom):
    url = "postgresql+psycopg2://grader:hunter2@localhost/gradebook"
    path = classroom.root / "class.toml"
    path.write_text(f'database = "{url}"\n')
    path.chmod(0o644)

    with pytest.raises(Refusal, match="chmod 600") as refusal:
        Classroom.open(classroom.root)
    assert "hunter2" not in str(refusal.value)

    path.chmod(0o600)
    opened = Classroom.open(classroom.root)
    assert opened.db_url == url
    assert "hunter2" not in repr(opened.settings)


def test_a_url_given_by_option_is_written_nowhere(classroom):
    Classroom.open(classroom.root, create=True, db="postgresql://grader:hunter2@host/db")

    assert not any(
        b"hunter2" in path.read_bytes() for path in classroom.root.rglob("*") if path.is_file()
    )
