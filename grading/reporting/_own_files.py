"""Write files for the instructor whole or not at all, and never over a file that is not ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from grading.classroom import write_atomically
from grading.refusals import Refusal

__all__ = ["OwnFiles", "write_whole"]

RECORD = ".nncourse-written.json"


class OwnFiles:
    """Remembers what was written, so that only that is overwritten.

    A file is ours if it still holds what we last wrote to it: an export that the instructor has
    corrected by hand since then is his or hers.

    Parameters
    ----------
    root : Path
        The class folder, where the record is kept. Files inside of it are recorded by their place
        in it, so that a copy of the folder knows its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._record = root / RECORD

    def write(self, path: Path, content: str | bytes, *, force: bool = False) -> Path:
        """Write a file.

        Parameters
        ----------
        path : Path
            The file.
        content : str or bytes
            All of it; text is written as UTF-8.
        force : bool, default False
            Overwrite whatever is there.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        Refusal
            If another's file is there, the folder is not, or it cannot be written.
        """
        data = content.encode("utf-8") if isinstance(content, str) else content
        path = path.expanduser()
        if path.is_dir():
            msg = f"{path}: this is a folder. Name a file: --to {path / 'FILE'}"
            raise Refusal(msg)
        if not path.parent.exists():
            msg = (
                f"{path.parent}: there is no such folder, so {path.name} cannot be written there. "
                "Make the folder, or name another with --to."
            )
            raise Refusal(msg)
        name = self._name(path)
        known = self._known()
        if path.exists() and not force and known.get(name) != _digest(path.read_bytes()):
            msg = (
                f"{path}: the file is there already, and it is not as nncourse last wrote it. "
                "Name another with --to, or overwrite it with --force."
            )
            raise Refusal(msg)
        write_whole(path, data)
        known[name] = _digest(data)
        write_whole(self._record, json.dumps(known, indent=1, sort_keys=True).encode())
        return path

    def _name(self, path: Path) -> str:
        place = path.parent.resolve() / path.name
        inside = place.is_relative_to(self._root)
        return place.relative_to(self._root).as_posix() if inside else str(place)

    def _known(self) -> dict[str, str]:
        try:
            content = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name beside it, then rename it.

    Parameters
    ----------
    path : Path
        The file; its folder is made. Where the place already holds a link, the link is replaced,
        not followed.
    content : bytes
        All of it.

    Raises
    ------
    Refusal
        If the folder cannot be written to.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        msg = f"{path}: it cannot be written: {error.strerror or error}. Name another with --to."
        raise Refusal(msg) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
