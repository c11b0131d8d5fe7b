"""Write HTML pages that can be handed on: one file, no script, nothing fetched, all escaped.

Templates are rendered with autoescaping; before that, every text loses what a browser or a reader
could be fooled by: control characters, characters that turn the direction of writing, half
surrogates. A page's policy allows exactly its own style sheet, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.check.report import CODE_INDENT

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_PACKAGE = Path(__file__).resolve().parent.parent
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters but tab and line feed, writing directions, invisible signs, surrogates."""

LONGEST_TEXT = 200_000
"""Characters of one text that a page shows at most."""


def cleaned(text: str) -> str:
    r"""Replace what does not print, so that a reader sees that something was there.

    Parameters
    ----------
    text : str
        Anything, perhaps hostile.

    Returns
    -------
    str
        Text that can be encoded in UTF-8, with lines ended by line feeds.

    Examples
    --------
    >>> cleaned("a\r\nb\x00")
    'a\nb\ufffd'
    """
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + f"\n[{len(text) - LONGEST_TEXT} more characters]"
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def page(template: str, **content: Any) -> str:
    """Render a page.

    Parameters
    ----------
    template : str
        Path of the template inside of the package: ``"feedback/page.html.jinja"``.
    **content : object
        What the template names. Texts are escaped; only `markupsafe.Markup` is taken as it is.

    Returns
    -------
    str
        A whole HTML document.
    """
    style = _style(template)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    from markupsafe import Markup  # instructors only

    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # ruff: ignore[unsafe-markup-use]  our own file
            policy=Markup(policy),  # ruff: ignore[unsafe-markup-use]  made of a hash
            **content,
        )
    )


def inline(text: str) -> Markup:
    """Escape sentences; set what stands between backticks, and indented lines, as code.

    Parameters
    ----------
    text : str
        One or more sentences.

    Returns
    -------
    Markup
        Escaped.
    """
    from markupsafe import Markup, escape

    parts = []
    for line in cleaned(text).split("\n"):
        if line.startswith(CODE_INDENT):
            parts.append(Markup('<code class="line">{}</code>').format(line.strip()))
            continue
        pieces = line.split("`")
        if len(pieces) % 2 == 0:  # an odd number of backticks: leave them as they are
            parts.append(escape(line))
            continue
        parts.append(
            Markup("").join(
                Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece)
                for i, piece in enumerate(pieces)
            )
        )
    return Markup(" ").join(parts)


def number(value: float | None) -> str:
    """Write points: at most two decimals, no needless zeros; a dash for None."""
    if value is None:
        return "–"
    return f"{round(float(value), 2) + 0.0:.2f}".rstrip("0").rstrip(".").replace("-", "\u2212")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PACKAGE, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )
    environment.filters |= {"inline": inline, "points": number}
    return environment


def _final(value: Any) -> Any:
    """Clean what a template is about to escape; markup of ours is left alone."""
    return cleaned(value) if type(value) is str else value


@cache
def _style(template: str) -> str:
    """Put the common style sheet and the one beside the template together."""
    own = (_PACKAGE / template).parent / "style.css"
    common = _PACKAGE / "reporting" / "common.css"
    files = [common] if own == common or not own.is_file() else [common, own]
    return "\n".join(file.read_text(encoding="utf-8").strip() for file in files)
