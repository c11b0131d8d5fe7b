"""Get files once: from a folder, from the cache, or from the network, with every hash checked.

A download says its size first, shows a bar, and goes on where an earlier one stopped: what has
arrived waits in a ``.part`` file. A file takes its final name only when its hash is right.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from nnlib._progress import Progress
from nnlib.datasets._catalog import DOWNLOADS, Download, RemoteFile
from nnlib.errors import DatasetError

ATTEMPTS = 3
"""How often one address is tried; each attempt goes on where the last one stopped."""

TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16


def cache_folder() -> Path:
    """Return the folder for downloaded sets: NNLIB_CACHE, or the system's place for caches.

    Returns
    -------
    folder : Path
        It need not exist yet.
    """
    named = os.environ.get("NNLIB_CACHE")
    if named:
        return Path(named)
    import pooch  # here, because it is needed for downloads only

    return Path(pooch.os_cache("nnlib"))


def locate(download: Download) -> Path | None:
    """Return the folder that holds all files of a set in their right sizes, or None.

    Parameters
    ----------
    download : Download
        The set.

    Returns
    -------
    folder : Path or None
        In NNLIB_DATA, which is searched first, or in the cache.
    """
    named = os.environ.get("NNLIB_DATA")
    roots = [Path(named), cache_folder()] if named else [cache_folder()]
    for root in roots:
        folder = root / download.folder
        if all(_has_size(folder / file.name, file) for file in download.files):
            return folder
    return None


def fetch(
    download: Download,
    *,
    download_allowed: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> Path:
    """Return a folder with all files of a set, after downloading what is missing.

    Parameters
    ----------
    download : Download
        The set.
    download_allowed : bool, default True
        Whether the network may be used.
    base_url : str, optional
        Where to download from, instead of the publisher's addresses.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    folder : Path
        Every file in it has the published hash.

    Raises
    ------
    DatasetError
        If a file is missing and cannot be had, or is damaged.
    """
    folder = locate(download)
    if folder is not None and not (wrong := _damaged(folder, download)):
        return folder
    if folder is not None and folder.parent != cache_folder():
        message = (
            f"{download.name}: {folder / wrong[0].name} is damaged: its hash is not the published "
            "one. Replace the file, or unset NNLIB_DATA to download the set."
        )
        raise DatasetError(message)
    if not download_allowed:
        error = _missing(download, "downloading was not allowed")
        raise error
    return _download(download, base_url, progress=progress)


def adopt(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Copy data sets from a folder into the cache, after checking every hash.

    Parameters
    ----------
    folder : path
        It holds ``mnist/`` or ``fashion-mnist/`` with the published ``.gz`` files, like NNLIB_DATA.

    Returns
    -------
    adopted : dict of str to Path
        Where each set now lies, by name.

    Raises
    ------
    DatasetError
        If the folder holds no complete set, or a file is damaged; then nothing is copied.
    """
    root = Path(folder)
    found = {}
    for download in DOWNLOADS:
        source = root / download.folder
        if not all((source / file.name).is_file() for file in download.files):
            continue
        wrong = _damaged(source, download)
        if wrong:
            message = (
                f"datasets.adopt: {source / wrong[0].name} is damaged: its hash is not the "
                "published one. Nothing was copied. Replace the file."
            )
            raise DatasetError(message)
        found[download] = source
    if not found:
        expected = " or ".join(f"{d.folder}/ with {len(d.files)} files" for d in DOWNLOADS)
        message = f"datasets.adopt: {root} holds no complete data set, expected {expected}."
        raise DatasetError(message)
    adopted = {}
    for download, source in found.items():
        target = cache_folder() / download.folder
        target.mkdir(parents=True, exist_ok=True)
        for file in download.files:
            _copy(source / file.name, target / file.name)
        adopted[download.name] = target
    return adopted


def _download(download: Download, base_url: str | None, *, progress: bool) -> Path:
    """Download the files that the cache lacks, from the first address that has them."""
    try:
        import pooch
    except ImportError:
        raise _missing(download, "downloading needs the package pooch") from None

    folder = cache_folder() / download.folder
    override = base_url or os.environ.get("NNLIB_DATA_URL")
    if override and not base_url:
        override = f"{override.rstrip('/')}/{download.folder}/"
    base_urls = (override.rstrip("/") + "/",) if override else download.base_urls
    wanted = [file for file in download.files if not _is_right(folder / file.name, file)]
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
    return folder


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
    reasons = []
    for base_url in base_urls:
        try:
            pooch.retrieve(
                base_url + file.name,
                known_hash=f"sha256:{file.sha256}",
                fname=file.name,
                path=folder,
                downloader=partial(
                    _resume, file=file, part=folder / f"{file.name}.part", progress=progress
                ),
            )
        except (OSError, ValueError) as error:  # ValueError: pooch found another hash
            wrong_hash = isinstance(error, ValueError)
            reason = "what arrived is not the published file" if wrong_hash else str(error)
            reasons.append(f"{base_url}: {reason}")
        else:
            return
    raise _missing(download, f"{file.name} could not be downloaded ({'; '.join(reasons)})")


def _resume(
    url: str, output_file: Any, _pooch: Any, *, file: RemoteFile, part: Path, progress: bool
) -> None:
    """Download ``url`` into ``part``, from where that ends, and hand it over when complete."""
    last_error: OSError | None = None
    for _ in range(ATTEMPTS):
        try:
            _receive(url, file, part, progress=progress)
        except HTTPError as error:
            message = f"the server answered {error.code} {error.reason}"
            error.close()
            raise OSError(message) from error
        except (URLError, OSError) as error:
            last_error = error
        if part.exists() and part.stat().st_size >= file.size_bytes:
            # From here on the hash decides; if it is wrong, the next attempt starts anew.
            part.replace(output_file)
            return
    message = f"the connection failed {ATTEMPTS} times ({last_error or 'it ended early'})"
    raise OSError(message)


def _receive(url: str, file: RemoteFile, part: Path, *, progress: bool) -> None:
    """Append to ``part`` what is missing, or start anew if the server cannot resume."""
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


def _missing(download: Download, reason: str) -> DatasetError:
    """Build the one sentence that says what is missing and how to get it."""
    message = (
        f"{download.name}: not on this machine, and {reason}. Load it again with a network, or "
        f"take a folder that holds {download.folder}/ and run: nncourse data --from DIR"
    )
    return DatasetError(message)


def _damaged(folder: Path, download: Download) -> list[RemoteFile]:
    """List the files whose hash is not the published one."""
    return [file for file in download.files if not _is_right(folder / file.name, file)]


def _is_right(path: Path, file: RemoteFile) -> bool:
    if not _has_size(path, file):
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _has_size(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes


def _copy(source: Path, target: Path) -> None:
    """Copy under a temporary name first, so that no half file ever has the final name."""
    with source.open("rb") as stream, NamedTemporaryFile(dir=target.parent, delete=False) as copy:
        shutil.copyfileobj(stream, copy)
    Path(copy.name).replace(target)
