"""What several modules of this package share, without an import of nbgrader."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["SCORING_REVISION", "Node", "as_node", "clean_text", "nbformat_v4", "text_of"]

SCORING_REVISION = 3
"""Raised when the same outputs would get other scores, sentences or pages: then no stored result is
reused."""

Node: TypeAlias = Any
"""nbformat's NotebookNode, which carries no types."""


def nbformat_v4() -> Any:
    """Return nbformat's makers of cells, outputs and notebooks."""
    from nbformat import v4

    return v4


def as_node(content: Any) -> Node:
    """Turn nested dicts and lists into nbformat's nodes."""
    from grading.authoring.cells import as_node as made

    return made(content)


def text_of(value: Any) -> str:
    """Return a notebook's text, which may be a string or a list of strings; else nothing."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return clean_text("".join(part for part in value if isinstance(part, str)))
    return ""


def clean_text(text: str) -> str:
    """Replace lone surrogates, which cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
