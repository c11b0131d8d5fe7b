"""Groups that hand in once for all: ``groups.csv``."""

from __future__ import annotations

import re
from pathlib import Path

from grading.classroom import Learner, Roster
from grading.classroom._tables import read_rows
from grading.refusals import Refusal

__all__ = ["Groups"]


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
        names = {"id": "members", "member": "members", "student": "members", "name": "group"}
        for row in read_rows(path, ("group", "members"), needed=("group", "members"), names=names):
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
