"""What each exercise of a version was judged by, kept so that a later version can be compared.

A result names its version by a hash. Beside the journal lies a card for each such version, with
the hashes of its exercises: what `regrade` needs to tell which of them have changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["Cards", "exercise_hashes"]


def exercise_hashes(version: Any) -> dict[str, str]:
    """Return the hash of each exercise; empty where a version knows none.

    Parameters
    ----------
    version : AssignmentVersion or CourseVersion
        The version. An instructor's own nbgrader course is one piece: any change is of all of it.

    Returns
    -------
    dict of str to str
        By exercise.
    """
    return dict(getattr(version, "exercise_hashes", {}))


class Cards:
    """A folder of cards, one a version.

    Parameters
    ----------
    folder : Path
        Made when the first card is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, version: Any, release: str = "") -> None:
        """Keep the card of a version; the same version gives the same card.

        Parameters
        ----------
        version : AssignmentVersion or CourseVersion
            What submissions are graded against.
        release : str, default ""
            The release that it was read from.
        """
        path = self._path(version.hash)
        if path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        card = {"slug": version.slug, "release": release, "exercises": exercise_hashes(version)}
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(card), encoding="utf-8")
        part.replace(path)

    def release(self, version_hash: str) -> str:
        """Return the release that a version was read from; empty if there is no card."""
        return str(self._card(version_hash).get("release", ""))

    def exercises(self, version_hash: str) -> dict[str, str]:
        """Return the hashes of a version's exercises; empty if there is no card."""
        found = self._card(version_hash).get("exercises")
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def _card(self, version_hash: str) -> dict[str, Any]:
        try:
            content = json.loads(self._path(version_hash).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def changed(self, version_hash: str, version: Any) -> set[str] | None:
        """Name the exercises that are judged otherwise by a version than by an older one.

        Parameters
        ----------
        version_hash : str
            The older one, as a result names it.
        version : AssignmentVersion or CourseVersion
            The one that holds now.

        Returns
        -------
        set of str or None
            Ids; None if that cannot be told, so that all of them have to be graded again.
        """
        if version_hash == version.hash:
            return set()
        old, new = self.exercises(version_hash), exercise_hashes(version)
        if not old or not new:
            return None
        return {name for name in new if old.get(name) != new[name]}

    def _path(self, version_hash: str) -> Path:
        safe = "".join(letter for letter in version_hash if letter.isalnum())
        return self.folder / f"{safe[:64] or 'none'}.json"
