"""Copy a release of the course into a learner's folder, never over their work.

What happens to one file of the release:

- its name is new: it is copied;
- the learner's copy is byte for byte an earlier release: the new one takes its place;
- the learner changed theirs, if only by running it: the new one arrives beside it, as
  ``name.update.ipynb`` (``name.update-2.ipynb`` if that name is taken), once for each release;
- the learner removed or renamed theirs: it stays away until ``restore`` asks for it; that there
  is a new version of it is said once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from grading.learning.files import (
    create,
    digest,
    digest_of,
    explained,
    free_name,
    lock,
    replace_if_known,
    tidy,
)
from grading.learning.manifest import NAME, Manifest, read_manifest, write_manifest
from grading.refusals import Refusal


@dataclass(frozen=True)
class Delivery:
    """What one run of ``deliver`` did; all names are relative to the folder.

    Attributes
    ----------
    folder : Path
        The learner's folder.
    first : bool
        The course was not there before.
    created : tuple of str
        Files that are new.
    replaced : tuple of str
        Files that the learner had not changed and that are now of this release.
    beside : tuple of (str, str)
        A file that the learner changed, and the update that lies beside it.
    absent : tuple of str
        Files that the learner removed or renamed, and of which this release has a new version.
    cautious : bool
        The manifest was lost or damaged, so that everything counted as changed.
    """

    folder: Path
    first: bool = False
    created: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    cautious: bool = False

    def sentence(self) -> str:
        """Say in one sentence what arrived, or return "" if nothing did.

        Returns
        -------
        sentence : str
            For the terminal.
        """
        if self.first and not self.beside:
            notebooks = sum(name.endswith(".ipynb") for name in self.created)
            return f"The course is now in {self.folder}: {_count(notebooks, 'notebook')}."
        parts = []
        if self.created:
            parts.append(f"new: {_names(self.created)}")
        if self.replaced:
            parts.append(f"updated, as you had not changed it: {_names(self.replaced)}")
        if self.beside:
            pairs = ", ".join(f"{update} beside {Path(own).name}" for own, update in self.beside)
            parts.append(f"updates that leave your work as it is: {pairs}")
        if self.cautious and parts:
            parts.append(f"{NAME} was missing or damaged, so every file counted as yours")
        if self.absent:
            names = _names(self.absent)
            parts.append(f'you removed or renamed {names}, whose new version "--restore" brings')
        return f"{self.folder}: {'; '.join(parts)}." if parts else ""


def deliver(release: Path, folder: Path, *, restore: bool = False) -> Delivery:
    """Bring a release into a learner's folder.

    Parameters
    ----------
    release : Path
        The course's own folder ``course/``.
    folder : Path
        The learner's folder; it is made if it is missing.
    restore : bool, default False
        Bring back files that the learner removed.

    Returns
    -------
    delivery : Delivery
        What arrived.

    Raises
    ------
    Refusal
        If the folder cannot be used; it is then as it was, or holds whole files only.
    """
    folder = Path(os.path.abspath(folder))  # ruff: ignore[os-path-abspath]  # keeps a link that the learner set up
    contents = _read_release(release)
    _refuse_wrong_folder(folder, release, contents)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder):
            return _deliver(contents, folder, restore=restore)


def _deliver(contents: dict[str, bytes], folder: Path, *, restore: bool) -> Delivery:
    manifest = read_manifest(folder)
    tidy(folder, {name: manifest.known(name) for name in contents})
    first = not manifest.trusted and not any(os.path.lexists(folder / name) for name in contents)
    delivery = Delivery(folder, first=first, cautious=not manifest.trusted and not first)
    before = {name: list(hashes) for name, hashes in manifest.history.items()}
    try:
        for name, data in sorted(contents.items()):
            delivery = _deliver_file(name, data, delivery, manifest, restore=restore)
    finally:  # a full disk in the middle: what did arrive is on record
        if manifest.history != before or not manifest.trusted:
            write_manifest(folder, manifest)
    return delivery


def _deliver_file(
    name: str, data: bytes, delivery: Delivery, manifest: Manifest, *, restore: bool
) -> Delivery:
    """Bring one file, note it in the manifest, and return the report with it."""
    target, sha256 = delivery.folder / name, digest_of(data)
    known, latest = manifest.known(name), manifest.latest(name)
    if not os.path.lexists(target) and latest and not restore:
        if latest == sha256:
            return delivery
        delivery = replace(delivery, absent=(*delivery.absent, name))
    elif create(target, data):
        delivery = replace(delivery, created=(*delivery.created, name))
    elif digest(target) != sha256 and (latest != sha256 or digest(target) in known):
        # An untouched copy of any earlier release is replaced; a changed one is updated once.
        if replace_if_known(target, data, known):
            delivery = replace(delivery, replaced=(*delivery.replaced, name))
        elif latest != sha256:
            update = _create_beside(target, data, sha256)
            pairs = [(name, path.relative_to(delivery.folder).as_posix()) for path in update]
            delivery = replace(delivery, beside=(*delivery.beside, *pairs))
    manifest.record(name, sha256)
    return delivery


def _create_beside(target: Path, data: bytes, sha256: str) -> list[Path]:
    """Write an update copy under a free name, unless one lies there; none is ever replaced."""
    if any(sha256 == digest(path) for path in target.parent.iterdir() if ".update" in path.name):
        return []
    while not create(update := free_name(target, "update"), data):
        pass
    return [update]


def _read_release(release: Path) -> dict[str, bytes]:
    """Return the files of a release by their path, hidden ones left out."""
    found = {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in sorted(release.rglob("*"))
        if path.is_file() and not _is_hidden(path.relative_to(release))
    }
    if not found:
        message = (
            f"nncourse learn: {release} holds no notebooks. In a checkout "
            '"nncourse build" makes them; otherwise install the course again.'
        )
        raise Refusal(message)
    return found


def _refuse_wrong_folder(folder: Path, release: Path, contents: dict[str, bytes]) -> None:
    own = (release.resolve(), release.resolve().parent / "solutions")
    if any(folder.resolve().is_relative_to(place) for place in own):
        message = (
            f"nncourse learn: {folder} belongs to the course itself, and its next version "
            'would replace your work. Name a folder of your own: "nncourse learn FOLDER".'
        )
        raise Refusal(message)
    if os.path.lexists(folder) and not folder.is_dir():
        message = (
            f'nncourse learn: {folder} is a file, not a folder. Name another: "nncourse learn '
            'FOLDER".'
        )
        raise Refusal(message)
    with explained(folder):
        present = list(folder.iterdir()) if folder.is_dir() else []
    ours = {name.split("/")[0] for name in contents} | {NAME}
    strangers = sorted(path.name for path in present if not _is_hidden(Path(path.name)))
    if strangers and ours.isdisjoint(path.name for path in present):
        message = (
            f"nncourse learn: {folder} holds other files ({_names(tuple(strangers))}) and no "
            'course. Name an empty or a new folder: "nncourse learn FOLDER".'
        )
        raise Refusal(message)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(Path(name).name for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
