"""Pages are complete in themselves, and what they show of others cannot act."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from grading.reporting import cleaned, inline, number
from grading.reporting._pages import LONGEST_TEXT, page


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\x1bb", "a\u202eb", "a\u2066b", "a\ud800b", "a\u200bb", "a\U000e0041b"]
)
def test_what_does_not_print_is_replaced_visibly(text: str) -> None:
    assert cleaned(text) == "a\ufffdb"


def test_line_ends_become_line_feeds_and_tabs_stay() -> None:
    assert cleaned("a\r\nb\rc\td") == "a\nb\nc\td"


def test_endless_text_is_cut_and_says_so() -> None:
    shown = cleaned("x" * (LONGEST_TEXT + 7))

    assert shown.endswith("\n[7 more characters]")
    assert len(shown) < LONGEST_TEXT + 50


def test_sentences_are_escaped_and_code_in_them_is_set_as_code() -> None:
    assert inline("Use `a<b` & not <b>") == "Use <code>a&lt;b</code> &amp; not &lt;b&gt;"
    assert inline("one ` alone") == "one ` alone"
    assert inline("It stopped:\n    x = <b>\nThere.") == (
        'It stopped: <code class="line">x = &lt;b&gt;</code> There.'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (1.25, "1.25"), (-1.5, "\u22121.5"), (-0.0, "0"), (1 / 3, "0.33"), (None, "–")],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number(value) == text


def test_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    text = page(
        "reporting/class.html.jinja",
        course="C",
        units=[],
        groups=(),
        least=5,
        clock=str,
        duration=str,
    )

    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style
    assert "url(" not in style
