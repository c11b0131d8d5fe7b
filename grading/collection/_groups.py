"""Groups that hand in once for all: ``groups.csv``."""

from __future__ import annotations

import re
from pathlib import Path

from grading.classroom import Learner, Roster
from grading.classroom._tables import read_rows, read_table, titled
from grading.refusals import Refusal

__all__ = ["Groups"]

_NAMES = {"id": "members", "member": "members", "student": "members", "name": "group"}
_OF_A_ROSTER = {"first_name", "last_name", "email", "lms_user_id"}


class Groups:
    """Who hands in together.

    Parameters
    ----------
    path : Path or None
        A table with the columns ``group`` and ``members``: one line for each member, or several
        ids in one cell with spaces or semicolons between them. None for no groups.
    roster : Roster
        The class.
    """

    def __init__(self, path: Path | None, roster: Roster) -> None:
        self._of: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._roster = roster
        if path is None:
            return
        _refuse_roster(path)
        for row in read_rows(path, ("group", "members"), needed=("group", "members"), names=_NAMES):
            for member in re.split(r"[\s;,|]+", row["members"]):
                if not member:
                    continue
                if member not in roster:
                    near = roster.nearest(member)
                    mend = f"Did you mean {near}?" if near else "Add the learner to the roster."
                    msg = f"{row.where}: nobody has the id {member[:80]!r}. {mend}"
                    raise Refusal(msg)
                before = self._of.setdefault(member, row["group"])
                if before != row["group"]:
                    msg = (
                        f"{row.where}: {member} is in {before!r} and in {row['group']!r}. Remove "
                        "one of them."
                    )
                    raise Refusal(msg)
                listed = self._members.setdefault(row["group"], [])
                if member not in listed:
                    listed.append(member)

    def name(self, learner: Learner) -> str:
        """Return the group of a learner; empty if there is none."""
        return self._of.get(learner.id, "")

    def members(self, learner: Learner) -> list[Learner]:
        """List everybody for whom a learner's work counts; the learner alone without a group."""
        group = self._of.get(learner.id)
        if group is None:
            return [learner]
        return [self._roster.by_id(each) for each in self._members[group]]


def _refuse_roster(path: Path) -> None:
    """Refuse the class list, in which a group is a tutorial and not who hands in together."""
    titles = {titled(title, {}) for _, cells in read_table(path)[:1] for title in cells}
    others = sorted(titles & _OF_A_ROSTER)
    if others and not titles & {"members", "member", "student"}:
        msg = (
            f"{path}: with the column {others[0]!r} and none for members this is a class list, "
            "whose groups do not hand in together. Name a table with the columns group,members."
        )
        raise Refusal(msg)
