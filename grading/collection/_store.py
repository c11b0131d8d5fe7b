"""Copy submissions into the class folder, where nbgrader and people look for them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from grading.classroom import Classroom, Learner
from grading.classroom._files import write_atomically
from grading.collection._submission import Submission
from grading.refusals import Refusal

__all__ = ["store", "stored_times"]

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{12}")


def store(submission: Submission, classroom: Classroom) -> Path:
    """Copy a submission into ``submitted/``; each attempt stays under ``attempts/`` as well.

    Storing the same submission again changes nothing. A crash at any point leaves whole files, and
    storing again completes them.

    Parameters
    ----------
    submission : Submission
        As `collect` gave it.
    classroom : Classroom
        The class.

    Returns
    -------
    Path
        The folder in nbgrader's tree.

    Raises
    ------
    Refusal
        If a link stands in the way.
    """
    learner, slug = submission.learner.id, submission.slug
    folder = classroom.submitted(learner, slug)
    stamp = submission.handed_in.astimezone(UTC)
    kept = classroom.attempts(learner, slug) / f"{stamp:{_STAMP}}-{submission.sha256[:12]}"
    for path in (folder.parent, folder, kept.parent.parent, kept.parent, kept):
        if path.is_symlink():
            msg = f"{path}: a link stands where a folder belongs. Remove it."
            raise Refusal(msg)
    timestamp = f"{stamp:%Y-%m-%d %H:%M:%S.%f} UTC\n".encode()
    about = {
        "attempt": submission.attempt,
        "version": submission.version,
        "time_from": submission.time_from,
        "notes": list(submission.notes),
    }
    files = dict(submission.files) | {"timestamp.txt": timestamp}
    _write(kept, files | {"attempt.json": json.dumps(about, indent=1).encode()})
    _write(folder, files)
    return folder


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
            # The journal keeps what was handed in; a copy lost with the power is written again.
            write_atomically(path, content, durable=False)


def stored_times(classroom: Classroom, learner: Learner, slug: str) -> set[datetime]:
    """Tell when a learner's stored attempts were handed in.

    Parameters
    ----------
    classroom : Classroom
        The class.
    learner : Learner
        Whose.
    slug : str
        The assignment.

    Returns
    -------
    set of datetime
        In UTC.
    """
    folder = classroom.attempts(learner.id, slug)
    if not folder.is_dir():
        return set()
    names = [_NAME.fullmatch(path.name) for path in folder.iterdir()]
    return {datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC) for name in names if name}
