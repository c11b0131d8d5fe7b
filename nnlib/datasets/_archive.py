"""Take the files of a set out of an archive, and nothing else.

The names that are written come from the catalog, never from the archive, so that no ``..``, no
absolute path and no link in it leads anywhere. The archive is read from front to back, a piece at a
time: what is not wanted, notes on its members included, is passed over without being kept. The
files take their final place all at once, after every one of them has been checked.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from nnlib.datasets._catalog import Archive, Download
from nnlib.datasets._fetch import damaged

LIMIT = 8
"""How many times its own size an archive may unpack to: CIFAR-10 takes 1.1, speech 1.4."""

LEAST_LIMIT_BYTES = 1 << 20
"""What a small archive may unpack to in any case."""

MEMBERS_PER_FILE, LEAST_MEMBERS = 4, 1000
"""How many members an archive may have for each file of the set, and in any case."""

CHUNK_BYTES = 1 << 16
_WITHOUT_CONTENT = (
    tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
    tarfile.BLKTYPE,
)  # fmt: skip


class WrongArchiveError(ValueError):
    """What arrived is not the published archive."""


def unpack(path: Path, download: Download, target: Path) -> None:
    """Unpack, check every file, and put the folder in place.

    Parameters
    ----------
    path : Path
        The archive.
    download : Download
        The set.
    target : Path
        Folder of its files; what it held is replaced.

    Raises
    ------
    WrongArchiveError
        If the archive is damaged, or does not hold the published files; ``target`` stays as it was.
    """
    if download.archive is None:
        message = f"{download.name}: no archive is known."
        raise WrongArchiveError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        new.mkdir()
        try:
            _extract(path, download, download.archive, new)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
            message = f"{path.name} is damaged ({error})"
            raise WrongArchiveError(message) from error
        wrong = damaged(new, download)
        if wrong:
            message = f"{wrong[0]} in {path.name} is missing or not the published file"
            raise WrongArchiveError(message)
        _put_in_place(new, target, old)


def _put_in_place(new: Path, target: Path, old: Path) -> None:
    """Move what was at the target away and the new folder there, or all back if that fails."""
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _extract(path: Path, download: Download, archive: Archive, folder: Path) -> None:
    """Write the regular files that the catalog names."""
    wanted = {f"{archive.folder}/{file.name}": file for file in download.files}
    limit = max(LIMIT * archive.size_bytes, LEAST_LIMIT_BYTES)
    most = max(MEMBERS_PER_FILE * len(download.files), LEAST_MEMBERS)
    with gzip.open(path, "rb") as stream:
        content = _Content(stream, limit, path.name)
        for _ in range(most + 1):
            member = content.next_member()
            if member is None:
                return
            file = wanted.get(member.name)
            size = 0 if member.type in _WITHOUT_CONTENT else member.size
            if file is None or member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
                deque(content.pieces(size), maxlen=0)  # passes over it
                continue
            destination = folder / file.name
            destination.parent.mkdir(parents=True, exist_ok=True)
            with destination.open("wb") as copy:
                for piece in content.pieces(size):
                    copy.write(piece)
    message = f"{path.name} has more than {most} members"
    raise WrongArchiveError(message)


class _Content:
    """The content of a compressed archive, read once from front to back, up to a limit."""

    def __init__(self, stream: gzip.GzipFile, limit: int, name: str) -> None:
        self._stream, self._left, self._limit, self._name = stream, limit, limit, name

    def next_member(self) -> tarfile.TarInfo | None:
        """Return the head of the next member, or None at the end."""
        block = self._read(tarfile.BLOCKSIZE)
        if not block.strip(b"\0"):
            return None
        # It knows neither the notes of pax nor those of GNU on longer names: ours are short.
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the content of a member piece by piece, and pass over what fills its last block."""
        if size < 0:
            message = f"{self._name} has a member of {size} bytes"
            raise WrongArchiveError(message)
        left = size
        while left:
            piece = self._read(min(left, CHUNK_BYTES))
            if not piece:
                message = "it ends within a member"
                raise EOFError(message)
            left -= len(piece)
            yield piece
        self._read(-size % tarfile.BLOCKSIZE)

    def _read(self, size: int) -> bytes:
        """Read so many bytes, or fewer at the end."""
        self._left -= size
        if self._left < 0:
            message = f"{self._name} unpacks to more than {self._limit / 1e6:.0f} MB"
            raise WrongArchiveError(message)
        return self._stream.read(size)
