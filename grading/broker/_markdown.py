r"""Learners' Markdown, made harmless: no reader finds a script, a handler or a picture to fetch.

Markdown is not taken apart here: formgrader, JupyterLab and this module would each read it in
another way. Instead the pairs of characters without which no reader finds a tag, a link, an
entity or a diagram are parted by a space, wherever they stand. Code and formulas, to which a
space means nothing, stay as they are.

What is harmless however it is read stays whole: links to the web, spelled out; tags of text
without attributes, if they are closed before the next blank line, so that none reaches out of its
cell; entities of letters and signs. Tags of blocks do not stay: a table that is begun within a link
holds the link's end off, and all that follows would lead where the learner wants. Each of these is
recognized by a narrow pattern of its own, in time that grows with the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["ACTIVE_TEX", "CONTROL", "clean_markdown"]

CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
"""Characters that no text needs. Below, five of them stand for what is kept."""

# What MathJax could be asked to do beyond setting a formula, to change the formulas of other cells,
# and to draw where it was not asked.
ACTIVE_TEX = re.compile(
    r"\\(?:(?:href|url|class|cssId|style|data|require|unicode|includegraphics|bbox|mmlToken|csname"
    r"|texttip|mathtip|toggle|[egx]?def|let|futurelet|(?:new|renew|provide)command"
    r"|(?:new|renew)environment|DeclareMathOperator|Newextarrow"
    r"|raise|lower|moveleft|moveright|[lr]lap|[rR]ule|Space|[hmv]skip|m?kern|[hmv]space"
    r")(?![a-zA-Z])|html[A-Z][a-zA-Z]*)"
)
_OPENING = re.compile(r"<(?=[a-zA-Z/!?])")  # HTML: `<` before anything else is text
_ENTITY = re.compile(r"&(?=#|[a-zA-Z][a-zA-Z0-9]*;)")
_LINKED = re.compile(r"\](?=[(:])")  # every link that is written out, every definition of one
_BRACKETED = re.compile(r"<(https?://[^\s<>]+)>")
_DIAGRAM = re.compile(r"(?<=[`~])(\s*)(?=mermaid)", re.IGNORECASE)  # written unescaped by nbconvert
_ATTACHED = re.compile(r"!\[([\w .-]{0,100})\]\((attachment:([\w.-]{1,100}))\)", re.ASCII)

# ------------------------------------------------------------ what stays whole

_LT, _GT, _AMP, _LINK, _PICTURED = "\x01", "\x02", "\x03", "\x04", "\x05"
_MARKS = {_LT: "<", _GT: ">", _AMP: "&", _LINK: "]", _PICTURED: "!"}

_IN_ADDRESS = r"[A-Za-z0-9._/?#@!&+,;=%:~*-]"
_ADDRESS = rf"(?:https?://(?:{_IN_ADDRESS}|\({_IN_ADDRESS}*+\))++|mailto:[\w.+-]++@[\w.-]++)"
_TITLE = r'(?:[ ]"[^"\\<>`$\[\]\n]*+")?'
_TARGET = re.compile(rf"\](?=\({_ADDRESS}{_TITLE}\))", re.ASCII)
_DEFINITION = re.compile(rf"^(\[[\w .-]++)\](?=:[ ]{_ADDRESS}[ ]*$)", re.ASCII | re.MULTILINE)
_PICTURE = re.compile(r"!\s*\[")  # with one, a link behind it may be read as its address

_TAGS = "abbr|b|cite|code|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|u|var"
# Neither code nor formula begins or ends in an element, and no blank line ends its block. An empty
# one would be written without its end in a heading.
_ELEMENT = re.compile(
    rf"<({_TAGS})>((?:[^<>`~$\\\r\n]|\n(?![ \t]*+(?:\n|$)))++)</\1>", re.IGNORECASE
)
_BREAK = re.compile(r"<([bh]r ?/?)>", re.IGNORECASE)
_COMMENT = re.compile(r"^<(!--[\w .,:;'()]*+--)>$", re.ASCII | re.MULTILINE)  # alone in its line
_MAX_DEPTH = 6
_LETTERS = re.compile(
    r"&(?=(?:nbsp|lt|gt|copy|deg|times|middot|ndash|mdash|hellip|plusmn|minus|le|ge|ne|asymp|infin"
    r"|larr|rarr|harr|sum|prod|part|nabla|isin|[aouAOU]uml|szlig|alpha|beta|gamma|delta|epsilon"
    r"|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega|Gamma|Delta|Theta"
    r"|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega);)"
)


def clean_markdown(text: str, attached: Collection[str] = ()) -> str:
    """Return Markdown that no reader takes for something to run or to fetch.

    Parameters
    ----------
    text : str
        A cell that the learner wrote.
    attached : collection of str, default ()
        Names of the pictures inside of the cell; they are still shown.

    Returns
    -------
    str
        The same text but for a few spaces. Links to the web, harmless tags and addresses that are
        written out work as before.

    Examples
    --------
    >>> clean_markdown("if *a*<b, then $x<y$<script>alert(1)</script>")
    'if *a*< b, then $x< y$< script>alert(1)< /script>'
    >>> clean_markdown("see [here](javascript:alert(1)), or d[0] and https://example.org")
    'see [here] (javascript:alert(1)), or d[0] and https://example.org'
    >>> clean_markdown("H<sub>2</sub>O, [see](https://example.org/water)")
    'H<sub>2</sub>O, [see](https://example.org/water)'
    >>> clean_markdown("![plot](attachment:a.png)", {"a.png"})
    '![plot](attachment:a.png)'
    """
    parted = _BRACKETED.sub(r"< \1 >", _keep(CONTROL.sub("", text), attached))
    parted = _ENTITY.sub("& ", _OPENING.sub("< ", _LINKED.sub("] ", parted)))
    parted = ACTIVE_TEX.sub(r"\\text", _DIAGRAM.sub(r"\1text-", parted))
    return parted.translate({ord(mark): kept for mark, kept in _MARKS.items()})


def _keep(text: str, attached: Collection[str]) -> str:
    """Put marks in the place of the characters of what stays whole."""

    def shown(found: re.Match[str]) -> str:  # a missing one would end nbconvert
        return f"{_PICTURED}[{found[1]}{_LINK}({found[2]})" if found[3] in attached else found[0]

    text = _ATTACHED.sub(shown, text)
    if not _PICTURE.search(text):
        text = _DEFINITION.sub(rf"\1{_LINK}", _TARGET.sub(_LINK, text))
    text = _BREAK.sub(rf"{_LT}\1{_GT}", _LETTERS.sub(_AMP, text))
    for _ in range(_MAX_DEPTH):  # from the innermost
        text, n = _ELEMENT.subn(rf"{_LT}\1{_GT}\2{_LT}/\1{_GT}", text)
        if not n:
            break
    return _COMMENT.sub(rf"{_LT}\1{_GT}", text)
