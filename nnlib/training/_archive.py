"""One file of numbers and text: a NumPy archive, written at once or not at all, without pickle.

Nested dictionaries and lists become JSON text, in which ``{"array": "a3"}`` stands for the array
of that name in the same archive. Reading can therefore run no code, and floats come back exactly.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnlib.errors import ArgumentError, DtypeError

_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, RuntimeError, NotImplementedError, SyntaxError,
    TypeError, OverflowError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile, NumPy and JSON raise for a file that is damaged in one way or another."""


def write_archive(path: Path, content: Mapping[str, Any], where: str) -> None:
    """Write numbers, text, arrays, and lists and dicts of them.

    The file is written beside its place and then moved there, so that a machine that stops half
    way leaves the older file as it was.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    text = json.dumps(_encoded(content, arrays, where))
    arrays["content"] = np.frombuffer(text.encode(), np.uint8)
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the names are ours
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_archive(path: Path, where: str) -> dict[str, Any]:
    """Return what ``write_archive`` wrote; any other file is an ``ArgumentError``."""
    if not path.is_file():
        message = f"{where}: there is no file {path}. Look for its name in the folder."
        raise ArgumentError(message)
    try:
        # Opened here, because NumPy leaves a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        content = _decoded(json.loads(arrays["content"].tobytes()), arrays)
    except (*_UNREADABLE, AttributeError) as error:
        message = (
            f"{where}: {path.name} is damaged, or no checkpoint of nnlib ({error!r:.80}). "
            "Take an older one, or train anew."
        )
        raise ArgumentError(message) from error
    if not isinstance(content, dict):
        message = f"{where}: {path.name} is no checkpoint of nnlib. Train with Checkpoint(path)."
        raise ArgumentError(message)
    return content


def _encoded(value: Any, arrays: dict[str, np.ndarray[Any, Any]], where: str) -> Any:
    """Return ``value`` as JSON knows it; arrays are put aside."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encoded(item, arrays, where) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return [_encoded(item, arrays, where) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    message = (
        f"{where}: the state holds {value!r:.60}, expected numbers, text, arrays, or lists and "
        "dicts of them. Return such from state_dict."
    )
    raise DtypeError(message)


def _decoded(value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return {key: _decoded(item, arrays) for key, item in value["dict"].items()}
