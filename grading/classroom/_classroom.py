"""The class folder and what lies in it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from grading.assignments import AssignmentVersion, version_of
from grading.classroom._due import time_zone
from grading.classroom._files import locked, refuse_if_readable_by_others, said, write_atomically
from grading.classroom._learner import Learner
from grading.classroom._penalty import late_penalty
from grading.classroom._roster import Roster
from grading.classroom._settings import (
    AssignmentSettings,
    Extension,
    Rule,
    Settings,
    TimeFactor,
    read_settings,
    template,
    write_assignment,
    write_attempts,
    write_extensions,
    write_timezone,
)
from grading.refusals import Refusal

__all__ = ["Classroom", "class_folder"]

SECRET = "secret.key"  # ruff: ignore[hardcoded-password-string]  the name of a file
_SECRET_BYTES = 32


def class_folder(given: Path | None = None) -> Path:
    """Find the class folder that a command is about.

    Parameters
    ----------
    given : Path, optional
        What stands behind ``--class``; without it NNCOURSE_CLASS, then ``my-class``, both beside
        ``nbgrader_config.py``, so that nbgrader sees the same class.

    Returns
    -------
    Path
        An absolute path; the folder need not exist.
    """
    if given is not None:
        return given.expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    base = checkout if (checkout / "nbgrader_config.py").is_file() else Path.cwd()
    return (base / (os.environ.get("NNCOURSE_CLASS") or "my-class")).expanduser().resolve()


class Classroom:
    """One class. Open it with `Classroom.open`.

    Attributes
    ----------
    root : Path
        The class folder.
    secret : bytes
        32 random bytes. Hidden cases and the seals of releases hang on them.
    db_url : str
        URL of nbgrader's gradebook, as SQLAlchemy reads it.
    """

    def __init__(self, root: Path, secret: bytes, db: str | None = None) -> None:
        self.root = root
        self.secret = secret
        self.settings: Settings = read_settings(root)
        chosen = db or os.environ.get("NNCOURSE_DB") or self.settings.database
        self.db_url = chosen or f"sqlite:///{root / 'gradebook.db'}"

    def __repr__(self) -> str:
        return f"Classroom({str(self.root)!r})"

    @classmethod
    def open(
        cls,
        root: Path,
        create: bool = False,
        *,
        db: str | None = None,
        timezone: str | None = None,
    ) -> Classroom:
        """Open a class folder.

        Parameters
        ----------
        root : Path
            The folder.
        create : bool, default False
            Make what is not there: the folder, its secret, a settings file to be edited.
        db : str, optional
            URL of the gradebook; without it the environment variable NNCOURSE_DB, then the
            settings, then ``gradebook.db`` in the folder. It is written nowhere.
        timezone : str, optional
            The time zone that a new settings file names; without it none, which means UTC.

        Returns
        -------
        Classroom
            The class.

        Raises
        ------
        Refusal
            If there is no class, its secret is damaged or open to others, or a settings file
            cannot be meant.
        """
        root = root.expanduser().resolve()
        path = root / SECRET
        if create:
            _create(root, timezone)
        elif not root.is_dir():
            msg = f"{root}: there is no class. Begin one with: nncourse roster --add ID"
            raise Refusal(msg)
        elif not path.is_file():
            msg = (
                f"{path}: the secret of the class is missing. Bring it back from a copy, or begin "
                "a new class with: nncourse roster --add ID"
            )
            raise Refusal(msg)
        refuse_if_readable_by_others(path, "the secret of the class")
        secret = path.read_bytes()
        if len(secret) != _SECRET_BYTES:
            msg = f"{path}: it holds {len(secret)} bytes, expected 32. Bring it back from a copy."
            raise Refusal(msg)
        return cls(root, secret, db)

    @cached_property
    def roster(self) -> Roster:
        """The learners."""
        return Roster(self.root)

    @property
    def course_id(self) -> str:
        """Id of the course in nbgrader's gradebook."""
        return self.settings.course_id

    @property
    def settings_path(self) -> Path:
        """The file with what the instructor decided: ``class.toml``, or ``class.json``."""
        other = self.root / "class.json"
        return other if other.exists() else self.root / "class.toml"

    @property
    def journal_folder(self) -> Path:
        """Where the journal of grading lies."""
        return self.root / "journal"

    @property
    def released_folder(self) -> Path:
        """Where every release is kept."""
        return self.root / "released"

    def submitted(self, learner_id: str, slug: str) -> Path:
        """Return the folder of what a learner handed in, in nbgrader's tree."""
        return self.root / "submitted" / learner_id / slug

    def attempts(self, learner_id: str, slug: str) -> Path:
        """Return the folder of all that a learner ever handed in for an assignment."""
        return self.root / "attempts" / learner_id / slug

    def autograded(self, learner_id: str, slug: str) -> Path:
        """Return the folder of the autograded notebook, in nbgrader's tree."""
        return self.root / "autograded" / learner_id / slug

    def feedback(self, learner_id: str, slug: str) -> Path:
        """Return the folder of the feedback, in nbgrader's tree."""
        return self.root / "feedback" / learner_id / slug

    def slugs(self) -> list[str]:
        """List the released assignments."""
        return sorted(self.settings.assignments)

    def find(self, name: str) -> str:
        """Find the slug of a released assignment.

        Parameters
        ----------
        name : str
            Its number or slug: ``"1"``, ``"01"``, ``"01-backpropagation"``.

        Returns
        -------
        str
            The slug.

        Raises
        ------
        Refusal
            If none or more than one is meant.
        """
        found = [slug for slug in self.slugs() if name == slug or name.zfill(2) == slug[:2]]
        if name in found:
            return name
        if len(found) == 1:
            return found[0]
        known = " or ".join(found) or ", ".join(self.slugs()) or "none yet"
        what = "may be" if found else "is not released; released are:"
        msg = f"{self.root}: the assignment {name[:80]!r} {what} {known}. Write one of their names."
        raise Refusal(msg)

    def assignment(self, slug: str, version: str | None = None) -> AssignmentVersion:
        """Read an assignment as it was released.

        Parameters
        ----------
        slug : str
            Its name.
        version : str, optional
            Hash of a release; without it the one that counts now.

        Returns
        -------
        AssignmentVersion
            From the copy in the class folder, with the secret of the class.

        Raises
        ------
        Refusal
            If it was not released, or the copy is damaged.
        """
        settings = self.settings.assignments.get(slug)
        if settings is None:
            known = ", ".join(self.slugs()) or "none yet"
            msg = (
                f"{self.root}: the assignment {slug[:80]!r} is not released; released are: "
                f"{known}. Run: nncourse release {slug[:2]}"
            )
            raise Refusal(msg)
        chosen = version or settings.version
        if chosen not in {settings.version, *settings.releases}:
            msg = f"{self.root}: {slug} has no release {chosen[:16]!r}. Leave the version out."
            raise Refusal(msg)
        folder = self.released_folder / slug / chosen
        return version_of(folder / f"{slug}.ipynb", self.secret, _private_files(folder))

    def due(self, learner: Learner, slug: str) -> datetime | None:
        """Find by when a learner has to hand in, extensions included; None for no date."""
        return self.settings.due(learner, slug)

    def time_factor(self, learner: Learner, slug: str) -> float:
        """Find by what a learner's limits of time are multiplied."""
        return self.settings.time_factor(learner, slug)

    def lateness_s(self, learner: Learner, slug: str, handed_in: datetime) -> float:
        """Compute how many seconds late a submission is, at least 0."""
        due = self.due(learner, slug)
        if due is None:
            return 0.0
        return max(0.0, (handed_in.astimezone(UTC) - due.astimezone(UTC)).total_seconds())

    def penalty(self, learner: Learner, slug: str, points: float, handed_in: datetime) -> float:
        """Compute what is taken off a submission for being late.

        Parameters
        ----------
        learner : Learner
            Whose it is.
        slug : str
            The assignment.
        points : float
            Points earned.
        handed_in : datetime
            When, with a time zone.

        Returns
        -------
        float
            Points, between 0 and `points`.
        """
        late_s = self.lateness_s(learner, slug, handed_in)
        return late_penalty(points, late_s, self.settings.late)

    def set_timezone(self, name: str) -> Path:
        """Set the time zone of a class that has none yet, and save.

        Parameters
        ----------
        name : str
            As in ``"Europe/Berlin"``.

        Returns
        -------
        Path
            The settings file.

        Raises
        ------
        Refusal
            If the class has another one already.
        """
        zone = time_zone(name, "--timezone")
        with locked(self.root):
            now = read_settings(self.root)
            path = self.settings_path
            if now.has_timezone and now.timezone != zone:
                msg = (
                    f"{path}: the time zone of the class is {now.timezone.key} already. "
                    "Change it there."
                )
                raise Refusal(msg)
            if not now.has_timezone:
                write_timezone(self.root, zone.key)
            self.settings = read_settings(self.root)
        return path

    def set_attempts(self, attempts: Rule) -> Path:
        """Remember which of several attempts counts, and save.

        Parameters
        ----------
        attempts : {"last", "best", "first"}
            The rule, for every later run that names none.

        Returns
        -------
        Path
            The settings file.
        """
        with locked(self.root):
            path = write_attempts(self.root, attempts)
            self.settings = read_settings(self.root)
        return path

    def set_assignment(self, slug: str, assignment: AssignmentSettings) -> None:
        """Add or replace what holds for an assignment, and save."""
        with locked(self.root):
            write_assignment(self.root, slug, assignment)
            self.settings = read_settings(self.root)

    def extend(
        self, *, extension: Extension | None = None, time_factor: TimeFactor | None = None
    ) -> None:
        """Give more time, in place of what the same person or group had, and save.

        Parameters
        ----------
        extension : Extension, optional
            Until the due date.
        time_factor : TimeFactor, optional
            For the programs.
        """

        def other(given: Extension | TimeFactor, new: Extension | TimeFactor | None) -> bool:
            whom = (given.student, given.group, given.assignment)
            return new is None or whom != (new.student, new.group, new.assignment)

        self._change_extensions(
            lambda had: other(had, extension),
            lambda had: other(had, time_factor),
            (extension,) if extension else (),
            (time_factor,) if time_factor else (),
        )

    def forget_extensions(self, learner_id: str) -> int:
        """Remove what was given to a learner; return how many entries there were."""
        before = len(self.settings.extensions) + len(self.settings.time_factors)

        def is_other(given: Extension | TimeFactor) -> bool:
            return given.student != learner_id

        self._change_extensions(is_other, is_other)
        return before - len(self.settings.extensions) - len(self.settings.time_factors)

    def _change_extensions(
        self,
        keep: Callable[[Extension], bool],
        keep_factor: Callable[[TimeFactor], bool],
        extensions: tuple[Extension, ...] = (),
        factors: tuple[TimeFactor, ...] = (),
    ) -> None:
        with locked(self.root):
            now = read_settings(self.root)
            extensions = (*filter(keep, now.extensions), *extensions)
            factors = (*filter(keep_factor, now.time_factors), *factors)
            if (extensions, factors) != (now.extensions, now.time_factors):
                write_extensions(self.root, extensions, factors)
            self.settings = replace(now, extensions=extensions, time_factors=factors)


def _create(root: Path, timezone: str | None) -> None:
    with said(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(root):
        if not (root / SECRET).exists():
            write_atomically(root / SECRET, secrets.token_bytes(_SECRET_BYTES))
        if not any((root / f"class.{kind}").exists() for kind in ("toml", "json")):
            write_atomically(root / "class.toml", template(timezone).encode())


def _private_files(folder: Path) -> tuple[str, ...]:
    """List what `load_private` needs of a release: the folder with the declarations, if any."""
    private = folder / "private"
    return (str(private),) if private.is_dir() else ()
