"""Find the files of a set: in a named folder, in the cache, or else on the network.

Every hash is checked each time, which takes about 0.1 s for 100 MB.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from nnlib.datasets._catalog import DOWNLOADS, Download, RemoteFile
from nnlib.errors import ArgumentError, DatasetError


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
    for folder in _places(download):
        if all(_has_size(folder / file.name, file) for file in download.files):
            return folder
    return None


def _places(download: Download) -> list[Path]:
    """List the folders where a set may lie, in the order of the search."""
    named = os.environ.get("NNLIB_DATA")
    roots = [Path(named), cache_folder()] if named else [cache_folder()]
    return [root / download.folder for root in roots]


def what_is_here(download: Download) -> str:
    """Say what there is of a set that cannot be loaded, for an error.

    Parameters
    ----------
    download : Download
        The set.

    Returns
    -------
    words : str
        That it is not on this machine, or damaged, or incomplete, and where.
    """
    for folder in _places(download):
        here = [file for file in download.files if (folder / file.name).is_file()]
        if not here:
            continue
        wrong = [file.name for file in here if not _is_right(folder / file.name, file)]
        if len(here) == len(download.files):
            wrong = wrong or damaged(folder, download)
        if wrong:
            return f"damaged: {folder / wrong[0]} is not the published file"
        n_missing = len(download.files) - len(here)
        if n_missing:
            return f"incomplete: {n_missing} of {len(download.files)} files are not in {folder}"
    return "not on this machine"


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
    ArgumentError
        If ``base_url`` is no string.
    DatasetError
        If a file is missing and cannot be had, or is damaged.
    """
    if base_url is not None and not isinstance(base_url, str):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f'datasets.load("{download.name}"): base_url is {base_url!r:.60}, expected an address '
            "such as https://example.org/data/, or None."
        )
        raise ArgumentError(message)
    folder = locate(download)
    if folder is not None and not (wrong := damaged(folder, download)):
        return folder
    if folder is not None and folder.parent != cache_folder():
        message = (
            f"{download.name}: {folder / wrong[0]} is damaged: its hash is not the published "
            "one. Replace the file, or unset NNLIB_DATA to download the set."
        )
        raise DatasetError(message)
    from nnlib.datasets import _download  # here, because the network takes long to import

    if not download_allowed:
        error = _download.missing(download, "downloading was not allowed")
        raise error
    target = cache_folder() / download.folder
    if download.archive is not None:
        _download.download_archive(download, target, base_url, progress=progress)
    else:
        wanted = [file for file in download.files if not _is_right(target / file.name, file)]
        _download.download_files(download, wanted, target, base_url, progress=progress)
    return target


def adopt(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Copy data sets from a folder into the cache, after checking every hash.

    A set of which the folder holds nothing is passed over; one of which it holds a part is refused.

    Parameters
    ----------
    folder : path
        It holds some of the folders ``mnist``, ``fashion-mnist``, ``cifar-10-batches-py``,
        ``free-spoken-digit-dataset``, ``rt-polaritydata``, ``sentiment labelled sentences``, with
        the files as they were published, like NNLIB_DATA.

    Returns
    -------
    adopted : dict of str to Path
        Where each set now lies, by name.

    Raises
    ------
    ArgumentError
        If ``folder`` is no path.
    DatasetError
        If the folder holds no complete set, or a set is incomplete or damaged; then nothing is
        copied.
    """
    if not isinstance(folder, str | os.PathLike):
        message = f"datasets.adopt: folder is {folder!r:.60}, expected a path."  # type: ignore[unreachable]  # callers need not be typed
        raise ArgumentError(message)
    root = Path(folder)
    found = {}
    for download in DOWNLOADS:
        source = root / download.folder
        lacking = [file.name for file in download.files if not (source / file.name).is_file()]
        if len(lacking) == len(download.files):
            continue
        if lacking:
            names = ", ".join(lacking[:4]) + (", ..." if len(lacking) > 4 else "")
            message = (
                f"datasets.adopt: {source} is incomplete: of {len(download.files)} files it lacks "
                f"{len(lacking)} ({names}). Nothing was copied. Add them, or move the folder away."
            )
            raise DatasetError(message)
        wrong = damaged(source, download)
        if wrong:
            message = (
                f"datasets.adopt: {source / wrong[0]} is damaged: its hash is not the "
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
            (target / file.name).parent.mkdir(exist_ok=True)
            _copy(source / file.name, target / file.name)
        adopted[download.name] = target
    return adopted


def damaged(folder: Path, download: Download) -> list[str]:
    """List the files that are not the published ones, or the folder that is not.

    Parameters
    ----------
    folder : Path
        Where the files of the set lie.
    download : Download
        The set.

    Returns
    -------
    names : list of str
        Within ``folder``; empty if all is well.
    """
    wrong = [file.name for file in download.files if not _is_right(folder / file.name, file)]
    tree = download.tree
    if tree is not None and not wrong:
        names = [file.name.removeprefix(f"{tree.folder}/") for file in download.files]
        if git_tree(folder / tree.folder, names, tree.executable) != tree.sha1:
            wrong = [tree.folder]
    return wrong


def git_tree(folder: Path, names: list[str], executable: tuple[str, ...] = ()) -> str:
    """Compute the object id that git gives to a folder with these files.

    Each file counts with its mode, its name and its own id, the SHA-1 hash of a line that says its
    kind and size, and of its content.

    Parameters
    ----------
    folder : Path
        The folder.
    names : list of str
        Its files; others in it are ignored.
    executable : tuple of str
        A file whose name holds one of these counts as executable.

    Returns
    -------
    sha1 : str
        In hexadecimal digits.

    References
    ----------
    Chacon & Straub (2014), Pro Git, section 10.2.
    """
    entries = b""
    for name in sorted(names):
        content = (folder / name).read_bytes()
        mode = b"100755" if any(part in name for part in executable) else b"100644"
        blob = sha1(b"blob %d\0%b" % (len(content), content))
        entries += b"%b %b\0%b" % (mode, name.encode(), blob.digest())
    return sha1(b"tree %d\0%b" % (len(entries), entries)).hexdigest()


def sha1(content: bytes) -> hashlib._Hash:
    """Return git's hash, which names content and guards no secret."""
    return hashlib.sha1(content, usedforsecurity=False)


def _is_right(path: Path, file: RemoteFile) -> bool:
    if not _has_size(path, file):
        return False
    if file.sha256 is None:  # the folder as a whole has a hash
        return True
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _has_size(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and file.size_bytes in {None, path.stat().st_size}


def _copy(source: Path, target: Path) -> None:
    """Copy under a temporary name first, so that no half file ever has the final name."""
    # Not by tempfile, whose files no other account may read.
    copy = target.with_name(f"{target.name}.{os.getpid()}.copy")
    try:
        shutil.copyfile(source, copy)
        copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)
