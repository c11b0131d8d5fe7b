"""What is kept in place of a notebook that is too large to be read.

Such a notebook is handed in like any other and gets a result, but nobody reads it: a few bytes that
tell its size go through the sandbox's door and into the journal. Who forges them gets 0 points.

>>> size_of(in_place_of(25_000_000))
25000000
>>> size_of(b'{"cells": []}')
0
"""

from __future__ import annotations

import re

__all__ = ["in_place_of", "size_of"]

_TEXT = '{{"nncourse": "This stands in place of a notebook that is too large.", "bytes": {}}}\n'
_FORM = re.compile(re.escape(_TEXT.format(0)).replace("0", "([0-9]{1,15})").encode())


def in_place_of(n_bytes: int) -> bytes:
    """Write what is kept in place of a notebook.

    Parameters
    ----------
    n_bytes : int
        Size of the notebook.

    Returns
    -------
    bytes
        A line of JSON, for the file of the same name.
    """
    return _TEXT.format(n_bytes).encode()


def size_of(content: bytes) -> int:
    """Read the size of the notebook in whose place something stands.

    Parameters
    ----------
    content : bytes
        Whatever was handed in.

    Returns
    -------
    int
        In bytes; 0 if the content stands for itself.
    """
    found = _FORM.fullmatch(content)
    return int(found[1]) if found else 0
