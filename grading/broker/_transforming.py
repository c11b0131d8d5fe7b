"""Turn the commands of a notebook (``%time``, ``!ls``, ``x?``) into Python, as IPython does.

This is text in, text out, and happens outside, because IPython is not in the sandbox. There the
calls that come out of it do nothing.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

__all__ = ["as_python"]

_RUNS_ITS_BODY = re.compile(r"\s*%%(?:time|timeit|capture|prun)\b")
"""Begins a cell whose lines are Python all the same."""

_COMMAND = re.compile(r"^[ \t]*[%!?]|[?][ \t]*$|=\s*[%!]", re.MULTILINE)
MAX_LENGTH = 20_000  # characters: IPython reads the cell once more for each command
MAX_COMMANDS = 40
MAX_LINE = 1_000  # characters: what IPython takes for "name?" grows with their square


def as_python(source: str) -> str:
    r"""Rewrite a cell as Python; one that holds no command comes back as it is.

    Parameters
    ----------
    source : str
        A code cell.

    Returns
    -------
    str
        Its Python. What IPython cannot read, or what is too long for it, stays unchanged.

    Examples
    --------
    >>> as_python("x = 1  # 100 % sure")
    'x = 1  # 100 % sure'
    >>> as_python("%%time\ny = 2")
    '# %%time\ny = 2'
    >>> as_python("%matplotlib inline\nx = 1")
    "get_ipython().run_line_magic('matplotlib', 'inline')\nx = 1\n"
    """
    if _RUNS_ITS_BODY.match(source):
        source = source.replace("%%", "# %%", 1)
    commands = len(_COMMAND.findall(source)) if len(source) <= MAX_LENGTH else 0
    if not 0 < commands <= MAX_COMMANDS or max(map(len, source.split("\n"))) > MAX_LINE:
        return source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(_manager().transform_cell(source))
    except Exception:  # ruff: ignore[blind-except]  # whatever the text does to it: Python will say
        return source


@cache
def _manager() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager  # 0.2 s, and seldom needed

    make: Any = TransformerManager
    return make()
