"""Erase a learner everywhere, so that a kill in between leaves work that can be done again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from grading.classroom._classroom import Classroom
from grading.classroom._learner import Learner

__all__ = ["Found", "forget", "mentions"]

FOLDERS = ("submitted", "attempts", "autograded", "feedback")
_LARGEST = 512 * 2**20
_SHORTEST = 4

Found = dict[str, int]


def forget(classroom: Classroom, learner: Learner) -> list[str]:
    """Erase a learner from gradebook, journal, folders, extensions, roster and keys.

    The key goes last: as long as it is there, a job that was killed can be begun again.

    Parameters
    ----------
    classroom : Classroom
        The class. No other command may be running on it.
    learner : Learner
        Whom to erase.

    Returns
    -------
    list of str
        What was removed, one phrase each.
    """
    done = [
        *_from_gradebook(classroom, learner),
        *_from_journal(classroom, learner),
        *_from_folders(classroom, learner),
    ]
    if n_given := classroom.forget_extensions(learner.id):
        done.append(f"{n_given} extensions")
    classroom.roster.remove(learner.id)
    return [*done, "the line in roster.csv", "the key"]


def _from_gradebook(classroom: Classroom, learner: Learner) -> Iterator[str]:
    file = classroom.db_url.removeprefix("sqlite:///")
    if file != classroom.db_url and not Path(file).exists():
        return
    from grading.gradebook import Writer  # SQLAlchemy takes a while to load

    with Writer(classroom.db_url, classroom.course_id, tz=classroom.settings.timezone) as writer:
        writer.erase(learner.id)
    yield "all rows in the gradebook"


def _from_journal(classroom: Classroom, learner: Learner) -> Iterator[str]:
    if not classroom.journal_folder.is_dir():
        return
    from grading.journal import Journal

    with Journal(classroom.journal_folder) as journal:
        yield f"{journal.forget(learner.key)} entries of the journal"


def _from_folders(classroom: Classroom, learner: Learner) -> Iterator[str]:
    for name in FOLDERS:
        folder = classroom.root / name / learner.id
        if folder.is_symlink():
            folder.unlink()
            yield f"the link {name}/{learner.id}"
        elif folder.is_dir():
            n_files = sum(path.is_file() for path in folder.rglob("*"))
            shutil.rmtree(folder)
            yield f"{n_files} files in {name}/{learner.id}"
    for archive in sorted((classroom.root / "feedback").glob("*.zip")):
        archive.unlink()  # it holds the pages of everybody, and can be written again
        yield f"feedback/{archive.name}"


def mentions(root: Path, learner: Learner) -> list[Path]:
    """List the files of a folder in which a learner is still named, as in a report or an export.

    Parameters
    ----------
    root : Path
        The class folder.
    learner : Learner
        Who should be gone.

    Returns
    -------
    list of Path
        Files whose name or bytes hold key, id, email or full name as a whole word. Words of fewer
        than four letters are not searched for.
    """
    words = {learner.key, learner.id, learner.email, learner.name}
    if learner.first_name and learner.last_name:
        words.add(f"{learner.last_name}, {learner.first_name}")
    spelled = [re.escape(word.encode()) for word in words if len(word) >= _SHORTEST]
    pattern = re.compile(rb"(?<![A-Za-z0-9])(?:" + b"|".join(spelled) + rb")(?![A-Za-z0-9])")
    found = []
    for path in sorted(root.rglob("*")):
        named = pattern.search(path.name.encode("utf-8", "surrogateescape"))
        is_file = path.is_file() and not path.is_symlink()
        if named or (is_file and pattern.search(_content(path))):
            found.append(path)
    return found


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.stat().st_size <= _LARGEST else b""
