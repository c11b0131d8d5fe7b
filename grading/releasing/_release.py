"""The steps of a release, in their order."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grading.authoring import cells
from grading.authoring.declarations import Declaration
from grading.classroom import AssignmentSettings, Classroom, local_time
from grading.classroom._due import time_zone
from grading.classroom._files import said, write_atomically
from grading.exercises import Exercise, all_exercises
from grading.exercises._private import private_files
from grading.refusals import Refusal
from grading.releasing._bundle import MANIFEST, Bundle, Due, manifest, write_bundle
from grading.releasing._leaks import refuse_leaks
from grading.releasing._readme import readme
from grading.releasing._select import core_only
from grading.releasing._units import ReleasedUnit, private_exercises, released_units
from grading.seals import MARK, mark

__all__ = ["release"]

_VERSION_DIGITS = 32


def release(
    names: Sequence[str],
    classroom: Classroom,
    *,
    tier: str = "core",
    due: str = "",
    no_due: bool = False,
    timezone: str = "",
    to: Path | None = None,
    exercises: Path | None = None,
    title: str = "",
) -> Bundle:
    """Make a bundle for learners, and keep what was released in the class folder.

    A second release of a unit leaves the first where it is: work that was begun from it is graded
    against it. The same notebook released again, with another due date or with mended private
    declarations, is the same release.

    Parameters
    ----------
    names : sequence of str
        Numbers or slugs of units; empty for all units of `exercises`.
    classroom : Classroom
        The class.
    tier : {"core", "further"}, default "core"
        Whether exercises that do not count are left out, or kept.
    due : str, default ""
        By when, on the clock of `timezone`: ``"2026-12-01 23:59"``, a day alone for its last
        minute; empty for the date that the class has, if any.
    no_due : bool, default False
        Take a date away that the class has.
    timezone : str, default ""
        As in ``"Europe/Berlin"``; empty for that of the class, or that of a date that is kept.
    to : Path, optional
        A zip or a folder; without it a zip in ``releases`` of the class folder, named after the
        first unit, where a later ``grade .`` does not take it for work that was handed in.
    exercises : Path, optional
        An instructor's own exercises: a folder with ``exercises/*.py`` and
        ``solutions/NN-slug.py``, or a Python file.
    title : str, default ""
        Title of the assignment, if there is one unit; empty for that of the unit.

    Returns
    -------
    Bundle
        What was written.

    Raises
    ------
    Refusal
        If a unit or time cannot be meant, or the bundle would give something away.
    """
    if tier not in {"core", "further"}:
        msg = f"nncourse release: the tier {tier!r} is not known. Write --tier core or further."
        raise Refusal(msg)
    if due and no_due:
        msg = "nncourse release: --due and --no-due exclude each other. Leave one of them out."
        raise Refusal(msg)
    zone = time_zone(timezone, "--timezone") if timezone else classroom.settings.timezone
    new = Due(local_time(due, zone) if due else None, zone)
    private = private_exercises(exercises)
    declared: dict[str, Declaration] = {each.id: each for each in (*all_exercises(), *private)}
    units = released_units(names, exercises, declared, private)
    versions: dict[str, str] = {}
    notebooks: dict[str, cells.Notebook] = {}
    for each in units:
        slug = each.unit.slug
        notebook = core_only(each.notebook, declared) if tier == "core" else each.notebook
        _refuse_empty(slug, notebook)
        versions[slug] = _version(slug, notebook)
        notebook.metadata[MARK] = {"release": mark(classroom.secret, slug, versions[slug])}
        notebooks[slug] = notebook
    titles = {each.unit.slug: title or each.unit.title for each in units}
    keep = not due and not no_due
    dues = {slug: _kept(classroom, slug, new, timezone) if keep else new for slug in versions}
    files = _files(classroom, notebooks, versions, titles, tier, dues, bool(private))
    _refuse_leaks(files, notebooks, units, private)
    target = to or classroom.root / "releases" / f"{units[0].unit.slug}.zip"
    target = target.expanduser().resolve()
    _refuse_target(target, classroom.root)
    with said(target):
        for slug, notebook in notebooks.items():
            _keep(classroom, slug, versions[slug], notebook, exercises)
        write_bundle(target, files)
    for slug, version in versions.items():
        before = classroom.settings.assignments.get(slug)
        others = [] if before is None else [one for one in before.releases if one != version]
        releases = (*others, version)
        settings = AssignmentSettings(version, titles[slug], tier, *dues[slug], releases)
        classroom.set_assignment(slug, settings)
    names_of = {slug: _exercise_ids(notebook) for slug, notebook in notebooks.items()}
    notes = _notes(classroom, dues, private)
    return Bundle(target, versions, dues, names_of, tuple(sorted(files)), notes)


def _kept(classroom: Classroom, slug: str, new: Due, timezone: str) -> Due:
    """Return the date that the class has for an assignment; `new` where it has none."""
    before = classroom.settings.assignments.get(slug)
    if before is None or before.due is None:
        return new
    return Due(before.due, new.zone if timezone else before.timezone)


def _notes(
    classroom: Classroom, dues: Mapping[str, Due], private: Sequence[Exercise]
) -> tuple[str, ...]:
    notes = []
    dates = [each.when.astimezone(UTC) for each in dues.values() if each.when is not None]
    if any(when < datetime.now(UTC) for when in dates):
        notes.append("The due date lies in the past.")
    late = classroom.settings.late
    if dates and not late.percent and late.cut_off_hours is None:
        notes.append(
            "Late work costs nothing so far. To change that, set percent under [late] in "
            f"{classroom.settings_path} and release again, since the bundle tells learners."
        )
    if not private:
        notes.append(
            "Solutions of the course's own exercises are public; for credit, add your own with "
            "--exercises."
        )
    return tuple(notes)


def _refuse_empty(slug: str, notebook: cells.Notebook) -> None:
    if not _exercise_ids(notebook):
        msg = f"{slug}: no exercise is left in this tier. Release it with: --tier further"
        raise Refusal(msg)


def _refuse_target(target: Path, root: Path) -> None:
    if target == root or target in root.parents or target.is_relative_to(root / "released"):
        msg = f"{target}: the class folder lies there. Choose another --to."
        raise Refusal(msg)


def _exercise_ids(notebook: cells.Notebook) -> tuple[str, ...]:
    names = (cells.grade_id(cell) or "" for cell in notebook.cells)
    return tuple(
        name.removeprefix(cells.CHECK_PREFIX)
        for name in names
        if name.startswith(cells.CHECK_PREFIX)
    )


def _version(slug: str, notebook: cells.Notebook) -> str:
    """Hash what learners get, before it is marked."""
    text = f"{slug}\n{cells.to_text(notebook)}"
    return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def _files(
    classroom: Classroom,
    notebooks: Mapping[str, cells.Notebook],
    versions: Mapping[str, str],
    titles: Mapping[str, str],
    tier: str,
    dues: Mapping[str, Due],
    with_private: bool,
) -> dict[str, bytes]:
    """Put the files of a bundle together."""
    settings = classroom.settings
    page = readme(settings.course, titles, dues, settings.late, with_private=with_private)
    files = {
        f"{slug}/{slug}.ipynb": cells.to_text(notebook).encode()
        for slug, notebook in notebooks.items()
    }
    files["README.md"] = page.encode()
    assignments: dict[str, Any] = {
        slug: {
            "version": version,
            "title": titles[slug],
            "tier": tier,
            "due": when.isoformat() if when else None,
            "timezone": zone.key,
        }
        for (slug, version), (when, zone) in zip(versions.items(), dues.values(), strict=True)
    }
    files[MANIFEST] = manifest(classroom.secret, settings.course, assignments, files)
    return files


def _refuse_leaks(
    files: Mapping[str, bytes],
    notebooks: Mapping[str, cells.Notebook],
    units: Sequence[ReleasedUnit],
    private: Sequence[Exercise],
) -> None:
    numbers = {each.unit.number for each in units}
    course = [each for each in all_exercises() if each.unit in numbers]
    lines = [line for each in units for line in each.lines]
    by_path = {f"{slug}/{slug}.ipynb": notebook for slug, notebook in notebooks.items()}
    refuse_leaks(files, by_path, lines, course, private)


def _keep(
    classroom: Classroom,
    slug: str,
    version: str,
    notebook: cells.Notebook,
    exercises: Path | None,
) -> None:
    """Store what was released, and what it is to be graded by, in the class folder."""
    folder = classroom.released_folder / slug / version
    write_atomically(folder / f"{slug}.ipynb", cells.to_text(notebook).encode())
    if exercises is None:
        return
    files = {path.name: path.read_bytes() for path in private_files(exercises)}
    inside = folder / "private" / "exercises"
    for name, content in files.items():
        write_atomically(inside / name, content)
    for path in inside.glob("*.py"):
        if path.name not in files:
            path.unlink()
    shutil.rmtree(inside / "__pycache__", ignore_errors=True)
