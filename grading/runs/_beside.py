"""What a learner is told of files that lay beside a submission; it travels with the result.

The same work is done once, for whoever hands it in, but these sentences are of one hand-in alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grading.collection import BESIDE

if TYPE_CHECKING:
    from grading.results import Result

__all__ = ["told_beside", "with_beside"]


def told_beside(result: Result | None) -> tuple[str, ...]:
    """List what a result says of files that lay beside the submission.

    Parameters
    ----------
    result : Result or None
        Of the submission.

    Returns
    -------
    tuple of str
        Sentences; empty without a result.
    """
    books = () if result is None else result.notebooks[:1]
    return tuple(note for book in books for note in book.notes if note.startswith(BESIDE))


def with_beside(result: Result, notes: tuple[str, ...]) -> Result:
    """Let a result say something of files that lay beside the submission, and nothing else of it.

    Parameters
    ----------
    result : Result
        Of the same work, perhaps of somebody else's.
    notes : tuple of str
        Sentences for the first notebook.

    Returns
    -------
    Result
        The very same, if it says just that.
    """
    if not result.notebooks or told_beside(result) == notes:
        return result
    first, *others = result.notebooks
    kept = (note for note in first.notes if not note.startswith(BESIDE))
    return replace(result, notebooks=(replace(first, notes=(*kept, *notes)), *others))
