"""Read the class lists that Canvas and Moodle export, or a table of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grading.classroom._learner import Learner, id_problem, new_key
from grading.classroom._roster import Roster
from grading.classroom._tables import (
    Row,
    is_windows_1252,
    read_rows,
    read_table,
    read_titles,
    titled,
)
from grading.refusals import Refusal

__all__ = ["Imported", "import_roster", "read_learners"]

_COLUMNS = (
    "id", "first_name", "last_name", "name", "sortable_name", "email", "lms_user_id", "group",
    "login", "sis_id", "id_number", "username", "canvas_id", "identifier",
)  # fmt: skip

_NAMES = {
    # our own, and what people write by hand
    "student id": "id", "learner id": "id",
    "first": "first_name", "first name": "first_name", "firstname": "first_name",
    "first name(s)": "first_name", "given": "first_name", "given name": "first_name",
    "given names": "first_name", "givenname": "first_name", "forename": "first_name",
    "last": "last_name", "last name": "last_name", "lastname": "last_name",
    "surname": "last_name", "family": "last_name", "family name": "last_name",
    "familyname": "last_name", "lms user id": "lms_user_id", "groups": "group",
    "full name": "name", "fullname": "name", "display name": "name", "student name": "name",
    "email address": "email", "e mail": "email", "mail": "email", "e mail address": "email",
    "user name": "username", "user": "username", "login id": "login",
    # Canvas: the exported gradebook
    "sis login id": "login", "sis user id": "sis_id", "section": "group",
    # Moodle: participants and grading worksheet
    "id number": "id_number", "idnumber": "id_number",
    # in German
    "vorname": "first_name", "vorname(n)": "first_name", "vornamen": "first_name",
    "rufname": "first_name", "nachname": "last_name", "familienname": "last_name",
    "zuname": "last_name", "vollständiger name": "name", "e mail adresse": "email",
    "emailadresse": "email", "mailadresse": "email", "anmeldename": "username",
    "benutzername": "username", "nutzername": "username", "kennung": "username",
    "id nummer": "id_number", "matrikelnummer": "id_number", "matrikelnr": "id_number",
    "matrikelnr.": "id_number", "matr. nr.": "id_number", "matrikel nr.": "id_number",
    "gruppe": "group", "gruppen": "group", "id/number": "identifier",
}  # fmt: skip

_IDS = {
    "id", "login", "username", "id_number", "sis_id", "email", "lms_user_id", "canvas_id",
    "identifier", "student", "learner",
}  # fmt: skip
"""Columns of which any tells who is meant."""

_SHOWN = {"sortable_name": "name", "sis_id": "id number", "canvas_id": "lms user id"}


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    added, changed, unchanged : tuple of str
        Ids.
    used : tuple of str
        Columns of the table that were read, and as what.
    ignored : tuple of str
        Titles of columns that were passed over.
    absent : tuple of str
        Ids of the roster, or of the group that was named, that are not in the table.
    is_windows_1252 : bool
        Whether the table was no UTF-8, and was read as Windows-1252.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    used: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    is_windows_1252: bool = False


@dataclass(frozen=True)
class _Read:
    """A learner as a row describes him or her."""

    learner: Learner
    is_guess: bool


def import_roster(roster: Roster, path: Path, group: str = "") -> Imported:
    """Add the learners of a table to a roster; what is known of them already stays.

    Parameters
    ----------
    roster : Roster
        The class.
    path : Path
        A table with the columns of ``roster.csv``, or as exported from Canvas (the gradebook) or
        Moodle (participants, or a grading worksheet).
    group : str, default ""
        Put everybody into this group.

    Returns
    -------
    Imported
        Who is new, whose entries changed, and which columns told so.

    Raises
    ------
    Refusal
        With file and line, if it names no learners or one that cannot be told apart. Nothing is
        changed then.
    """
    known = {learner.id: learner for learner in roster.all()}
    changed = read_learners(path, group, known)
    roster.add(*changed.values())
    names = _names(path)
    titles = read_table(path, or_windows=True)[0][1]
    read = {title: titled(title, names) for title in titles}
    return Imported(
        tuple(sorted(set(changed) - set(known))),
        tuple(sorted(each for each in changed if each in known and changed[each] != known[each])),
        tuple(sorted(each for each in changed if changed[each] == known.get(each))),
        tuple(_as(title, read[title]) for title in titles if read[title] in _COLUMNS),
        tuple(title for title in titles if title and read[title] not in _COLUMNS),
        tuple(
            each.id
            for each in known.values()
            if each.id not in changed and (not group or each.group == group)
        ),
        is_windows_1252(path),
    )


def read_learners(
    path: Path, group: str = "", known: Mapping[str, Learner] | None = None
) -> dict[str, Learner]:
    """Read the learners of a table, without changing anything.

    Parameters
    ----------
    path : Path
        As for `import_roster`.
    group : str, default ""
        Put everybody into this group.
    known : mapping of str to Learner, optional
        Who is in the class already, by id.

    Returns
    -------
    dict of str to Learner
        By id, as they are to stand in the roster.

    Raises
    ------
    Refusal
        As for `import_roster`.
    """
    known = known or {}
    _refuse_other_tables(path)
    read = read_rows(path, _COLUMNS, names=_names(path), or_windows=True)
    rows = [row for row in read if _is_person(row)]
    if not rows:
        msg = f"{path}: no learner stands in it. Its first line names the columns, as in id,email."
        raise Refusal(msg)
    by_number = {each.lms_user_id: each.id for each in known.values() if each.lms_user_id}
    by_email = {each.email.casefold(): each.id for each in known.values() if each.email}
    changed: dict[str, Learner] = {}
    lines: dict[str, Row] = {}
    for row in rows:
        person = _read(row, group)
        same = (
            (person.learner.id if person.learner.id in known else "")
            or by_number.get(person.learner.lms_user_id, "")
            or by_email.get(person.learner.email.casefold(), "")
        )
        learner = _merged(known[same], person) if same else person.learner
        if problem := id_problem(learner.id):
            msg = f"{row.where}: the id {learner.id[:80]!r} cannot name a folder: an id {problem}."
            raise Refusal(msg + " Change it there.")
        if learner.id in lines:
            msg = f"{row.where}: {learner.id} stands already in line {lines[learner.id].line}."
            raise Refusal(msg + " Remove one of the lines.")
        lines[learner.id] = row
        changed[learner.id] = learner
    return changed


def _refuse_other_tables(path: Path) -> None:
    """Refuse what is no class list, by its first line: another table, a text, a notebook."""
    titles = [title for title in read_titles(path, or_windows=True) if title]
    names = {titled(title, _NAMES) for title in titles}
    if {"assignment", "raw_score"} <= names:
        msg = (
            f"{path}: it has the columns assignment and raw_score, so it is a table of grades. "
            "Name the class list."
        )
        raise Refusal(msg)
    if titles and not names & _IDS:
        shown = ", ".join(title[:40] for title in titles[:8])
        many = "columns are" if len(titles) > 1 else "only column is"
        msg = (
            f"{path}: no column is an id or an email; the {many} {shown}. Is this the class list? "
            "Its first line names the columns, as in id,email."
        )
        raise Refusal(msg)


def _names(path: Path) -> dict[str, str]:
    """Say what titles mean in this file: some mean something else in an export of Canvas."""
    rows = read_table(path, or_windows=True)
    titles = [title.lower() for title in rows[0][1]] if rows else [""]
    more: dict[str, str] = {}
    if titles[0] == "student" and {"section", "sis login id", "sis user id"} & set(titles):
        return _NAMES | {"id": "canvas_id", "student": "sortable_name"}
    if "student" in titles or "learner" in titles:
        at = titles.index("student" if "student" in titles else "learner")
        cells = [row[at] for _, row in rows[1:] if len(row) > at and row[at]]
        is_id = not any(id_problem(cell) for cell in cells)
        kind = "id" if is_id and not {"id", "student id", "student_id"} & set(titles) else "name"
        more |= {"student": kind, "learner": kind}
    return _NAMES | more


def _as(title: str, name: str) -> str:
    shown = _SHOWN.get(name, name.replace("_", " "))
    return title if title.lower().replace("_", " ") == shown else f"{title} as {shown}"


def _is_person(row: Row) -> bool:
    """Pass over Canvas' line of points and its test student."""
    name = row["sortable_name"].lower()
    return not (name.startswith("points possible") or name == "student, test")


def _read(row: Row, group: str) -> _Read:
    first, last, is_guess = _name(row)
    digits = "".join(filter(str.isdigit, row["identifier"]))
    number = row["lms_user_id"] or row["canvas_id"] or digits
    email = row["email"] or (row["login"] if "@" in row["login"] else "")
    own_id = (
        row["id"]
        or row["login"]
        or row["username"]
        or row["id_number"]
        or row["sis_id"]
        or email.partition("@")[0]
        or number
    )
    if not own_id:
        msg = f"{row.where}: neither an id nor an email stands there. Add one."
        raise Refusal(msg)
    id_number = row["id_number"] or row["sis_id"]
    part = group or row["group"]
    learner = Learner(new_key(), own_id, first, last, email, number, part, id_number)
    return _Read(learner, is_guess)


def _name(row: Row) -> tuple[str, str, bool]:
    """Tell first and last name, and whether that is a guess: which words are whose is not said."""
    first, last = row["first_name"], row["last_name"]
    whole = row["sortable_name"] or row["name"]
    if first and not last and whole:  # as in Vorname;Name
        if whole.casefold().startswith(f"{first} ".casefold()):
            return first, whole[len(first) :].strip(), False
        return first, whole.partition(",")[0].strip(), False
    if first or last or not whole:
        return first, last, False
    if "," in whole:
        last, _, first = (part.strip() for part in whole.partition(","))
        return first, last, False
    first, _, last = whole.rpartition(" ")
    return (first, last, True) if first else (last, "", True)


def _merged(before: Learner, read: _Read) -> Learner:
    """Keep id and key; take over what the table knows, but no guess where a name is known."""
    names = ["first_name", "last_name", "email", "lms_user_id", "group", "id_number"]
    if read.is_guess and (before.first_name or before.last_name):
        names = names[2:]
    told = {name: getattr(read.learner, name) for name in names}
    return replace(before, **{name: value for name, value in told.items() if value})
