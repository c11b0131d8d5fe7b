"""Remember what was delivered to a folder: ``.nncourse.json``.

For each file it lists the SHA-256 of every release that was delivered, oldest first. A file
whose hash is in its list is ours and may be replaced; any other belongs to the learner. A lost
or damaged manifest is an empty one, so that everything counts as the learner's.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

NAME = ".nncourse.json"
_FORMAT = 1
_NOTE = "Kept by nncourse learn, which tells by it what you have edited. Please leave it here."
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Manifest:
    """The releases delivered to one folder.

    Attributes
    ----------
    history : dict of str to list of str
        For each path in the folder, the SHA-256 of the releases delivered, oldest first.
    trusted : bool
        False if there was no readable manifest, so that nothing is known of the folder.
    """

    history: dict[str, list[str]] = field(default_factory=dict)
    trusted: bool = True

    def known(self, name: str) -> set[str]:
        """Return the hashes of everything that was delivered under a name.

        Parameters
        ----------
        name : str
            Path in the folder, with forward slashes.

        Returns
        -------
        known : set of str
            SHA-256 in hexadecimal.
        """
        return set(self.history.get(name, ()))

    def latest(self, name: str) -> str:
        """Return the hash of the last release delivered under a name, or "".

        Parameters
        ----------
        name : str
            Path in the folder, with forward slashes.

        Returns
        -------
        latest : str
            SHA-256 in hexadecimal.
        """
        return next(reversed(self.history.get(name, [])), "")

    def record(self, name: str, sha256: str) -> None:
        """Note that a release has been delivered.

        Parameters
        ----------
        name : str
            Path in the folder, with forward slashes.
        sha256 : str
            Hash of the file in that release.
        """
        if self.latest(name) != sha256:
            self.history.setdefault(name, []).append(sha256)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder.

    Parameters
    ----------
    folder : Path
        The learner's folder.

    Returns
    -------
    manifest : Manifest
        Empty, and not trusted, if there is none or it is damaged in any way.
    """
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        history = content["files"]
        if content["format"] == _FORMAT and _is_history(history):
            return Manifest(history)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Manifest(trusted=False)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        The learner's folder.
    manifest : Manifest
        What has been delivered to it.
    """
    content = {"format": _FORMAT, "note": _NOTE, "files": dict(sorted(manifest.history.items()))}
    draft = folder / f"{NAME}.{secrets.token_hex(4)}.nncourse-draft"  # tidied away if left behind
    try:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        draft.replace(folder / NAME)
    finally:
        draft.unlink(missing_ok=True)


def _is_history(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and isinstance(hashes, list)
        and all(isinstance(one, str) and _SHA256.fullmatch(one) for one in hashes)
        for name, hashes in value.items()
    )
