"""Style sheets of figures that share a notebook: none of them reaches into another figure."""

from __future__ import annotations

import re

import pytest

from nnlib.widgets._page import FOLDER
from tests.nnlib.widgets.figures import CLASSES

THEMES = ('[data-jp-theme-light="false"] ', ".vscode-dark ", ".nn-page ")
"""What stands before the root class where a rule is for a dark theme, or for a page of its own."""


def selectors(css: str) -> list[str]:
    """Return the selectors of all rules, also of those inside ``@media`` and the like."""
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    heads = (head.strip() for head in re.findall(r"([^{};]+)\{", bare))
    return [
        one.strip()
        for head in heads
        if not head.startswith("@")
        for one in re.split(r",(?![^()]*\))", head)  # not the commas of :is(a, b)
    ]


def stray(css: str, root: str) -> list[str]:
    """Return the selectors that reach beyond the figure whose root has a class."""
    theme = "|".join(map(re.escape, THEMES))
    own = re.compile(rf"(?:{theme})?\.{re.escape(root)}(?![\w-])")
    return [selector for selector in selectors(css) if not own.match(selector)]


STRAYING = """
/* .nn-commented { } */
.nn-bowl .nn-at { fill: red; }
.nn-bowl.nn-narrow :is(.nn-at, .nn-cross) { fill: red; }
@media (prefers-color-scheme: dark) { .nn-page .nn-bowl { --x: 1; } .nn-band { fill: red; } }
.vscode-dark .nn-bowl .nn-at, .nn-cross { fill: red; }
.nn-bowl-of-another { fill: red; }
.nn-narrow .nn-bowl { fill: red; }
"""


def test_selectors_that_reach_beyond_a_figure_are_found() -> None:
    found = stray(STRAYING, "nn-bowl")

    assert found == [".nn-band", ".nn-cross", ".nn-bowl-of-another", ".nn-narrow .nn-bowl"]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("[a-z]*.css")))
def test_sheet_of_a_figure_reaches_no_other_figure(name: str) -> None:
    css = (FOLDER / f"{name}.css").read_text(encoding="utf-8")

    assert name in CLASSES
    assert stray(css, f"nn-{name.replace('_', '-')}") == []


@pytest.mark.parametrize("name", CLASSES)
def test_root_class_of_a_figure_is_its_name(name: str) -> None:
    text = (FOLDER / f"{name}.js").read_text(encoding="utf-8")

    assert f'openView({{ model, el, name: "{name.replace("_", "-")}"' in text


def undescribed(css: str) -> set[str]:
    """Return the classes of a shared sheet that its first comment does not name."""
    described = re.match(r"/\*(.*?)\*/", css, flags=re.DOTALL)
    names = set(re.findall(r"\bnn-[\w-]+", described[1] if described else ""))
    return {name for one in selectors(css) for name in re.findall(r"\.(nn-[\w-]+)", one)} - names


def test_class_that_the_first_comment_leaves_out_is_found() -> None:
    css = "/* nn-row: a row */\n.nn-row .nn-cell { color: red; }\n/* nn-cell */"

    assert undescribed(css) == {"nn-cell"}


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("_*.css")))
def test_shared_sheet_describes_its_classes(name: str) -> None:
    assert undescribed((FOLDER / name).read_text(encoding="utf-8")) == set()
