"""Find notebooks in folders and archives, without reading them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grading.collection._archive import (
    MAX_DEPTH,
    ArchiveError,
    clean_parts,
    entry_problem,
    entry_time,
    kind_of_entry_problem,
)
from grading.collection._others import renamed_by_browser
from grading.collection._reader import INNER_ARCHIVE_BYTES, Reader, kind_problem, open_regular
from grading.collection._submission import shown
from grading.limits import MEGABYTE
from grading.refusals import Refusal

__all__ = ["Place", "Walk", "read_manifest"]

MAX_FILES = 500_000
MAX_FOLDERS_DEEP = 16
MAX_INNER_ARCHIVES = 100
MAX_INNER_REFUSALS = 20
_SMALL_BYTES = 4096
_MANIFEST_BYTES = MEGABYTE
_PASSED_OVER = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
_OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz")
_EMPTY = "the file is empty. Ask for it again."
_A_LINK = "it is a link. Put the file or folder itself there."
_NOT_A_ZIP = "this kind of archive is not read. Ask for a zip."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a notebook lies.

    Attributes
    ----------
    root : tuple of str
        Names of what was given and of the folder around it, from the inside out.
    parts : tuple of str
        Folders, archives without ending, and the file, from the outside in.
    n_outer : int
        How many of the parts were written by the platform or the instructor: those up to the
        first archive within an archive, that archive included.
    n_given : int
        How many lie outside of an archive that was found in a folder, its name included: it may
        be an export of the platform, or one learner's; 0 for an archive that was named itself.
    file : Path
        The file on disk.
    inside : tuple of int
        Positions in the archive and in archives within it; empty for a file on disk.
    time : datetime or None
        When the file, or the entry of the outermost archive, was written; without a zone if a
        clock's time is all that is known.
    timestamp : str
        What a ``timestamp.txt`` of nbgrader's tree says; empty if there is none.
    manifest : tuple of int or Path or None
        Where the manifest of a bundle lies beside it.
    oversize : int
        Bytes of a notebook that is too large to be read; 0 for any other.
    """

    root: tuple[str, ...]
    parts: tuple[str, ...]
    n_outer: int
    n_given: int
    file: Path
    inside: tuple[int, ...] = ()
    time: datetime | None = None
    timestamp: str = ""
    manifest: tuple[int, ...] | Path | None = None
    oversize: int = 0

    @property
    def origin(self) -> str:
        """The place, for people."""
        if not self.inside:
            return shown(self.file)
        return f"{shown(self.file)}: {shown('/'.join(self.parts))}"


@dataclass(frozen=True, slots=True)
class _Outside:
    """What is known of an archive from where it lies."""

    root: tuple[str, ...]
    parts: tuple[str, ...] = ()
    n_outer: int = 0
    n_given: int = 0
    time: datetime | None = None


class Walk:
    """A walk through what was given.

    Parameters
    ----------
    reader : Reader
        To look into archives.
    limit_bytes : int
        The largest notebook that is read.
    refuse : callable
        Called with a place and a clause for everything that is not taken.
    saw : callable, optional
        Called for every file that is no archive, as `NotebookLess.saw`.
    """

    def __init__(
        self,
        reader: Reader,
        limit_bytes: int,
        refuse: Callable[[str, str], None],
        saw: Callable[[Path, tuple[str, ...], tuple[int, ...]], None] = lambda *_: None,
    ) -> None:
        self._reader = reader
        self._limit_bytes = limit_bytes
        self._refuse = refuse
        self._saw = saw
        self._n_inner_archives = 0
        self._n_inner_refusals = 0

    def through(self, path: Path) -> Iterator[Place]:
        """Find every notebook in a folder or zip, or take the notebook itself.

        Parameters
        ----------
        path : Path
            What was given.

        Yields
        ------
        Place
            In the order of the names.

        Raises
        ------
        Refusal
            If the path is absent or nothing that can be collected: that is the caller's slip.
        """
        if not os.path.lexists(path):
            msg = f"{shown(path)}: there is no such file or folder. Check its name."
            raise Refusal(msg)
        whole = path.absolute()
        kind = path.suffix.lower()
        if path.is_symlink():
            self._refuse(shown(path), _A_LINK)
        elif path.is_dir():
            yield from self._folder(path, (whole.name, whole.parent.name))
        elif kind == ".zip":
            yield from self._archive(path, (), _Outside((path.stem,)))
        elif kind == ".ipynb":
            root = (whole.parent.name, whole.parent.parent.name)
            yield from self._on_disk(path, root, (path.name,), "", None)
        else:
            msg = f"{shown(path)}: this is no folder, zip or notebook. Check its name."
            raise Refusal(msg)

    def _folder(self, top: Path, root: tuple[str, ...]) -> Iterator[Place]:
        n_files = 0
        waiting: list[tuple[Path, tuple[str, ...], Path | None]] = [(top, (), None)]
        while waiting:
            folder, parts, manifest = waiting.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                self._refuse(shown(folder), f"it cannot be read: {error.strerror}. Mend that.")
                continue
            n_files += len(entries)
            if n_files > MAX_FILES:
                self._refuse(shown(top), f"it holds more than {MAX_FILES:,} files. Name its parts.")
                return
            names = {entry.name for entry in entries}
            if "manifest.json" in names:
                manifest = folder / "manifest.json"
            timestamp = _timestamp(folder / "timestamp.txt") if "timestamp.txt" in names else ""
            deeper = []
            for entry in entries:
                inner = (*parts, entry.name)
                if entry.name in _PASSED_OVER:
                    continue
                if entry.is_symlink():
                    self._refuse(shown(entry.path), _A_LINK)
                elif not entry.is_dir(follow_symlinks=False):
                    yield from self._file(folder / entry.name, root, inner, timestamp, manifest)
                elif len(inner) > MAX_FOLDERS_DEEP:
                    self._refuse(shown(entry.path), "the folders are nested too deep. Move it up.")
                else:
                    deeper.append((folder / entry.name, inner, manifest))
            waiting.extend(reversed(deeper))

    def _file(
        self,
        path: Path,
        root: tuple[str, ...],
        parts: tuple[str, ...],
        timestamp: str,
        manifest: Path | None,
    ) -> Iterator[Place]:
        kind = path.suffix.lower()
        if path.name.startswith("._"):  # what macOS leaves beside a file
            return
        if kind == ".ipynb":
            yield from self._on_disk(path, root, parts, timestamp, manifest)
        elif kind == ".zip":
            names = (*parts[:-1], path.stem)
            yield from self._archive(path, (), _Outside(root, names, n_given=len(names)))
        elif path.name.lower().endswith(_OTHER_ARCHIVES):
            self._refuse(shown(path), _NOT_A_ZIP)
            return
        elif problem := renamed_by_browser(path.name):
            self._refuse(shown(path), problem)
        if kind != ".zip":
            self._saw(path, parts, ())

    def _on_disk(
        self,
        path: Path,
        root: tuple[str, ...],
        parts: tuple[str, ...],
        timestamp: str,
        manifest: Path | None,
    ) -> Iterator[Place]:
        try:
            status = path.lstat()
            when = datetime.fromtimestamp(status.st_mtime, UTC)
        except (OSError, ValueError, OverflowError) as error:
            self._refuse(shown(path), f"it cannot be read: {type(error).__name__}. Copy it anew.")
            return
        problem = kind_problem(status)
        if problem is None and status.st_size == 0:
            problem = _EMPTY
        if problem:
            self._refuse(shown(path), problem)
            return
        oversize = status.st_size if status.st_size > self._limit_bytes else 0
        yield Place(root, parts, len(parts), 0, path, (), when, timestamp, manifest, oversize)

    def _archive(self, path: Path, inside: tuple[int, ...], outside: _Outside) -> Iterator[Place]:
        where = shown(path)
        if inside:
            where += f": {shown('/'.join(outside.parts))}"
        # Counted for each archive within the one that was given: one learner spends no one else's.
        if len(inside) <= 1:
            self._n_inner_archives = self._n_inner_refusals = 0
        self._n_inner_archives += 1
        if self._n_inner_archives > MAX_INNER_ARCHIVES:
            self._refuse_in(inside, where, f"more than {MAX_INNER_ARCHIVES} archives lie in it.")
            return
        if len(inside) >= MAX_DEPTH:
            fact = f"more than {MAX_DEPTH} archives lie in one another. Unpack it."
            self._refuse_in(inside, where, fact)
            return
        try:
            entries = self._reader.archive(path, inside).infolist()
        except ArchiveError as error:
            self._refuse_in(inside, where, str(error))
            return
        found, manifest, timestamps = self._listed(path, inside, outside.parts, entries)
        for i, inner, entry in found:
            is_archive = inner[-1].lower().endswith(".zip")
            limit_bytes = INNER_ARCHIVE_BYTES if is_archive else self._limit_bytes
            oversize = 0 if is_archive or entry.file_size <= limit_bytes else entry.file_size
            problem = (
                kind_of_entry_problem(entry) if oversize else entry_problem(entry, limit_bytes)
            )
            problem = problem or (None if entry.file_size else _EMPTY)
            if problem:
                self._refuse_in(inside, f"{where}: {shown('/'.join(inner))}", problem)
                continue
            last = inner[-1][:-4] if is_archive else inner[-1]
            names = (*outside.parts, *inner[:-1], last)
            n_outer = outside.n_outer or len(names)
            time = outside.time if inside else entry_time(entry)
            given, place = outside.n_given, (*inside, i)
            if is_archive:
                deeper = _Outside(outside.root, names, n_outer, given, time)
                yield from self._archive(path, place, deeper)
            else:
                stamp = timestamps.get(inner[:-1], "")
                of_outside = (outside.root, names, n_outer, given)
                yield Place(*of_outside, path, place, time, stamp, manifest, oversize)

    def _refuse_in(self, inside: tuple[int, ...], where: str, fact: str) -> None:
        """Refuse something; of one learner's archive only so much is said."""
        self._n_inner_refusals += 1 if inside else 0
        if self._n_inner_refusals == MAX_INNER_REFUSALS and inside:
            self._refuse(where, f"{fact} More of this archive is refused, without further notice.")
        elif not inside or self._n_inner_refusals < MAX_INNER_REFUSALS:
            self._refuse(where, fact)

    def _listed(
        self,
        path: Path,
        inside: tuple[int, ...],
        outside: tuple[str, ...],
        entries: list[zipfile.ZipInfo],
    ) -> tuple[
        list[tuple[int, tuple[str, ...], zipfile.ZipInfo]],
        tuple[int, ...] | None,
        dict[tuple[str, ...], str],
    ]:
        """List notebooks and archives of an archive, and what lies beside them."""
        where = shown(path) + (f": {shown('/'.join(outside))}" if inside else "")
        found: list[tuple[int, tuple[str, ...], zipfile.ZipInfo]] = []
        manifest: tuple[int, ...] | None = None
        timestamps: dict[tuple[str, ...], str] = {}
        seen: set[str] = set()
        for i, entry in enumerate(entries):
            if entry.is_dir():
                continue
            try:
                inner = clean_parts(entry)
            except ArchiveError as error:
                self._refuse_in(inside, f"{where}: {shown(entry.filename)}", str(error))
                continue
            if not inner or set(inner) & _PASSED_OVER or inner[-1].startswith("._"):
                continue
            name = "/".join(inner).casefold()
            if not name.endswith((".zip", *_OTHER_ARCHIVES)):
                self._saw(path, (*outside, *inner), (*inside, i))
            if inner[-1] == "manifest.json" and manifest is None:
                manifest = (*inside, i)
            elif inner[-1] == "timestamp.txt" and not inside:
                timestamps[inner[:-1]] = self._timestamp_inside(path, (i,))
            elif name.endswith(_OTHER_ARCHIVES):
                self._refuse_in(inside, f"{where}: {shown('/'.join(inner))}", _NOT_A_ZIP)
            elif name.endswith((".ipynb", ".zip")):
                if name in seen:
                    fact = "the name stands there twice, and only the first is read. Remove one."
                    self._refuse_in(inside, f"{where}: {shown('/'.join(inner))}", fact)
                    continue
                seen.add(name)
                found.append((i, inner, entry))
            elif problem := renamed_by_browser(inner[-1]):
                self._refuse_in(inside, f"{where}: {shown('/'.join(inner))}", problem)
        return found, manifest, timestamps

    def _timestamp_inside(self, path: Path, inside: tuple[int, ...]) -> str:
        try:
            return _line(self._reader.read(path, inside, _SMALL_BYTES))
        except ArchiveError:
            return "(not readable)"


def _timestamp(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return _line(file.read(_SMALL_BYTES))
    except ArchiveError:
        return "(not readable)"


def _line(content: bytes) -> str:
    return content.decode("utf-8", "replace").strip()[:100]


def read_manifest(reader: Reader, place: Place) -> bytes:
    """Read the manifest of the bundle that a notebook lies in; empty if there is none.

    Parameters
    ----------
    reader : Reader
        To look into archives.
    place : Place
        The notebook.

    Returns
    -------
    bytes
        JSON, or whatever stands there.
    """
    if place.manifest is None:
        return b""
    try:
        if isinstance(place.manifest, Path):
            return reader.read(place.manifest, (), _MANIFEST_BYTES)
        return reader.read(place.file, place.manifest, _MANIFEST_BYTES)
    except ArchiveError:
        return b""
