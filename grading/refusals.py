"""One-sentence refusals: what a command says when it cannot do what was asked."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):  # ruff: ignore[error-suffix-on-exception-name] - the word says what happens
    """Say in one sentence where, what came, what was expected and the mend.

    The command line prints the sentence without a traceback and leaves with exit status 2.
    Anything else that escapes a command is a defect of ours and keeps its traceback.

    Examples
    --------
    >>> raise Refusal("nncourse build: there is no unit 99. The units are 00 and 01.")
    Traceback (most recent call last):
        ...
    grading.refusals.Refusal: nncourse build: there is no unit 99. The units are 00 and 01.
    """
