"""Download files once, with retries, and only what is missing.

The size is said first and a bar is shown. A download goes on where an earlier one stopped: what has
arrived waits in a ``.part`` file. A file takes its final name only when its hash is right, and an
archive its place as a folder only when every file in it is right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from nnlib._progress import Progress
from nnlib.datasets._archive import unpack
from nnlib.datasets._catalog import Download, RemoteFile
from nnlib.datasets._fetch import what_is_here
from nnlib.errors import DatasetError

ATTEMPTS = 3
"""How often one address is tried; each attempt goes on where the last one stopped."""

TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16
RANGE_NOT_SATISFIABLE = 416


def download_files(
    download: Download,
    wanted: list[RemoteFile],
    folder: Path,
    base_url: str | None,
    *,
    progress: bool,
) -> None:
    """Download files of a set into a folder, each from the first address that has it.

    Parameters
    ----------
    download : Download
        The set.
    wanted : list of RemoteFile
        Those of its files that are not here.
    folder : Path
        Where they go.
    base_url : str or None
        Where they come from, instead of NNLIB_DATA_URL or the publisher's addresses.
    progress : bool
        Say the size and show a bar, on stdout.

    Raises
    ------
    DatasetError
        If a file cannot be had.
    """
    with _quiet_pooch(download) as pooch:
        if progress:
            count = "1 file" if len(wanted) == 1 else f"{len(wanted)} files"
            _say(download, count, sum(file.size_bytes or 0 for file in wanted), folder)
        for file in wanted:
            _download_file(
                pooch, download, file, folder, _addresses(download, base_url),
                known_hash=f"sha256:{file.sha256}", progress=progress,
            )  # fmt: skip


def download_archive(
    download: Download, target: Path, base_url: str | None, *, progress: bool
) -> None:
    """Download the archive of a set and unpack it, from the first address that has it.

    Parameters
    ----------
    download : Download
        The set.
    target : Path
        Where its folder goes; the archive waits beside it and is deleted in the end.
    base_url : str or None
        Where it comes from, instead of NNLIB_DATA_URL or the publisher's addresses.
    progress : bool
        Say the size and show a bar, on stdout.

    Raises
    ------
    DatasetError
        If the archive cannot be had, or does not hold the published files.
    """
    archive = download.archive
    assert archive is not None  # ruff: ignore[assert]  narrows the type
    exact = None if archive.md5 is None else archive.size_bytes
    path = target.parent / archive.name
    with _quiet_pooch(download) as pooch:
        if progress:
            _say(download, archive.name, archive.size_bytes, target)
        _download_file(
            pooch, download, RemoteFile(archive.name, exact, None), target.parent,
            _addresses(download, base_url),
            known_hash=None if archive.md5 is None else f"md5:{archive.md5}",
            accept=lambda: unpack(path, download, target), progress=progress,
        )  # fmt: skip
    path.unlink()


def _say(download: Download, what: str, size_bytes: int, place: Path) -> None:
    line = f"{download.name}: downloading {what}, {size_bytes / 1e6:.1f} MB, to {place}\n"
    sys.stdout.write(line)


@contextmanager
def _quiet_pooch(download: Download) -> Generator[Any]:
    """Yield the package pooch, which for once does not write to stderr what we have said."""
    try:
        import pooch
    except ImportError:
        error = missing(download, "downloading needs the package pooch")
        raise error from None

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield pooch
    finally:
        logger.setLevel(level)


def _addresses(download: Download, base_url: str | None) -> tuple[str, ...]:
    """Return where to look, in order."""
    override = os.environ.get("NNLIB_DATA_URL")
    if base_url:
        return (base_url.rstrip("/") + "/",)
    if override:
        return (f"{override.rstrip('/')}/{quote(download.folder)}/",)
    return download.base_urls


def _download_file(
    pooch: Any,
    download: Download,
    file: RemoteFile,
    folder: Path,
    base_urls: tuple[str, ...],
    *,
    known_hash: str | None,
    progress: bool,
    accept: Callable[[], None] = lambda: None,
) -> None:
    """Download one file, trying one address after the other; ``accept`` has the last word."""
    path, part = folder / file.name, folder / f"{file.name}.part"
    reasons = []
    for base_url in base_urls:
        reason = ""
        # A second time only if something was left over from elsewhere and may be to blame.
        for _ in range(1 + (part.exists() or path.exists())):
            try:
                pooch.retrieve(
                    base_url + file.name,
                    known_hash=known_hash,
                    fname=file.name,
                    path=folder,
                    downloader=partial(
                        _resume, file=file, size=download.size_bytes, part=part, progress=progress
                    ),
                )
                accept()
            except ValueError:  # another hash, and pooch has deleted the file; or not accepted
                reason = "what arrived is not the published file"
                path.unlink(missing_ok=True)
            except OSError as error:
                reason = str(error)
                break
            else:
                return
        reasons.append(f"{base_url}: {reason}")
    raise missing(download, f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def _resume(
    url: str,
    output_file: Any,
    _pooch: Any,
    *,
    file: RemoteFile,
    size: int,
    part: Path,
    progress: bool,
) -> None:
    """Download ``url`` into ``part``, from where that ends, and hand it over when complete."""
    last_error: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            complete = _receive(url, file, size, part, progress=progress)
        except HTTPError as error:
            error.close()
            if error.code == RANGE_NOT_SATISFIABLE and part.exists():
                part.unlink()  # longer than the file, or another one: from the beginning
                continue
            message = f"the server answered {error.code} {error.reason}"
            raise OSError(message) from error
        except (OSError, HTTPException) as error:
            last_error, complete = error, _is_complete(part, file)
        if complete:
            part.replace(output_file)  # from here on the hash decides
            return
    message = f"the connection failed {ATTEMPTS} times ({last_error or 'it ended early'})"
    raise OSError(message)


def _is_complete(part: Path, file: RemoteFile) -> bool:
    return file.size_bytes is not None and part.is_file() and part.stat().st_size >= file.size_bytes


def _receive(url: str, file: RemoteFile, size: int, part: Path, *, progress: bool) -> bool:
    """Append to ``part`` what is missing, or all again; return whether it is complete now."""
    if _is_complete(part, file):
        return True
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "nnlib", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = Request(url, headers=headers)  # ruff: ignore[suspicious-url-open-usage]  the addresses stand in the catalog
    with urlopen(request, timeout=TIMEOUT_S) as response:  # ruff: ignore[suspicious-url-open-usage]
        goes_on = have > 0 and response.status == 206
        announced = response.headers.get("Content-Length")
        received = 0
        bar = Progress(file.size_bytes or size, "B", wanted=progress, scale=True)
        bar.say(file.name)
        bar.advance(have if goes_on else 0)
        try:
            with part.open("ab" if goes_on else "wb") as stream:
                while chunk := response.read(CHUNK_BYTES):
                    received += len(chunk)
                    stream.write(chunk)
                    bar.advance(len(chunk))
        finally:
            bar.close()
    if file.size_bytes is not None:
        return _is_complete(part, file)
    # Without a known size the server's word must do; unpacking will show.
    return received > 0 and announced in {None, str(received)}


def missing(download: Download, reason: str) -> DatasetError:
    """Build the one sentence that says what is missing and how to get it."""
    message = (
        f"{download.name}: {what_is_here(download)}, and {reason}. Load it again with a network, "
        f"or take a folder that holds {download.folder}/ and run: nncourse data --from DIR"
    )
    return DatasetError(message)
