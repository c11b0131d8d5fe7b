"""Nothing active is left in what an instructor's browser shows."""

from __future__ import annotations

import re

import pytest
from nbformat import v4

from grading.kernel._clean import clean_markdown, clean_outputs

ACTIVE = re.compile(
    r"<script|<svg|<iframe|<object|<[^>]*\son\w+\s*=|<[^>]*(href|src)=['\"]\s*(javascript|data):",
    re.I,
)
ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    '<img title=">" onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' &#106;avascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<details open ontoggle=alert(1)>",
    "<b onmouseover=alert(1)>x</b>",
    "<!-- --><script>alert(1)</script>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<b$ onmouseover=alert(1)>x</b$>",
    "<x-y onclick=alert(1)>x</x-y>",
    "<a/href='javascript:alert(1)'>x</a>",
    "<img src=x <b> onerror=alert(1)>",
    "<img\nsrc=x\nonerror=alert(1)>",
    "<javascript:alert(1)>",
    "[x](javascript:alert(1))",
    "![x](javascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x]( <javascript:alert(1)>)",
    "[x](<java\tscript:alert(1)>)",
    "[x](\n javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[![x](a.png)](javascript:alert(1))",
    "<form action='javascript:alert(1)'><button>x</button></form>",
]


def display(**data: str) -> object:
    return v4.new_output("display_data", {k.replace("__", "/"): v for k, v in data.items()})


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_outputs_lose_what_is_active(attack: str):
    (cleaned,) = clean_outputs([display(text__html=f"<p>kept</p>{attack}")])

    assert "kept" in cleaned.data["text/html"]
    assert not ACTIVE.search(cleaned.data["text/html"])


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("before", ["", "text ", "> - ", "x\n\n"])
def test_markdown_cells_lose_what_is_active(attack: str, before: str):
    """Rendered as formgrader does it, so that nothing hides in Markdown's own rules."""
    from nbconvert.filters import markdown2html

    cleaned = clean_markdown(before + attack)

    assert not ACTIVE.search(markdown2html(cleaned))


@pytest.mark.parametrize(
    "text",
    [
        "if $a < b$ and $b > c$ then `x<y` & more",
        "a<b and b<c",
        "`a<b` but c>d",
        "$a<b$ but $c>d$",
        "Some <b>bold</b>, H<sub>2</sub>O, a line<br/>break",
        "<https://example.org/a?b=c&d=e> and [link](https://example.org)",
        "```python\nif a <b:\n    pass\n```",
    ],
)
def test_harmless_markdown_stays_as_it_is(text: str):
    assert clean_markdown(text) == text


def test_formulas_cannot_do_more_than_set_a_formula():
    assert clean_markdown(r"$\href{javascript:alert(1)}{x}$") == r"$\text{javascript:alert(1)}{x}$"
    (cleaned,) = clean_outputs([display(text__latex=r"$\href{javascript:alert(1)}{x}$")])
    assert "text/latex" not in cleaned.data


def test_tables_of_pandas_stay_tables():
    table = (
        "<style scoped>.x {}</style><table border='1' class='dataframe'><tr><td>1</td></tr></table>"
    )
    (cleaned,) = clean_outputs([display(text__html=table)])

    assert "<td>1</td>" in cleaned.data["text/html"]
    assert "style" not in cleaned.data["text/html"]


def test_other_kinds_are_left_out():
    kinds = {
        "application/javascript": "alert(1)",
        "image/svg+xml": "<svg onload=alert(1)>",
        "application/vnd.jupyter.widget-view+json": "{}",
        "text/html+more": "<script>",
    }
    (cleaned,) = clean_outputs([v4.new_output("display_data", kinds)])

    assert list(cleaned.data) == ["text/plain"]
    assert "left out" in cleaned.data["text/plain"]


def test_pictures_are_pictures():
    good, bad = "iVBORw0KGgo=", "PHNjcmlwdD4="
    cleaned = clean_outputs([display(image__png=good), display(image__png=bad)])

    assert cleaned[0].data == {"image/png": good}
    assert "image/png" not in cleaned[1].data


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "[x](javascript:alert(1))",
        "[x][y]\n\n[y]: javascript:alert(1)",
    ],
)
def test_what_is_looked_for_is_there_before_cleaning(attack: str):
    from nbconvert.filters import markdown2html

    assert ACTIVE.search(markdown2html(attack))
