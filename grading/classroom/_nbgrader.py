"""Tell nbgrader's gradebook about an extension, as its own penalties and formgrader want it."""

from __future__ import annotations

import warnings
from datetime import timedelta
from pathlib import Path

__all__ = ["grant"]


def grant(db_url: str, course_id: str, slug: str, learner_id: str, extra: timedelta) -> bool:
    """Write an extension into the gradebook, where the learner's submission stands in it.

    Parameters
    ----------
    db_url, course_id : str
        The gradebook.
    slug : str
        The assignment.
    learner_id : str
        The learner.
    extra : timedelta
        Time after the due date; 0 takes an extension back.

    Returns
    -------
    bool
        False if there is no such submission yet: nbgrader can keep none before.
    """
    file = db_url.removeprefix("sqlite:///")
    if file != db_url and not Path(file).exists():
        return False
    from nbgrader.api import Gradebook, MissingEntry  # takes a second to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's queries trip SQLAlchemy's newest warnings
        with Gradebook(db_url, course_id) as gradebook:
            try:
                gradebook.grant_extension(slug, learner_id, minutes=extra / timedelta(minutes=1))
            except MissingEntry:
                return False
    return True
