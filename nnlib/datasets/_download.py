"""Download files once, with retries, and only what is missing.

The size is said first and a bar is shown. A download goes on where an earlier one stopped: what has
arrived waits in a ``.part`` file. A file takes its final name only when its hash is right.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from nnlib._progress import Progress
from nnlib.datasets._catalog import Download, RemoteFile
from nnlib.errors import DatasetError

ATTEMPTS = 3
"""How often one address is tried; each attempt goes on where the last one stopped."""

TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16


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
    try:
        import pooch
    except ImportError:
        error = missing(download, "downloading needs the package pooch")
        raise error from None

    override = base_url or os.environ.get("NNLIB_DATA_URL")
    if override and not base_url:
        override = f"{override.rstrip('/')}/{download.folder}/"
    base_urls = (override.rstrip("/") + "/",) if override else download.base_urls
    if progress:
        size = sum(file.size_bytes for file in wanted) / 1e6
        line = f"{download.name}: downloading {len(wanted)} files, {size:.1f} MB, to {folder}\n"
        sys.stdout.write(line)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # it would write to stderr, what we have said already
    try:
        for file in wanted:
            _download_file(pooch, download, file, folder, base_urls, progress=progress)
    finally:
        logger.setLevel(level)


def _download_file(
    pooch: Any,
    download: Download,
    file: RemoteFile,
    folder: Path,
    base_urls: tuple[str, ...],
    *,
    progress: bool,
) -> None:
    """Download one file, trying one address after the other."""
    part = folder / f"{file.name}.part"
    reasons = []
    for base_url in base_urls:
        reason = ""
        # A second time only if the beginning was left over from elsewhere and may be to blame.
        for _ in range(1 + part.exists()):
            try:
                pooch.retrieve(
                    base_url + file.name,
                    known_hash=f"sha256:{file.sha256}",
                    fname=file.name,
                    path=folder,
                    downloader=partial(_resume, file=file, part=part, progress=progress),
                )
            except ValueError:  # pooch found another hash, and has deleted the file
                reason = "what arrived is not the published file"
            except OSError as error:
                reason = str(error)
                break
            else:
                return
        reasons.append(f"{base_url}: {reason}")
    raise missing(download, f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def _resume(
    url: str, output_file: Any, _pooch: Any, *, file: RemoteFile, part: Path, progress: bool
) -> None:
    """Download ``url`` into ``part``, from where that ends, and hand it over when complete."""
    last_error: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            _receive(url, file, part, progress=progress)
        except HTTPError as error:
            message = f"the server answered {error.code} {error.reason}"
            error.close()
            raise OSError(message) from error
        except (OSError, HTTPException) as error:
            last_error = error
        if _is_complete(part, file):
            part.replace(output_file)  # from here on the hash decides
            return
    message = f"the connection failed {ATTEMPTS} times ({last_error or 'it ended early'})"
    raise OSError(message)


def _is_complete(part: Path, file: RemoteFile) -> bool:
    return part.is_file() and part.stat().st_size >= file.size_bytes


def _receive(url: str, file: RemoteFile, part: Path, *, progress: bool) -> None:
    """Append to ``part`` what is missing, or start anew if the server cannot resume."""
    if _is_complete(part, file):
        return
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "nnlib", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = Request(url, headers=headers)  # ruff: ignore[suspicious-url-open-usage]  the addresses stand in the catalog
    with urlopen(request, timeout=TIMEOUT_S) as response:  # ruff: ignore[suspicious-url-open-usage]
        goes_on = have > 0 and response.status == 206
        bar = Progress(file.size_bytes, "B", wanted=progress, scale=True)
        bar.say(file.name)
        bar.advance(have if goes_on else 0)
        try:
            with part.open("ab" if goes_on else "wb") as stream:
                while chunk := response.read(CHUNK_BYTES):
                    stream.write(chunk)
                    bar.advance(len(chunk))
        finally:
            bar.close()


def missing(download: Download, reason: str) -> DatasetError:
    """Build the one sentence that says what is missing and how to get it."""
    message = (
        f"{download.name}: not on this machine, and {reason}. Load it again with a network, or "
        f"take a folder that holds {download.folder}/ and run: nncourse data --from DIR"
    )
    return DatasetError(message)
