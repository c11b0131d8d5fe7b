"""Read the class lists that Canvas and Moodle export, or a table of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from grading.classroom._learner import Learner, id_problem, new_key
from grading.classroom._roster import Roster
from grading.classroom._tables import Row, read_rows, read_table
from grading.refusals import Refusal

__all__ = ["Imported", "import_roster"]

_COLUMNS = (
    "id", "first_name", "last_name", "name", "sortable_name", "email", "lms_user_id", "group",
    "login", "sis_id", "id_number", "username", "canvas_id", "identifier",
)  # fmt: skip

_NAMES = {
    # our own, and what people write by hand
    "student id": "id", "student_id": "id", "first name": "first_name", "given name": "first_name",
    "last name": "last_name", "surname": "last_name", "family name": "last_name",
    "lms user id": "lms_user_id", "groups": "group", "full name": "name", "fullname": "name",
    "email address": "email", "e-mail": "email", "mail": "email",
    # Canvas: the exported gradebook
    "student": "sortable_name", "sis login id": "login", "sis user id": "sis_id",
    "section": "group", "student name": "name",
    # Moodle: participants and grading worksheet
    "id number": "id_number", "idnumber": "id_number",
    # Moodle in German
    "vorname": "first_name", "nachname": "last_name", "vollständiger name": "name",
    "e-mail-adresse": "email", "anmeldename": "username", "id-nummer": "id_number",
    "matrikelnummer": "id_number", "gruppen": "group", "id/number": "identifier",
}  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    added, changed, unchanged : tuple of str
        Ids.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


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
        Who is new, and whose entries changed.

    Raises
    ------
    Refusal
        With file and line, if it names no learners or one that cannot be told apart. Nothing is
        changed then.
    """
    rows = [
        row for row in read_rows(path, _COLUMNS, names=_NAMES | _canvas(path)) if _is_person(row)
    ]
    if not rows:
        msg = f"{path}: no learner stands in it. Its first line names the columns, as in id,email."
        raise Refusal(msg)
    known = {learner.id: learner for learner in roster.all()}
    by_number = {each.lms_user_id: each.id for each in known.values() if each.lms_user_id}
    by_email = {each.email.casefold(): each.id for each in known.values() if each.email}
    changed: dict[str, Learner] = {}
    lines: dict[str, Row] = {}
    for row in rows:
        read = _learner(row, group)
        same = (
            (read.id if read.id in known else "")
            or by_number.get(read.lms_user_id, "")
            or by_email.get(read.email.casefold(), "")
        )
        learner = _merged(known[same], read) if same else read
        if problem := id_problem(learner.id):
            msg = f"{row.where}: the id {learner.id[:80]!r} cannot name a folder: an id {problem}."
            raise Refusal(msg + " Change it there.")
        if learner.id in lines:
            msg = f"{row.where}: {learner.id} stands already in line {lines[learner.id].line}."
            raise Refusal(msg + " Remove one of the lines.")
        lines[learner.id] = row
        changed[learner.id] = learner
    roster.add(*changed.values())
    return Imported(
        tuple(sorted(set(changed) - set(known))),
        tuple(sorted(each for each in changed if each in known and changed[each] != known[each])),
        tuple(sorted(each for each in changed if changed[each] == known.get(each))),
    )


def _canvas(path: Path) -> dict[str, str]:
    """In Canvas' export ``ID`` is the platform's own number."""
    rows = read_table(path)
    titles = [title.lower() for title in rows[0][1]] if rows else [""]
    is_canvas = titles[0] == "student" and "section" in titles
    return {"id": "canvas_id"} if is_canvas else {}


def _is_person(row: Row) -> bool:
    """Pass over Canvas' line of points and its test student."""
    name = row["sortable_name"].lower()
    return not (name.startswith("points possible") or name == "student, test")


def _learner(row: Row, group: str) -> Learner:
    first, last = row["first_name"], row["last_name"]
    if row["sortable_name"] and not (first or last):
        last, _, first = (part.strip() for part in row["sortable_name"].partition(","))
    if row["name"] and not (first or last):
        first, _, last = row["name"].rpartition(" ")
        first, last = (first, last) if first else (last, "")
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
    return Learner(new_key(), own_id, first, last, email, number, group or row["group"])


def _merged(before: Learner, read: Learner) -> Learner:
    """Keep id and key; take over what the table knows."""
    names = ("first_name", "last_name", "email", "lms_user_id", "group")
    return replace(before, **{name: getattr(read, name) or getattr(before, name) for name in names})
