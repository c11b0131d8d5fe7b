"""Show a learner's code: escaped, and colored where it is small enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grading.reporting import cleaned

if TYPE_CHECKING:
    from markupsafe import Markup

LONGEST_COLORED = 20_000
LONGEST_LINE = 2_000
"""Characters; beyond either, code is shown without colors."""


def highlighted(source: str) -> Markup:
    """Escape code and mark keywords, strings, numbers and comments.

    Parameters
    ----------
    source : str
        Anything; it need not be Python.

    Returns
    -------
    Markup
        For the inside of ``<pre>``.
    """
    from markupsafe import Markup, escape  # instructors only
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # has none
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]  # has none

    text = cleaned(source).strip("\n")
    longest = max(map(len, text.split("\n")))
    if len(text) > LONGEST_COLORED or longest > LONGEST_LINE:
        return escape(text)
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    pieces: list[str] = []
    formatter = HtmlFormatter(nowrap=True, classprefix="c-")
    formatter.format(lexer.get_tokens(text), _Sink(pieces))
    return Markup("".join(pieces).rstrip("\n"))  # ruff: ignore[unsafe-markup-use]  escaped by Pygments


class _Sink:
    """The little of a file that Pygments asks for."""

    def __init__(self, pieces: list[str]) -> None:
        self.write = pieces.append
