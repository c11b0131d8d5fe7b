"""Step 1, read: find the notebook among the files and take from it what is looked at at all.

Everything here is hostile until it has passed a check. Sizes are capped before anything is parsed,
outputs are dropped unseen, and whatever is odd becomes an `InvalidSubmissionError`: one sentence
that names the file and the mend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from grading.limits import MEGABYTE, Limits
from grading.oversized import size_of

__all__ = [
    "Handed",
    "HandedCell",
    "InvalidSubmissionError",
    "Marks",
    "printable",
    "read_handed",
    "tame",
]

MAX_CELLS = 2_000
MAX_SOURCE = 200_000  # characters of one cell; parsing takes 0.2 s then
MAX_BRACKETS = 1_000_000  # each list or dict of the JSON text takes 64 bytes or more
_SUFFIX = ".ipynb"
_CELL_TYPES = ("code", "markdown", "raw")
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_AGAIN = "Open it in JupyterLab, save it and hand it in again."


class InvalidSubmissionError(Exception):
    """What was handed in cannot be read; the message is the sentence for the learner."""


@dataclass(frozen=True)
class Marks:
    """What a submitted cell claims about itself; compared with the release, never believed."""

    grade_id: str
    grade: bool
    solution: bool
    locked: bool
    points: float | None


@dataclass(frozen=True)
class HandedCell:
    """One cell as it was handed in, without outputs and attachments.

    Attributes
    ----------
    id : str
        nbformat's id, or empty.
    cell_type : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
        Its text, with plain line ends and no lone surrogates.
    marks : Marks or None
        nbgrader's metadata, if there is any.
    tags : frozenset of str
        Its tags.
    """

    id: str
    cell_type: str
    source: str
    marks: Marks | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Handed:
    """The notebook that was handed in."""

    name: str
    cells: tuple[HandedCell, ...]
    kernel: str = ""
    notes: tuple[str, ...] = ()


def tame(text: str, limit: int = 60) -> str:
    """Keep of a learner's text what is harmless in a sentence, on a page and in a table.

    Parameters
    ----------
    text : str
        A file name, an id.
    limit : int, default 60
        Most characters.

    Returns
    -------
    str
        Letters, digits and a few signs; ``?`` stands for the others.

    Examples
    --------
    >>> tame("<script>alert(1)</script>.ipynb")
    '?script?alert(1)?/script?.ipynb'
    """
    harmless = re.sub(r"[^\w .,()/-]", "?", " ".join(text[: 4 * limit].split()))
    return harmless if len(harmless) <= limit else harmless[: limit - 1] + "…"


def printable(text: str) -> str:
    r"""Replace what steers a terminal or turns the direction of writing; line ends stay.

    Parameters
    ----------
    text : str
        A sentence that quotes a learner's code.

    Returns
    -------
    str
        The same with ``?`` in place of such characters.

    Examples
    --------
    >>> printable("red: \x1b[31m")
    'red: ?[31m'
    """
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def read_handed(files: Mapping[str, bytes], slug: str, limits: Limits) -> Handed:
    """Read the notebook of an assignment from the files of a submission.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in, by name.
    slug : str
        Name of the assignment, after which its notebook is called.
    limits : Limits
        For the size of a notebook.

    Returns
    -------
    Handed
        Its cells, and notes about what is unusual.

    Raises
    ------
    InvalidSubmissionError
        If there is no such notebook, or it cannot be read.
    """
    name, notes = _chosen(files, slug)
    content = _parsed(tame(name), files[name], limits)
    shown = tame(name)
    metadata = content.get("metadata")
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise InvalidSubmissionError(
            _said(shown, "holds no list of cells, so it is not a notebook", _AGAIN)
        )
    if len(cells) > MAX_CELLS:
        what = f"holds {len(cells):,} cells, and at most {MAX_CELLS:,} are read"
        raise InvalidSubmissionError(_said(shown, what, "Delete those that you do not need."))
    found = tuple(_cell(shown, i, cell) for i, cell in enumerate(cells))
    return Handed(shown, found, _kernel(metadata), notes)


def _chosen(files: Mapping[str, bytes], slug: str) -> tuple[str, tuple[str, ...]]:
    """Choose the notebook: by its name, else the only one, else the only one named alike."""
    wanted = slug + _SUFFIX
    notebooks = sorted(
        name
        for name in files
        if name.lower().endswith(_SUFFIX) and ".ipynb_checkpoints" not in PurePosixPath(name).parts
    )
    by_name = [name for name in notebooks if PurePosixPath(name).name == wanted]
    if by_name:
        return min(by_name, key=lambda name: (len(PurePosixPath(name).parts), name)), ()
    if not notebooks:
        handed = ", ".join(map(tame, sorted(files)[:3])) or "nothing"
        what = f"{wanted}: there is no notebook in what was handed in ({handed}). Hand in {wanted}."
        raise InvalidSubmissionError(what)
    alike = [name for name in notebooks if PurePosixPath(name).name.startswith(slug)]
    for candidates in (notebooks, alike):
        if len(candidates) == 1:
            return candidates[0], (f"{tame(candidates[0])} was taken for {wanted}.",)
    named = ", ".join(map(tame, notebooks[:3]))
    what = f"{wanted}: there are {len(notebooks)} notebooks ({named}) and none has this name."
    message = f"{what} Hand in one notebook, called {wanted}."
    raise InvalidSubmissionError(message)


def _said(name: str, what: str, mend: str) -> str:
    return f"{name}: the file {what}. {mend}"


def _parsed(name: str, data: bytes, limits: Limits) -> dict[str, Any]:
    """Parse the JSON text, of which nothing but the frame has been checked afterwards."""
    oversize = size_of(data) or (len(data) if len(data) > limits.notebook_bytes else 0)
    if oversize:
        what = f"takes {oversize / MEGABYTE:,.0f} MB, the limit is "
        what += f"{limits.notebook_bytes / MEGABYTE:,.0f} MB"
        raise InvalidSubmissionError(
            _said(name, what, "In JupyterLab choose Clear Outputs of All Cells, and save.")
        )
    if not data.strip():
        raise InvalidSubmissionError(_said(name, "is empty", _AGAIN))
    if data.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        what = "is a packed archive under another name"
        raise InvalidSubmissionError(_said(name, what, "Unpack it and hand in the notebook."))
    if data.count(b"[") + data.count(b"{") > MAX_BRACKETS:
        what = "holds more lists than a notebook has, probably in outputs"
        raise InvalidSubmissionError(
            _said(name, what, "In JupyterLab choose Clear Outputs of All Cells, and save.")
        )
    text = _decoded(name, data)
    try:
        # NaN may stand in an output, which is dropped; as a source it is refused as no text.
        content = json.loads(text, parse_constant=lambda _: None, parse_int=_small_int)
    except json.JSONDecodeError as error:
        raise InvalidSubmissionError(_unparsable(name, text, error)) from None
    except (RecursionError, MemoryError):
        raise InvalidSubmissionError(
            _said(name, "is nested more deeply than a notebook", _AGAIN)
        ) from None
    if not isinstance(content, dict):
        raise InvalidSubmissionError(
            _said(name, "is JSON but not a notebook", f"Hand in the {_SUFFIX} file itself.")
        )
    _check_format(name, content)
    return content


def _small_int(digits: str) -> int:
    """Read an integer; one of more digits than Python converts has no place in a notebook."""
    return int(digits) if len(digits) < 100 else 0


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else
                           json.detect_encoding(data))  # fmt: skip
    except UnicodeDecodeError:
        what = "is not UTF-8 text, as notebooks are"
        raise InvalidSubmissionError(
            _said(name, what, "Hand in the file that JupyterLab saved, unchanged.")
        ) from None


def _unparsable(name: str, text: str, error: json.JSONDecodeError) -> str:
    start = text.lstrip()[:1]
    where = f"in line {error.lineno:,}"
    if _CONFLICT.search(text):
        what = "holds marks of an unresolved merge (<<<<<<<)"
        return _said(name, what, "Resolve the conflict, open it in JupyterLab and save it.")
    if start == "<":
        what = "is a web page, not a notebook"
        return _said(name, what, "Download the raw file and hand that in.")
    if start not in {"{", "["}:
        what = "is not a notebook but other text"
        return _said(name, what, f"Hand in the {_SUFFIX} file that JupyterLab saved.")
    if error.msg == "Extra data":
        what = f"goes on after the end of the notebook, {where}"
        return _said(name, what, f"Delete what follows there, or: {_AGAIN[0].lower()}{_AGAIN[1:]}")
    if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated"):
        what = f"ends in the middle of the notebook, {where}"
        return _said(name, what, "The upload may have been cut off: hand it in again.")
    what = f"is damaged {where}: it is not valid JSON there"
    return _said(name, what, "Take an earlier copy that JupyterLab opens, and hand that in.")


def _check_format(name: str, content: dict[str, Any]) -> None:
    major = content.get("nbformat")
    if "worksheets" in content or (type(major) is int and major < 4):
        what = "is a notebook of an old format, from before 2015"
        raise InvalidSubmissionError(_said(name, what, _AGAIN))
    if type(major) is not int or "cells" not in content:
        what = "is JSON but not a notebook"
        raise InvalidSubmissionError(_said(name, what, f"Hand in the {_SUFFIX} file itself."))
    if major > 4:
        what = f"is of notebook format {tame(str(major), 8)}, and this grader reads format 4"
        raise InvalidSubmissionError(
            _said(name, what, "Save it with the JupyterLab of the course.")
        )


def _cell(name: str, i: int, cell: object) -> HandedCell:
    """Take from a cell what is looked at, after a check of its types."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in _CELL_TYPES:
        raise InvalidSubmissionError(
            _said(name, f"has a cell that is none (number {i + 1})", _AGAIN)
        )
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise InvalidSubmissionError(
            _said(name, f"has a cell without text (number {i + 1})", _AGAIN)
        )
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = metadata.get("tags")
    return HandedCell(
        id=_text(cell.get("id")),
        cell_type=cell["cell_type"],
        source=_plain_text(source),
        marks=_marks(metadata.get("nbgrader")),
        tags=frozenset(map(_text, tags[:20])) if isinstance(tags, list) else frozenset(),
    )


def _marks(marks: object) -> Marks | None:
    if not isinstance(marks, dict) or not _text(marks.get("grade_id")):
        return None
    points = marks.get("points")
    return Marks(
        _text(marks["grade_id"]),
        grade=marks.get("grade") is True,
        solution=marks.get("solution") is True,
        locked=marks.get("locked") is True,
        points=float(points) if isinstance(points, int | float) else None,
    )


def _kernel(metadata: object) -> str:
    kernelspec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    return _text(kernelspec.get("name")) if isinstance(kernelspec, dict) else ""


def _text(value: object) -> str:
    """Return a short text, and an empty one for anything else."""
    return value if isinstance(value, str) and len(value) <= 200 else ""


def _plain_text(source: str) -> str:
    """Unify line ends, and replace what UTF-8 cannot write."""
    whole = source.encode("utf-8", "replace").decode("utf-8")
    return whole.replace("\r\n", "\n").replace("\r", "\n")
