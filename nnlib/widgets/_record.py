"""Numbers that take training are recorded once beside their figure, and read from there.

``python -m nnlib.widgets threshold_explorer`` makes one record anew.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from nnlib.widgets._page import FOLDER


@cache
def recorded(name: str) -> Any:
    """Return the record of a figure's module; the caller leaves it as it is."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
