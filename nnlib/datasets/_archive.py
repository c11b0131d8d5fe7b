"""Take the files of a set out of an archive, and nothing else.

The names that are written come from the catalog, never from the archive, so that no ``..``, no
absolute path and no link in it leads anywhere. The files take their final place all at once, after
every one of them has been checked.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from nnlib.datasets._catalog import Archive, Download
from nnlib.datasets._fetch import damaged

LIMIT = 8
"""How many times its own size an archive may unpack to: CIFAR-10 takes 1.1, speech 1.4."""

LEAST_LIMIT_BYTES = 1 << 20
"""What a small archive may unpack to in any case."""


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
        if target.exists():
            target.rename(old)
        new.rename(target)


def _extract(path: Path, download: Download, archive: Archive, folder: Path) -> None:
    """Write the regular files that the catalog names."""
    wanted = {f"{archive.folder}/{file.name}": file for file in download.files}
    limit = max(LIMIT * archive.size_bytes, LEAST_LIMIT_BYTES)
    with tarfile.open(path, "r:gz") as tar:
        total = 0
        for member in tar:
            total += member.size
            if total > limit:
                message = f"{path.name} unpacks to more than {limit / 1e6:.0f} MB"
                raise WrongArchiveError(message)
            file = wanted.get(member.name)
            stream = tar.extractfile(member) if file is not None and member.isreg() else None
            if file is None or stream is None:
                continue
            destination = folder / file.name
            destination.parent.mkdir(parents=True, exist_ok=True)
            with stream, destination.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
