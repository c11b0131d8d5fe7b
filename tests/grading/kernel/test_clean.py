"""Nothing active is left in what an instructor's browser shows."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest
from nbformat import v4

from grading.broker._markdown import clean_markdown
from grading.kernel._clean import clean_outputs
from tests.grading.kernel.rendered import active, html_of, notebook_of

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
    # Links that a pattern for links does not see whole.
    r"[a\](x](javascript:alert(1))",
    "[a](x [b](javascript:alert(1)))",
    "![i](x [a](javascript:alert(1)))",
    "[a]: x\n[b]:\njavascript:alert(1)\n\n[b]",
    '[a]("](javascript:alert(1))',
    "[a](x\n[b](javascript:alert(1))",
    "`](x` [b](javascript:alert(1))",
    "](x [b](javascript:alert(1))",
    "]: x [b](javascript:alert(1))",
    "](> [b](javascript:alert(1))",
    '[b](x "]: y")[c](javascript:alert(1))',
    "[a][b\\](x]\n\n[b\\](x]: javascript:alert(1)",
    f"[x]:{' ' * 400}javascript:alert(1)\n\n[x]",
    "> [b]:\n> javascript:alert(1)\n>\n> [b]",
    "[x](vbscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](java\nscript:alert(1))",
    "<\x00script>alert(1)</script>",
    "| a |\n|---|\n| [x](javascript:alert(1)) |",
    "# [x](javascript:alert(1))",
    "$$<img src=x onerror=alert(1)>$$",
    "\\begin{matrix}<img src=x onerror=alert(1)>\\end{matrix}",
    "<!--><img src=x onerror=alert(1)>-->",
    "<?><img src=x onerror=alert(1)>",
    "<embed src=x><object data=x></object><meta http-equiv=refresh content=0><base href=//x>",
    "\n\n```mermaid\n<img src=x onerror=alert(1)>\n```\n\n",
    "\n\n~~~  mermaid-x\ngraph TD\nclick A 'javascript:alert(1)'\n~~~\n\n",
    '\n\n```"onclick=alert(1)\n<img src=x onerror=alert(1)>\n```\n\n',
]


def display(**data: str) -> object:
    return v4.new_output("display_data", {k.replace("__", "/"): v for k, v in data.items()})


def pages(*cells: Any) -> Iterator[str]:
    """Of formgrader, and of a notebook that is exported."""
    for template in ("classic", "lab"):
        yield html_of(notebook_of(*cells), template)


def shown(kind: str, text: str) -> Any:
    return v4.new_code_cell("", outputs=clean_outputs([display(**{kind: text})]))


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_learner_is_active_on_the_page(attack: str):
    cells = [
        make(clean_markdown(before + attack))
        for before in ("", "text ", "> - ", "x\n\n", "[", "`")
        for make in (v4.new_markdown_cell, v4.new_raw_cell)
    ]
    kinds = ("text__html", "text__markdown", "text__latex", "text__plain")
    cells += [shown(kind, f"kept {attack}") for kind in kinds]

    for page in pages(*cells):
        assert active(page) == []
        assert "kept" in page


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_outputs_keep_what_is_harmless(attack: str):
    (cleaned,) = clean_outputs([display(text__html=f"<p>kept</p>{attack}")])

    assert "<p>kept</p>" in cleaned.data["text/html"]


@pytest.mark.parametrize(
    "text",
    [
        "if $a < b$ and $b > c$ then `x < y` & more",
        "`d[0]`, $[0, 1)$ and `a, *b = c[1:][0]`",
        "$a<1$ but $c>d$",
        r"$$\begin{aligned} a &= b \\ &< c \end{aligned}$$",
        "**bold**, *italic*, https://example.org/a?b=c&d=e",
        "```python\nif a < b:\n    pass\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_harmless_markdown_stays_as_it_is(text: str):
    assert clean_markdown(text) == text


def test_formulas_are_set_and_addresses_linked_as_before():
    text = "Because $a<b$, $x[1](y)$: [see](https://example.org/a)."
    for page in pages(v4.new_markdown_cell(clean_markdown(text))):
        assert "$a&lt; b$" in page
        assert "$x[1] (y)$" in page
        assert 'href="https://example.org/a"' in page


def test_only_pictures_inside_of_the_cell_are_shown():
    text = "![a plot](attachment:a.png) ![](attachment:b.png) ![](https://example.org/c.png)"
    cell = v4.new_markdown_cell(clean_markdown(text, {"a.png"}))
    cell["attachments"] = {"a.png": {"image/png": "iVBORw0KGgo="}}
    for page in pages(cell):
        assert page.count('src="data:image/png;base64,iVBORw0KGgo="') == 1
        assert 'src="https://example.org' not in page


@pytest.mark.parametrize("name", ["href", "csname", "require", "htmlData", "style", "bbox"])
def test_formulas_cannot_do_more_than_set_a_formula(name: str):
    spelled = [
        f"$\\{name}{{javascript:alert(1)}}{{x}}$",
        f"$&bsol;{name}{{x}}$",
        f"$&#92;{name}{{x}}$",
    ]
    for text in spelled:
        assert f"\\{name}" not in html.unescape(clean_markdown(text))
        for kind in ("text__latex", "text__html"):
            (cleaned,) = clean_outputs([display(**{kind: text})])
            assert list(cleaned.data) == ["text/plain"]


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
        "[x](data:text/html,x)",
        "[x][y]\n\n[y]: javascript:alert(1)",
        "[a](x [b](javascript:alert(1)))",
        "```mermaid\n<embed src=x>\n```",
    ],
)
def test_what_is_looked_for_is_there_before_cleaning(attack: str):
    """Read in the HTML of nbconvert's own filter: the templates drop some by themselves."""
    from nbconvert.filters import markdown2html

    marks = html_of(notebook_of(), "classic").partition("END-OF-WHAT")

    assert active(marks[0] + markdown2html(attack) + "".join(marks[1:]))
