"""Files are written whole, and a file that is not ours is left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grading.refusals import Refusal
from grading.reporting import OwnFiles


def test_own_file_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    files = OwnFiles(tmp_path)
    files.write(tmp_path / "out" / "a b.csv", "one")

    OwnFiles(tmp_path).write(tmp_path / "out" / "a b.csv", "two")

    assert (tmp_path / "out" / "a b.csv").read_text() == "two"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a b.csv"]


def test_copied_class_knows_its_own_files(tmp_path: Path) -> None:
    OwnFiles(tmp_path / "class").write(make(tmp_path / "class") / "report.html", "one")
    OwnFiles(tmp_path / "class").write(tmp_path / "elsewhere.html", "one")
    copy = Path(shutil.copytree(tmp_path / "class", tmp_path / "class of 2027"))

    OwnFiles(copy).write(copy / "report.html", "two")
    OwnFiles(copy).write(tmp_path / "elsewhere.html", "two")

    assert (copy / "report.html").read_text() == "two"
    (copy / "report.html").write_text("corrected")
    with pytest.raises(Refusal, match="--force"):
        OwnFiles(copy).write(copy / "report.html", "three")


def test_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"grdaes: there is no such folder.*Make the folder"):
        OwnFiles(tmp_path).write(tmp_path / "grdaes" / "a.csv", "one")

    assert list(tmp_path.iterdir()) == []


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_file_that_somebody_changed_is_kept(tmp_path: Path) -> None:
    """An export that was corrected by hand is no longer ours."""
    path = OwnFiles(tmp_path).write(tmp_path / "a.csv", "one")
    path.write_text("one, corrected")

    with pytest.raises(Refusal, match=r"a\.csv: the file is there already.*--force"):
        OwnFiles(tmp_path).write(path, "two")

    assert path.read_text() == "one, corrected"
    assert OwnFiles(tmp_path).write(path, "two", force=True).read_text() == "two"


def test_file_of_somebody_else_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "canvas.csv"
    path.write_text("Student,ID")

    with pytest.raises(Refusal, match="--force"):
        OwnFiles(tmp_path).write(path, "Student,ID")


def test_damaged_record_makes_every_file_another_ones(tmp_path: Path) -> None:
    path = OwnFiles(tmp_path).write(tmp_path / "a.csv", "one")
    (tmp_path / ".nncourse-written.json").write_text("[broken")

    with pytest.raises(Refusal, match="--force"):
        OwnFiles(tmp_path).write(path, "two")


def test_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep")
    link = tmp_path / "a.csv"
    link.symlink_to(target)

    OwnFiles(tmp_path).write(link, "new", force=True)

    assert target.read_text() == "keep"
    assert not link.is_symlink()


def test_folder_and_unwritable_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Refusal, match="this is a folder"):
        OwnFiles(tmp_path).write(tmp_path, "x")
    with pytest.raises(Refusal, match="cannot be written"):
        OwnFiles(tmp_path).write(tmp_path / "file" / "a.csv", "x")
