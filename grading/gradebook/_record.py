"""What the writer is told about one graded submission."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from grading.refusals import Refusal
from grading.results import Result

__all__ = ["Keep", "Learner", "Penalty", "Record", "safe_id"]

Keep = Literal["latest", "higher"]

Penalty = float | Callable[[float], float]
"""What lateness costs: points, or a function of those that one notebook is worth."""

LONGEST_ID = 128
_LONGEST_NAME = 255  # bytes that file systems take
_UNSAFE = re.compile(r'[<>:"/\\|?*\[\]]')  # brackets: nbgrader looks folders up by pattern
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


class Learner(Protocol):
    """What the gradebook knows of a person; `grading.classroom.Learner` is one."""

    @property
    def id(self) -> str:
        """The id that nbgrader uses."""

    @property
    def first_name(self) -> str:
        """First name, possibly empty."""

    @property
    def last_name(self) -> str:
        """Last name, possibly empty."""

    @property
    def email(self) -> str:
        """Address, possibly empty."""

    @property
    def lms_user_id(self) -> str:
        """Id in the learning management system, possibly empty."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One result to write.

    Attributes
    ----------
    learner : Learner
        Whose it is.
    slug : str
        The assignment.
    result : Result
        What came of it.
    handed_in : datetime or None
        When it was handed in; a time without zone is in the writer's. None leaves what stands.
    autograded_dir : Path
        The folder of this learner and assignment below ``autograded``.
    penalty : float or callable, default 0
        Points taken off for lateness. A number is for all notebooks together. A function is given
        the points of one notebook as they stand in the gradebook, points given by hand included,
        and returns what is taken off: nbgrader asks its plugins so. Either way at most what was
        earned, and at least nothing.
    keep : {"latest", "higher"}, default "latest"
        Whether a cell's new machine score replaces the old one, or only a lower one.
    """

    learner: Learner
    slug: str
    result: Result
    handed_in: datetime | None
    autograded_dir: Path
    penalty: Penalty = 0.0
    keep: Keep = "latest"

    def __post_init__(self) -> None:
        """Refuse what the gradebook could not hold."""
        safe_id(self.learner.id)
        if not callable(self.penalty) and not math.isfinite(self.penalty):
            message = f"the penalty is {self.penalty}, expected a number of points"
            raise ValueError(message)


def safe_id(id_: str) -> str:
    """Return a learner's id if it can name a folder anywhere.

    Parameters
    ----------
    id_ : str
        The id.

    Returns
    -------
    str
        The same.

    Raises
    ------
    Refusal
        If it cannot.

    Examples
    --------
    >>> safe_id("ada.l-1815@example.org")
    'ada.l-1815@example.org'
    >>> safe_id("../ada")
    Traceback (most recent call last):
        ...
    grading.refusals.Refusal: '../ada': this id cannot name a folder. Give the learner an id of \
letters, digits and any of . _ - @ +, at most 128 of them, in the roster.
    """
    fits = (
        0 < len(id_) <= LONGEST_ID
        and len(id_.encode("utf-8", "replace")) <= _LONGEST_NAME
        and id_.isprintable()
        and not _UNSAFE.search(id_)
        and not _RESERVED.match(id_)
        and id_[0] not in ".~ "
        and id_[-1] not in ". "
    )
    if not fits:
        msg = (
            f"{id_[:60]!r}: this id cannot name a folder. Give the learner an id of letters, "
            f"digits and any of . _ - @ +, at most {LONGEST_ID} of them, in the roster."
        )
        raise Refusal(msg)
    return id_
