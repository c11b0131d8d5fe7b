"""Submitted files and results, each stored once under the hash of its content."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from grading.journal import _disk

__all__ = ["ObjectStore"]


class ObjectStore:
    """A folder of compressed objects named by SHA-256.

    Parameters
    ----------
    folder : Path
        Where they lie, by the first two digits of their names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsynced: set[Path] = set()

    def path(self, name: str) -> Path:
        """Say where an object lies.

        Parameters
        ----------
        name : str
            Its hash.

        Returns
        -------
        Path
            The file, there or not.
        """
        return self.folder / name[:2] / name

    def put(self, data: bytes) -> str:
        """Store some bytes, unless they are there, undamaged.

        Parameters
        ----------
        data : bytes
            The content.

        Returns
        -------
        str
            Its hash.
        """
        name = hashlib.sha256(data).hexdigest()
        path = self.path(name)
        if self.get(name) is None:
            # Level 1 shrinks a notebook to a third in 0.6 ms; higher levels gain little.
            # Its name is its hash, so that one cut short is taken for absent: it may wait.
            _disk.write_whole(path, [zlib.compress(data, 1)], wait=False)
            self._unsynced.add(path)
        return name

    def get(self, name: str) -> bytes | None:
        """Read an object.

        Parameters
        ----------
        name : str
            Its hash.

        Returns
        -------
        bytes or None
            The content; None if it is absent or damaged.
        """
        try:
            data = zlib.decompress(self.path(name).read_bytes())
        except (FileNotFoundError, zlib.error):
            return None
        return data if hashlib.sha256(data).hexdigest() == name else None

    def has(self, name: str) -> bool:
        """Tell whether an object is there; does not read it.

        Parameters
        ----------
        name : str
            Its hash.

        Returns
        -------
        bool
            Whether its file exists.
        """
        return self.path(name).exists()

    def remove(self, name: str) -> None:
        """Remove an object, if it is there.

        Parameters
        ----------
        name : str
            Its hash.
        """
        _disk.remove(self.path(name))

    def names(self) -> Iterator[str]:
        """Iterate over the names of all objects and of drafts that a killed process left.

        Yields
        ------
        str
            File names; those of drafts are no hashes.
        """
        if not self.folder.exists():
            return
        for shelf in sorted(self.folder.iterdir()):
            yield from [path.name for path in shelf.iterdir()]

    def sync(self) -> None:
        """Wait until new objects are on the disk."""
        if self._unsynced:
            _disk.sync_files(self._unsynced)
            _disk.sync_folder(self.folder)
            self._unsynced.clear()
