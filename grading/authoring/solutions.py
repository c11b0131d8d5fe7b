"""Solution regions: what stands between the marks, and which of its lines would give it away."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass

__all__ = ["BEGIN", "END", "SolutionLine", "distinctive_lines", "marks_problem", "squeeze", "stub"]

BEGIN = "BEGIN SOLUTION"
END = "END SOLUTION"
# What nbgrader's ClearSolutions puts in place of a region.
_STUB_LINES = ("# YOUR CODE HERE", "raise NotImplementedError()")

_TRIVIAL_LENGTH = 12
_STRUCTURAL = re.compile(
    r"""
      (?:return|yield)\ [\w.]+(?:,\ ?[\w.]+)*,?            # names only
    | for\ [\w, ()]+\ in\ (?:\w+|(?:range|enumerate|zip|reversed)\([\w., ]*\)):
    | (?:(?:el)?if|while)\ (?:not\ )?\w+(?:\ is\ (?:not\ )?None)?:
    | (?:from\ [\w.]+\ )?import\ [\w., ]+
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class SolutionLine:
    """A line that tells the answer of an exercise.

    Parameters
    ----------
    exercise : str
        Whose answer it is.
    text : str
        The line as written, without indentation and comment.
    """

    exercise: str
    text: str


def squeeze(text: str) -> str:
    """Remove all white space, so that layout does not hide a copied line."""
    return re.sub(r"\s+", "", text)


def marks_problem(source: str) -> str | None:
    """Say what is wrong with the marks of a solution cell.

    Parameters
    ----------
    source : str
        A cell's source.

    Returns
    -------
    str or None
        A clause ("has no ### BEGIN SOLUTION"), None if the marks are in order.
    """
    inside = False
    regions = 0
    for line in source.splitlines():
        if BEGIN in line:
            if inside:
                return "opens a second ### BEGIN SOLUTION before ### END SOLUTION"
            inside = True
            regions += 1
        elif END in line:
            if not inside:
                return "has an ### END SOLUTION without its ### BEGIN SOLUTION"
            inside = False
    if inside:
        return "has no ### END SOLUTION"
    return None if regions else "has no ### BEGIN SOLUTION"


def stub(source: str) -> str:
    """Replace every region as nbgrader does, to see what the learner will see.

    Parameters
    ----------
    source : str
        A solution cell whose marks are in order.

    Returns
    -------
    str
        The learner's cell.
    """
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if BEGIN in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept.extend(indent + replacement for replacement in _STUB_LINES)
        elif END in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def distinctive_lines(
    exercise: str, source: str, shown: frozenset[str] = frozenset()
) -> list[SolutionLine]:
    """List the lines of a cell's solution regions that no learner's notebook may hold.

    A line counts without its indentation and its trailing comment; a line that is only a comment
    counts as its text. It is *not* distinctive if it

    - has fewer than 12 characters, with runs of white space as one space;
    - has a form that any program has: ``return`` of names only, a loop over a name or over
      ``range``, ``enumerate``, ``zip`` or ``reversed`` of names, ``if name:``, ``while name:``,
      ``if name is None:``, an import;
    - stands in the stub of the same cell (signature, docstring);
    - is listed in the cell's ``shown=[...]``: the author's word that the text shows it on purpose.

    Parameters
    ----------
    exercise : str
        The exercise's id.
    source : str
        Its cell with the marks.
    shown : frozenset of str
        Lines shown on purpose.

    Returns
    -------
    list of SolutionLine
        In the order of the cell, each once.
    """
    in_stub = squeeze(stub(source))
    excused = {squeeze(line) for line in shown}
    found: dict[str, SolutionLine] = {}
    for line in _region_lines(source):
        canonical = " ".join(line.split())
        squeezed = squeeze(line)
        if len(canonical) < _TRIVIAL_LENGTH or _STRUCTURAL.fullmatch(canonical):
            continue
        if squeezed in in_stub or squeezed in excused:
            continue
        found.setdefault(squeezed, SolutionLine(exercise, canonical))
    return list(found.values())


def _region_lines(source: str) -> list[str]:
    """Return the region's lines as code without trailing comments, or as comments' text."""
    comments = _comment_columns(source)
    lines: list[str] = []
    inside = False
    for number, line in enumerate(source.splitlines(), start=1):
        if BEGIN in line:
            inside = True
        elif END in line:
            inside = False
        elif inside:
            code = line[: comments.get(number, len(line))].strip()
            lines.append(code or line.strip().lstrip("#").strip())
    return lines


def _comment_columns(source: str) -> dict[int, int]:
    """Find where each line's comment begins; a ``#`` within a string is none."""
    columns: dict[int, int] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                columns[token.start[0]] = token.start[1]
    except (tokenize.TokenError, IndentationError):  # the parser names this fault better
        return columns
    return columns
