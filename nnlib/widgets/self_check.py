"""The questions at the end of a unit, whose answers are checked and explained one by one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure


@dataclass(frozen=True)
class Question:
    """One question with its choices.

    Parameters
    ----------
    text : str
        What is asked, in plain text.
    choices : list of str
        Two answers or more.
    answer : int
        The index of the right one.
    because : str
        The explanation that appears after an answer.

    Raises
    ------
    ValueError
        If there are fewer than two choices, or ``answer`` is not the index of one.
    """

    text: str
    choices: list[str]
    answer: int
    because: str

    def __post_init__(self) -> None:
        if len(self.choices) < 2 or self.answer not in range(len(self.choices)):
            message = (
                f"Question({self.text!r}): answer is {self.answer!r} for {len(self.choices)} "
                f"choices, expected at least two choices and the index of one, counted from 0."
            )
            raise ValueError(message)


class SelfCheck(Figure):
    """Ask a few questions, check and explain each answer, and keep a score that nobody collects.

    Parameters
    ----------
    key : str
        Names the set; unique in the course, for example ``"01"``.
    questions : list of Question
        The questions, in order.

    Attributes
    ----------
    chosen : list of int
        The choice taken in each question, −1 where none is yet.

    Examples
    --------
    >>> check = SelfCheck(key="01", questions=[Question("2 + 2?", ["4", "5"], 0, "Count.")])
    >>> check.chosen
    [-1]
    """

    title = "Self-check"
    height = 900

    questions: list[Any] = synced([])
    chosen: list[int] = synced([])

    def __init__(self, *, key: str, questions: list[Question]) -> None:
        rows = [asdict(question) for question in questions]
        super().__init__(key=key, questions=rows, chosen=[-1] * len(rows))

    def summary(self) -> str:
        """Return the questions, numbered."""
        texts = (f"{i}. {row['text']}" for i, row in enumerate(self.questions, start=1))
        return " ".join(texts)
