"""Clean what a learner's code put out, before a person opens it in a browser.

formgrader renders notebooks as they are, in the instructor's own Jupyter: what stands in one could
run there. So outputs keep an allow-list of kinds, and HTML keeps an allow-list of tags.
Markdown is made harmless by the rules that the broker has for it.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from typing import Any

from grading.broker._markdown import ACTIVE_TEX, CONTROL, clean_markdown
from grading.kernel._parts import Node, as_node
from grading.limits import MEGABYTE

__all__ = ["clean_outputs"]

_MAX_HTML = 200_000  # bleach reads about a megabyte a second
_MAX_PICTURE = 4 * MEGABYTE
_PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}
_LEFT_OUT = "[This output was left out: it is of a kind that is not shown.]"
_PLAIN_TAGS = frozenset([
    "b",
    "blockquote",
    "br",
    "caption",
    "center",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
])
_ATTRIBUTES = {
    "a": ["href", "title"],
    "td": ["colspan", "rowspan", "align"],
    "th": ["colspan", "rowspan", "align", "scope"],
    "table": ["border", "class"],
    "ol": ["start"],
}
_SCHEMES = ("http", "https", "mailto")
_STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)


def clean_outputs(outputs: list[Node]) -> list[Node]:
    """Return outputs that hold nothing active.

    Parameters
    ----------
    outputs : list of NotebookNode
        As they came from the kernel, within its caps.

    Returns
    -------
    list of NotebookNode
        Text, errors, pictures, and HTML of harmless tags.
    """
    cleaned = []
    for output in outputs:
        if output.output_type in {"stream", "error"}:
            cleaned.append(output)  # nbconvert writes both as text
            continue
        data = {}
        for mime, text in output.data.items():
            kept = _clean(mime, text)
            if kept is not None:
                data[mime] = kept
        metadata = {k: v for k, v in output.get("metadata", {}).items() if k in data}
        if not data:
            data = {"text/plain": _LEFT_OUT}
        cleaned.append(as_node({**output, "data": data, "metadata": metadata}))
    return cleaned


def _clean(mime: str, text: str) -> str | None:
    if mime == "text/plain":
        return text
    if mime == "text/html":
        return _clean_html(text) if len(text) <= _MAX_HTML else None
    if mime == "text/markdown":
        return clean_markdown(text) if len(text) <= _MAX_HTML else None
    if mime == "text/latex":
        return None if "<" in text or _runs_tex(text) else text
    if mime in _PICTURES:
        return _clean_picture(mime, text)
    return None


def _clean_html(text: str) -> str | None:
    try:
        cleaned = str(_cleaner().clean(_STYLE.sub("", text)))
    except (RecursionError, ValueError, AssertionError):  # html5lib, deeply nested
        return None
    return None if _runs_tex(cleaned) else cleaned


def _runs_tex(text: str) -> bool:
    """Tell whether formulas in HTML do more than set a formula, with letters as entities too."""
    plain = CONTROL.sub("", html.unescape(html.unescape(text)))
    return bool(ACTIVE_TEX.search(plain))


@cache
def _cleaner() -> Any:
    import bleach

    return bleach.Cleaner(
        tags=_PLAIN_TAGS | {"a"},
        attributes=_ATTRIBUTES,
        protocols=_SCHEMES,
        strip=True,
        strip_comments=True,
    )


def _clean_picture(mime: str, text: str) -> str | None:
    if len(text) > _MAX_PICTURE:
        return None
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
    return base64.b64encode(content).decode() if content.startswith(_PICTURES[mime]) else None
