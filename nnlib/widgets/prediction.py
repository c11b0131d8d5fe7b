"""A question in the running text that the learner answers before reading on."""

from __future__ import annotations

from typing import Any

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure


class Prediction(Figure):
    """Ask for a committed answer, then show whether it agrees and why.

    The answer survives a re-run and a reload (the browser keeps it under ``key``) and never
    counts for points.

    Parameters
    ----------
    key : str
        Names the question; unique in the course, for example ``"01-cost"``.
    question : str
        What is asked, in plain text.
    choices : list of str, optional
        The answers to choose from. Leave them out to ask for a number.
    answer : int or float
        The index of the right choice, or the number.
    because : str
        The explanation that appears after the answer.
    tolerance : float, default 0.0
        How far a number may be from ``answer`` and still agree, in the unit of the answer.
    unit : str, optional
        What the number counts, for example ``"loss evaluations"``.

    Raises
    ------
    ValueError
        If ``answer`` is not the index of a choice, or ``tolerance`` is negative.

    Examples
    --------
    >>> Prediction(key="01-slope", question="At most, how large is the slope of a sigmoid?",
    ...            answer=0.25, tolerance=0.001, because="s(1 − s) is largest at s = ½.")
    Prediction: At most, how large is the slope of a sigmoid?
    """

    title = "Prediction"
    height = 210

    question: str = synced("")
    choices: list[str] = synced([])
    answer: float = synced(0.0)
    because: str = synced("")
    tolerance: float = synced(0.0)
    unit: str = synced("")

    def __init__(
        self,
        *,
        key: str,
        question: str,
        answer: float,
        because: str,
        choices: list[str] | None = None,
        tolerance: float = 0.0,
        unit: str = "",
    ) -> None:
        if choices and answer not in range(len(choices)):
            message = (
                f"Prediction({key!r}): answer is {answer!r}, expected the index of one of the "
                f"{len(choices)} choices, counted from 0."
            )
            raise ValueError(message)
        if tolerance < 0:
            message = f"Prediction({key!r}): tolerance is {tolerance!r}, expected 0 or more."
            raise ValueError(message)
        given: dict[str, Any] = {"question": question, "choices": list(choices or [])}
        given |= {"answer": float(answer), "because": because}
        super().__init__(key=key, tolerance=float(tolerance), unit=unit, **given)

    def summary(self) -> str:
        """Return the question."""
        return self.question
