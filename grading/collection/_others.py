"""Hand-ins without a notebook, as a PDF alone: they are listed, so that nobody is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grading.collection._submission import shown

__all__ = ["NotebookLess", "renamed_by_browser"]

MAX_SENTENCES = 1000
_NAMED = 3
_LEFT_BEHIND = {"manifest.json", "timestamp.txt", "attempt.json", "thumbs.db", "desktop.ini"}
_RENAMED = re.compile(r"(.+\.ipynb)\.(?:txt|json|html?)", re.IGNORECASE)
_MOODLE = re.compile(r"(.+?_\d{1,19})_assignsubmission_.*")
_CANVAS = re.compile(r"([^\W_]+(?:_LATE)?_\d{1,19})_(?:\d{1,19}_.+|text\.html)")

HandIn = tuple[str, ...]


def renamed_by_browser(name: str) -> str | None:
    """Say what to do with a notebook to whose name a browser has added an ending.

    Parameters
    ----------
    name : str
        Of a file.

    Returns
    -------
    str or None
        A clause and a mend; None for any other file.

    Examples
    --------
    >>> renamed_by_browser("01-x.ipynb.txt")
    'the ending .txt was added to a notebook, as browsers do. Rename it to 01-x.ipynb.'
    >>> renamed_by_browser("notes.txt")
    """
    found = _RENAMED.fullmatch(name)
    if found is None:
        return None
    ending = name[found.end(1) :]
    return (
        f"the ending {ending} was added to a notebook, as browsers do. Rename it to "
        f"{shown(found[1])}."
    )


@dataclass
class _Files:
    """The files of a hand-in, as long as no notebook of it was seen."""

    where: str
    names: list[str] = field(default_factory=list)
    n: int = 0


class NotebookLess:
    """Listens to a walk, and lists hand-ins of which only other files came.

    Parameters
    ----------
    slugs : collection of str
        Names of the released assignments, after which nbgrader's tree names folders.
    is_somebody : callable
        Tells whether a folder is named after a learner.
    """

    def __init__(self, slugs: Collection[str], is_somebody: Callable[[str], bool]) -> None:
        self._slugs = set(slugs)
        self._is_somebody = is_somebody
        self._with_notebook: set[HandIn] = set()
        self._others: dict[HandIn, _Files] = {}
        self._last: tuple[tuple[str, ...], tuple[HandIn, bool]] = ((), ((), False))

    def saw(self, path: Path, parts: tuple[str, ...], inside: tuple[int, ...]) -> None:
        """Take note of a file.

        Parameters
        ----------
        path : Path
            The file, or the archive on disk that it lies in.
        parts : tuple of str
            Folders and name, from the outside in; archives without ending are folders.
        inside : tuple of int
            Positions in archives; empty for a file on disk.
        """
        name = parts[-1].casefold()
        is_notebook = ".ipynb" in name
        if not is_notebook and (name in _LEFT_BEHIND or name.startswith((".", "readme"))):
            return
        hand_in = self._hand_in(parts)
        if not hand_in or hand_in in self._with_notebook:
            return
        if is_notebook:  # what lies beside the folder of an assignment belongs to its notebook
            around = self._of_folders(parts[:-1])[0]
            for each in {hand_in, around, hand_in[:-1] if hand_in[-1] in self._slugs else hand_in}:
                self._with_notebook.add(each)
                self._others.pop(each, None)
            return
        files = self._others.get(hand_in)
        if files is None:
            folder = "/".join(parts[:-1]) or parts[-1]
            where = f"{shown(path)}: {shown(folder)}" if inside else shown(path.parent)
            files = self._others[hand_in] = _Files(where)
        files.n += 1
        if len(files.names) < _NAMED:
            files.names.append(parts[-1])

    def _hand_in(self, parts: tuple[str, ...]) -> HandIn:
        """Name the hand-in that a file belongs to; empty for a file that belongs to none."""
        hand_in, is_somebodys = self._of_folders(parts[:-1])
        if not is_somebodys and (
            found := _MOODLE.fullmatch(parts[-1]) or _CANVAS.fullmatch(parts[-1])
        ):
            return (*parts[:-1], found[1])
        return hand_in

    def _of_folders(self, folders: tuple[str, ...]) -> tuple[HandIn, bool]:
        """Name the hand-in of whatever lies in a folder, and tell whether its name says whose."""
        if folders != self._last[0]:
            self._last = folders, self._found(folders)
        return self._last[1]

    def _found(self, folders: tuple[str, ...]) -> tuple[HandIn, bool]:
        for depth, part in enumerate(folders):
            if found := _MOODLE.fullmatch(part) or _CANVAS.fullmatch(part):
                return (*folders[:depth], found[1]), True
            if self._is_somebody(part):  # in nbgrader's tree a folder for each assignment follows
                is_tree = folders[depth + 1 : depth + 2] and folders[depth + 1] in self._slugs
                return folders[: depth + 2] if is_tree else folders[: depth + 1], True
        return folders[: 2 if folders[:1] and folders[0] in self._slugs else 1], False

    def sentences(self, slug: str | None = None) -> Iterator[str]:
        """Say of which hand-ins no notebook came.

        Parameters
        ----------
        slug : str, optional
            Leave out what lies in the folder of another assignment.

        Yields
        ------
        str
            Place, what lies there, and the mend.
        """
        said = 0
        for hand_in, files in self._others.items():
            if slug is not None and set(hand_in) & (self._slugs - {slug}):
                continue
            said += 1
            if said > MAX_SENTENCES:
                yield f"More than {MAX_SENTENCES:,} hand-ins hold no notebook. Name their parts."
                return
            names = ", ".join(map(shown, files.names))
            more = f" and {files.n - _NAMED:,} more" if files.n > _NAMED else ""
            yield (
                f"{files.where}: no notebook came with this hand-in, only {names}{more}. Ask for "
                "the .ipynb file."
            )
