"""What formgrader's templates make of a notebook, and what of it a browser would run."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from nbformat import v4

_KINDS = {"script", "style", "iframe", "frame", "object", "embed", "meta", "base", "form", "svg"}
_ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "srcdoc", "data", "poster"}
_PICTURES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif"))
_BEGIN, _END = "BEGIN-OF-WHAT-IS-LOOKED-AT", "END-OF-WHAT-IS-LOOKED-AT"


class _Reader(HTMLParser):
    """Collects what is active between two marks: the templates bring scripts of their own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.inside = False
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.inside = (self.inside or _BEGIN in data) and _END not in data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.inside:
            return
        if tag in _KINDS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            address = "".join((value or "").split()).lower()
            is_code = address.startswith(("javascript:", "vbscript:")) or (
                address.startswith("data:") and not address.startswith(_PICTURES)
            )
            if name.startswith("on") or (name in _ADDRESSES and is_code):
                self.found.append(f"{tag} {name}={address[:60]}")
            if (name, address) == ("class", "mermaid"):
                self.found.append("a diagram")


def notebook_of(*cells: Any) -> Any:
    """A notebook with the cells between two marks."""
    marks = [v4.new_markdown_cell(text) for text in (_BEGIN, _END)]
    return v4.new_notebook(cells=[marks[0], *cells, marks[1]])


def html_of(notebook: Any, template: str) -> str:
    """The page that nbconvert makes."""
    from nbconvert.exporters import HTMLExporter

    return str(HTMLExporter(template_name=template).from_notebook_node(notebook)[0])


def active(page: str) -> list[str]:
    """What would run between the marks."""
    assert _BEGIN in page
    assert _END in page
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.inside
    return reader.found
