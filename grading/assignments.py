"""An assignment as it was released: the notebook, its exercises and the secret of the class.

`AssignmentVersion` is everything that grading needs beside the submission. It is plain data, so
that it travels to a worker process or a cluster; exercises are looked up by name where it arrives.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from grading.exercises import Exercise, exercise
from grading.refusals import Refusal
from grading.sources import files_of

__all__ = ["AssignmentVersion", "ReleasedCell", "version_of"]

CHECK_PREFIX = "check_"


@dataclass(frozen=True)
class ReleasedCell:
    """One cell of a released notebook.

    Attributes
    ----------
    id : str
        nbformat's id of the cell.
    kind : {"setup", "exercise", "check", "other"}
        Set-up code, a cell that the learner fills, a locked check, anything else.
    name : str
        Exercise id for ``"exercise"`` and ``"check"``; otherwise empty.
    cell_type : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
        Its text as released.
    tags : tuple of str
        Its tags.
    """

    id: str
    kind: str
    name: str
    cell_type: str
    source: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class AssignmentVersion:
    """A released assignment with probed exercises, and what decides about its grading.

    Attributes
    ----------
    slug : str
        Name of the assignment and of its notebook: ``"01-backpropagation"``.
    released : str
        The released notebook, JSON text.
    secret : bytes
        The secret of the class; hidden cases are drawn from it.
    private : tuple of str
        Python files with an instructor's own declarations, as paths on the machine that grades.
    """

    slug: str
    released: str
    secret: bytes = field(repr=False)
    private: tuple[str, ...] = ()

    @cached_property
    def notebook(self) -> dict[str, Any]:
        """The released notebook as nested dicts and lists; do not change it."""
        content: dict[str, Any] = json.loads(self.released)
        return content

    @cached_property
    def cells(self) -> tuple[ReleasedCell, ...]:
        """The released cells in their order."""
        return tuple(_released_cell(cell) for cell in self.notebook["cells"])

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """Declarations by id, in the order of the notebook's checks."""
        if self.private:
            from grading.exercises import load_private  # only an instructor has such files

            load_private(self.private)
        return {cell.name: exercise(cell.name) for cell in self.cells if cell.kind == "check"}

    @cached_property
    def sandbox_modules(self) -> tuple[str, ...]:
        """Packages, beside the standard library, that its answers may import while graded."""
        named = {name for each in self.exercises.values() for name in each.sandbox_modules}
        return tuple(sorted(named | {"numpy"}))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the notebook, the declarations, the judging code and the class secret."""
        content = hashlib.sha256()
        for part in (self.slug, self.released, code_hash()):
            content.update(_framed(part.encode()))
        for name, source in self.exercise_hashes.items():
            content.update(_framed(name.encode()))
            content.update(_framed(source.encode()))
        content.update(_framed(hashlib.sha256(self.secret).digest()))
        return content.hexdigest()

    @cached_property
    def exercise_hashes(self) -> dict[str, str]:
        """By exercise, a hash of what decides about its points alone.

        That is its declaration (the files that it rests on), the judging code, the set-up cells
        and the class secret. An exercise whose hash stands is not graded again.
        """
        setup = [cell.source for cell in self.cells if cell.kind == "setup"]
        common = hashlib.sha256()
        for part in (code_hash(), *setup):
            common.update(_framed(part.encode("utf-8", "replace")))
        common.update(_framed(hashlib.sha256(self.secret).digest()))
        return {
            name: hashlib.sha256(common.digest() + _source_hash(declared).encode()).hexdigest()
            for name, declared in self.exercises.items()
        }

    def __getstate__(self) -> dict[str, Any]:
        """Give the fields only to a pickle: the rest is looked up where it arrives."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def seed(self, name: str, sources: Iterable[str]) -> int:
        """Draw the seed of an exercise's hidden cases from the secret and what was handed in.

        Parameters
        ----------
        name : str
            The exercise.
        sources : iterable of str
            Sources of all cells of the learner that run, in the order of the notebook: solution
            cells, and added ones. Whatever is changed in them, the cases are others.

        Returns
        -------
        int
            128 bits of HMAC-SHA-256(secret, name and sources): the same for the same submission,
            and not to be known without the secret.
        """
        message = b"".join(_framed(part.encode("utf-8", "replace")) for part in (name, *sources))
        return int.from_bytes(hmac.digest(self.secret, message, "sha256")[:16], "big")


def version_of(path: Path, secret: bytes, private: tuple[str, ...] = ()) -> AssignmentVersion:
    """Read a released notebook.

    Parameters
    ----------
    path : Path
        ``course/01-backpropagation/01-backpropagation.ipynb``, for example.
    secret : bytes
        The secret of the class.
    private : tuple of str, default ()
        Files with an instructor's own declarations.

    Returns
    -------
    AssignmentVersion
        The assignment, named after the file.

    Raises
    ------
    Refusal
        If the file is absent or holds no notebook with checks of known exercises.
    """
    try:
        version = AssignmentVersion(
            path.stem, path.read_text(encoding="utf-8"), secret, tuple(private)
        )
        n_exercises = len(version.exercises)
    except FileNotFoundError as error:
        msg = f"{path}: there is no such notebook. Run: nncourse build"
        raise Refusal(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        detail = error.args[0] if isinstance(error, KeyError) and error.args else error
        msg = f"{path}: this is not a released notebook of the course: {detail}"
        raise Refusal(msg) from error
    if not n_exercises:
        msg = f"{path}: the notebook holds no check, so there is nothing to grade in it."
        raise Refusal(msg)
    return version


def _released_cell(cell: dict[str, Any]) -> ReleasedCell:
    metadata = cell.get("metadata", {})
    marks = metadata.get("nbgrader", {})
    tags = tuple(metadata.get("tags", ()))
    kind, name = "other", ""
    if marks.get("solution"):
        kind, name = "exercise", str(marks["grade_id"])
    elif marks.get("grade"):
        kind, name = "check", str(marks["grade_id"]).removeprefix(CHECK_PREFIX)
    elif "setup" in tags:
        kind = "setup"
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return ReleasedCell(str(cell.get("id", "")), kind, name, str(cell["cell_type"]), text, tags)


def _framed(part: bytes) -> bytes:
    """Put the length before the bytes, so that no two lists of parts run together alike."""
    return len(part).to_bytes(8, "big") + part


@cache
def code_hash() -> str:
    """Hash the code that runs and compares answers: another comparator is another version."""
    package = Path(__file__).resolve().parent
    content = hashlib.sha256()
    for folder in ("probes", "check", "broker"):
        for path in sorted((package / folder).rglob("*.py")):
            content.update(_framed(path.relative_to(package).as_posix().encode()))
            content.update(_framed(path.read_bytes()))
    return content.hexdigest()


def _source_hash(declared: Exercise) -> str:
    """Hash the files in which a declaration is written."""
    content = hashlib.sha256(declared.id.encode())
    for path in files_of(declared):
        content.update(_framed(path.name.encode()))
        content.update(_framed(path.read_bytes()))
    return content.hexdigest()
