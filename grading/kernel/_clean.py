"""Clean what a learner's code put out, before a person opens it in a browser.

formgrader renders notebooks as they are, in the instructor's own Jupyter: what stands in one could
run there. So outputs keep an allow-list of kinds, HTML keeps an allow-list of tags, and markup in
what the learner wrote becomes text unless it is known to be harmless.
"""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from typing import Any

from grading.kernel._parts import Node, as_node
from grading.limits import MEGABYTE

__all__ = ["clean_markdown", "clean_outputs"]

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
    "img": ["src", "alt", "title", "width", "height"],
    "td": ["colspan", "rowspan", "align"],
    "th": ["colspan", "rowspan", "align", "scope"],
    "table": ["border", "class"],
    "ol": ["start"],
}
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])[^<>]*>?")
_BARE_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\s*/?>")
_TAG_NAME = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
_MAY_BE_TAG = re.compile(r"<(?:[!?]|/?[a-zA-Z][a-zA-Z0-9-]*(?:[\s/>]|$)|/?[a-zA-Z][\w.+-]*:)")
_IN_A_LINE = re.compile(r"[^\s>*+.)\d-]")  # anything but marks of quotes and lists
_SCHEMES = ("http", "https", "mailto", "attachment")
_LINK = re.compile(r"(\]\s*\(\s*<?\s*|\]:\s*<?\s*)(?=\S)([^)>]{1,300})")
_STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
# What MathJax could be asked to do beyond setting a formula.
_ACTIVE_TEX = re.compile(
    r"\\(href|url|class|cssId|style|data|require|unicode|includegraphics)(?![a-zA-Z])"
)


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


def clean_markdown(text: str) -> str:
    """Return Markdown of which nothing but harmless tags is markup.

    Parameters
    ----------
    text : str
        A cell that the learner wrote.

    Returns
    -------
    str
        The same text wherever it held none.

    Examples
    --------
    >>> clean_markdown("if *a* < b, then <b>yes</b><script>alert(1)</script>")
    'if *a* < b, then <b>yes</b>&lt;script>alert(1)&lt;/script>'
    >>> clean_markdown('<img src="plot.png" onerror="alert(1)">')
    '<img src="plot.png">'
    """
    tags = _MARKUP.sub(_clean_tag, text)
    return _ACTIVE_TEX.sub(r"\\text", _LINK.sub(_clean_link, tags))


def _clean(mime: str, text: str) -> str | None:
    if mime == "text/plain":
        return text
    if mime == "text/html":
        return _clean_html(text) if len(text) <= _MAX_HTML else None
    if mime == "text/markdown":
        return clean_markdown(text) if len(text) <= _MAX_HTML else None
    if mime == "text/latex":
        return None if _ACTIVE_TEX.search(text) or "<" in text else text
    if mime in _PICTURES:
        return _clean_picture(mime, text)
    return None


def _clean_html(text: str) -> str | None:
    return _bleach(_STYLE.sub("", text), strip=True)


@cache
def _cleaner(strip: bool) -> Any:
    import bleach

    return bleach.Cleaner(
        tags=_PLAIN_TAGS | {"a", "img"},
        attributes=_ATTRIBUTES,
        protocols=_SCHEMES,
        strip=strip,
        strip_comments=True,
    )


def _bleach(text: str, *, strip: bool) -> str | None:
    try:
        return str(_cleaner(strip).clean(text))
    except (RecursionError, ValueError, AssertionError):  # html5lib, deeply nested
        return None


def _clean_link(found: re.Match[str]) -> str:
    """Break a link whose scheme may run something; nbconvert lets all of them pass."""
    plain = re.sub(r"[\s\\\x00-\x20]", "", html.unescape(html.unescape(found[2]))).lower()
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", plain)
    safe = scheme is None or scheme[1] in _SCHEMES
    return found[0] if safe else f"{found[1]}unsafe:{found[2]}"


def _clean_tag(found: re.Match[str]) -> str:
    tag = found[0]
    if not _MAY_BE_TAG.match(tag):
        return tag
    if not tag.endswith(">") and ">" not in found.string[found.end() :]:
        before = found.string[: found.start()].rpartition("\n")[2]
        if _IN_A_LINE.search(before):  # nothing ends it, and no block begins here
            return tag
    bare = _BARE_TAG.fullmatch(tag)
    if bare and bare[1].lower() in _PLAIN_TAGS:
        return tag
    if re.fullmatch(r"<(https?://|mailto:)[^\s<>\"']+>|</a>", tag):  # Markdown's own links
        return tag
    named = _TAG_NAME.match(tag)
    if named and tag.endswith(">") and named[1].lower() in _PLAIN_TAGS | {"a", "img"}:
        cleaned = _bleach(tag, strip=True)
        if cleaned:
            return cleaned.removesuffix(f"</{named[1].lower()}>")
    return "&lt;" + tag[1:]


def _clean_picture(mime: str, text: str) -> str | None:
    if len(text) > _MAX_PICTURE:
        return None
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
    return base64.b64encode(content).decode() if content.startswith(_PICTURES[mime]) else None
