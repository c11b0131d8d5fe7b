"""A folder that is no course, or one that cannot be graded, is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading.kernel import CourseNotebook, CourseVersion, SourceCell, open_course
from grading.kernel._course_files import check_kernel, read_tree, timestamp
from grading.oversized import size_of
from grading.refusals import Refusal


def configured(folder: Path, text: str) -> Path:
    (folder / "nbgrader_config.py").write_text(text, encoding="utf-8")
    return folder


def test_configuration_is_read_as_nbgrader_reads_it(tmp_path: Path):
    text = (
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'a course'\n"
        "c.CourseDirectory.submitted_directory = 'handed in'\n"
        "c.Autograde.autograde_preprocessors = []\n"
    )
    course = open_course(configured(tmp_path, text))

    assert course.course_id == "a course"
    assert course.db_url == f"sqlite:///{tmp_path / 'gradebook.db'}"
    assert course.folder("submitted", "ada", "ps1") == tmp_path / "handed in" / "ada" / "ps1"
    assert "autograde_preprocessors" in course.notes[0]


@pytest.mark.parametrize("named", ["sqlite:///books/grade book.db", "{root}/books/grade book.db"])
def test_gradebook_is_found_from_any_folder(tmp_path: Path, named: str):
    named = named.replace("{root}", f"sqlite:///{tmp_path}")
    text = f"c = get_config()\nc.CourseDirectory.db_url = {named!r}\n"

    course = open_course(configured(tmp_path, text))

    assert course.db_url == f"sqlite:///{tmp_path / 'books' / 'grade book.db'}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("c = get_config()\n1 / 0", "raises ZeroDivisionError"),
        ("raise SystemExit(3)", "raises SystemExit"),
        ("c = get_config()\nc.CourseDirectory.course_id = 3", "does not take a setting"),
    ],
)
def test_a_configuration_that_fails_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(Refusal, match=said):
        open_course(configured(tmp_path, text))


def test_a_folder_without_configuration_is_refused(tmp_path: Path):
    with pytest.raises(Refusal, match=r"nbgrader_config\.py: there is no such file"):
        open_course(tmp_path)


def test_a_course_without_gradebook_is_refused_and_none_is_made(tmp_path: Path):
    course = open_course(configured(tmp_path, "c = get_config()\n"))

    with pytest.raises(Refusal, match="there is no gradebook yet"):
        course.version("ps1")
    assert not (tmp_path / "gradebook.db").exists()


def test_other_kernels_than_pythons_are_refused():
    check_kernel("x", None)
    check_kernel("x", '{"name": "conda-env-ml-py", "language": "python"}')
    with pytest.raises(Refusal, match=r"only Python kernels.*nbgrader autograde"):
        check_kernel("x", '{"name": "ir", "language": "R"}')


def test_submissions_are_found_and_links_are_not_followed(tmp_path: Path):
    course = open_course(configured(tmp_path, "c = get_config()\n"))
    for student in ("ada", "bob"):
        folder = tmp_path / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / "p.ipynb").write_text(student)
    (tmp_path / "secret").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    (folder / "more").symlink_to(tmp_path)
    (folder / "timestamp.txt").write_text("yesterday, perhaps")

    found = course.submissions("ps1")

    assert [each.student for each in found] == ["ada", "bob"]
    assert sorted(found[1].files()) == ["p.ipynb", "timestamp.txt"]
    assert found[1].handed_in is None
    assert "not a date" in found[1].notes[0]


def test_a_timestamp_is_read_in_its_time_zone(tmp_path: Path):
    (tmp_path / "t").write_text("2026-03-01T12:00:00+02:00")
    moment, notes = timestamp(tmp_path / "t")

    assert moment is not None
    assert (moment.isoformat(), notes) == ("2026-03-01T10:00:00+00:00", ())


def test_files_beyond_the_cap_are_left_out(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(60))
    (tmp_path / "b").write_bytes(bytes(60))

    assert list(read_tree(tmp_path, 100)) == ["a"]


def test_a_large_file_beside_it_costs_no_notebook(tmp_path: Path):
    (tmp_path / "a_data.csv").write_bytes(bytes(200))
    (tmp_path / "ps1.ipynb").write_bytes(b"{}")
    (tmp_path / "z").write_bytes(bytes(60))

    assert list(read_tree(tmp_path, 100)) == ["ps1.ipynb", "z"]


def test_the_size_of_a_notebook_stands_for_one_that_is_too_large(tmp_path: Path):
    (tmp_path / "ps1.ipynb").write_bytes(bytes(200))

    [content] = read_tree(tmp_path, 100).values()

    assert size_of(content) == 200


def test_helper_files_replace_the_learners_unless_they_may_be_changed():
    version = CourseVersion(
        "hw",
        (),
        helpers=(("lib.py", b"ours"), ("mine.py", b"ours"), ("data/x", b"ours")),
        kept=("mine.py",),
        ignored=("*.pyc", ".ipynb_checkpoints"),
    )
    handed = {
        "lib.py": b"theirs",
        "mine.py": b"theirs",
        "data": b"in the way",
        "extra.txt": b"theirs",
        "book.ipynb": b"{}",
        ".ipynb_checkpoints/x.txt": b"old",
        "../up": b"x",
        "/abs": b"x",
        "a//b": b"x",
        "a\\b": b"x",
        "nul\0": b"x",
        "deep/" * 30 + "x": b"x",
    }

    assert version.companions(handed) == {
        "lib.py": b"ours",
        "mine.py": b"theirs",
        "data/x": b"ours",
        "extra.txt": b"theirs",
    }


def test_hidden_lines_are_those_between_the_marks():
    version = CourseVersion("hw", ())

    assert version.hidden_lines("a\n# BEGIN HIDDEN TESTS\nb\n# END HIDDEN TESTS\nc") == {2, 3, 4}
    assert version.hidden_lines("a\n# BEGIN HIDDEN TESTS\nb") == {2, 3}
    assert version.hidden_lines("a\nb") == frozenset()


def test_only_what_the_cells_import_is_loaded_ahead():
    cell = SourceCell("t", "code", "%matplotlib inline\nimport numpy.linalg as la\nimport foo", "")
    book = CourseNotebook("b", (cell,), imports=("pandas",))

    assert CourseVersion("hw", (book,)).modules == ("numpy", "pandas")
