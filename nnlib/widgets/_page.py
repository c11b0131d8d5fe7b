"""Assemble what a browser gets: one self-contained ES module, and a page that runs it alone."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<name>_\w+\.js)";\n', re.MULTILINE)
_DECLARATION = re.compile(r"^(?:function|const|let|class) (?P<name>\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"\w+")

_SHIM = """
{ // Stands in for the widget model where no kernel is: same get, set, on and off.
  const state = STATE;
  const watchers = [];
  const model = {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      for (const [event, run] of [...watchers]) if (event === `change:${name}`) run();
    },
    save_changes: () => {},
    on: (event, run) => watchers.push([event, run]),
    off: (event, run) => {
      const i = watchers.findIndex(([e, r]) => e === event && r === run);
      if (i >= 0) watchers.splice(i, 1);
    },
  };
  const el = document.getElementById("figure");
  const clean = render({ model, el });
  addEventListener("pagehide", clean);
  try { // Where the page around us allows it, the frame takes the height of the figure.
    const frame = frameElement.style;
    const fit = ([{ borderBoxSize: [size] }]) => {
      frame.height = `${Math.ceil(size.blockSize) + 2}px`;
    };
    new ResizeObserver(fit).observe(el);
  } catch { /* the height given in the markup stays, and the frame scrolls */ }
}
"""

_DOCUMENT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title><style>{css}</style></head>
<body class="nn-page"><main id="figure"></main>
<script type="module">{script}</script></body></html>
"""


def served_module(path: Path) -> str:
    """Return the text of an ES module with what it needs of the shared helpers written into it.

    The browser then needs one module and no second request. A helper is a file beside this one
    whose name starts with ``_``; its own imports are followed, and each is written once. Since
    every output of an executed notebook holds a copy, declarations of helpers that nobody uses,
    comments and indentation stay behind.

    Parameters
    ----------
    path : Path
        The module, for example ``worked_network.js``.

    Returns
    -------
    str
        One module without imports.
    """
    text = _IMPORT.sub("", path.read_text(encoding="utf-8"))
    helpers = [_declarations(helper.read_text(encoding="utf-8")) for helper in _helpers(path)]
    needed = _needed([part for parts in helpers for part in parts], text)
    return _compact("".join([*needed, text]))


def served_style(path: Path) -> str:
    """Return the style sheets of an ES module and of the helpers it imports, as one.

    Parameters
    ----------
    path : Path
        The module. Its sheet has the same name and the ending ``.css``; it need not exist.

    Returns
    -------
    str
        The sheets in the order in which the modules build on each other.
    """
    sheets = [module.with_suffix(".css") for module in [*_helpers(path), path]]
    return _compact("".join(s.read_text(encoding="utf-8") for s in sheets if s.is_file()))


def _helpers(path: Path) -> list[Path]:
    """Return the helpers that a module imports, after the helpers that those import."""
    found: dict[Path, None] = {}
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8")):
        helper = FOLDER / match["name"]
        found |= dict.fromkeys([*_helpers(helper), helper])
    return list(found)


def _declarations(text: str) -> list[str]:
    """Cut a helper before each of its declarations; a comment goes with the one before it."""
    text = re.sub(r"^export (?=function|const|class)", "", _IMPORT.sub("", text), flags=re.M)
    starts = [match.start() for match in _DECLARATION.finditer(text)]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def _needed(parts: list[str], text: str) -> list[str]:
    """Return the declarations whose names the text or another needed one contains."""
    names = [match["name"] for part in parts if (match := _DECLARATION.match(part))]
    words = set(_WORD.findall(text))
    needed: set[str] = set()
    while more := (words & set(names)) - needed:
        needed |= more
        for name, part in zip(names, parts, strict=True):
            if name in more:
                words |= set(_WORD.findall(part))
    return [part for name, part in zip(names, parts, strict=True) if name in needed]


def _compact(text: str) -> str:
    """Drop comments that have their lines to themselves, indentation and empty lines."""
    text = _COMMENT.sub("", text)
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def document(module: str, css: str, state: Mapping[str, Any], title: str) -> str:
    """Return a whole HTML page that runs a figure's module without a kernel.

    Parameters
    ----------
    module : str
        The served ES module, which defines ``render({ model, el })``.
    css : str
        Its style sheet.
    state : Mapping
        The starting values of its traits, all of them JSON.
    title : str
        What the page is called.

    Returns
    -------
    str
        HTML that fetches nothing.
    """
    values = json.dumps(dict(state), ensure_ascii=False).replace("<", "\\u003c")
    script = module + _compact(_SHIM).replace("STATE", values, 1)
    return _DOCUMENT.format(title=html.escape(title), css=css, script=script)


def iframe(page: str, title: str, height: int) -> str:
    """Return an iframe that holds a whole page in its ``srcdoc``.

    Parameters
    ----------
    page : str
        The page.
    title : str
        What a screen reader calls the frame.
    height : int
        Its height in pixels until the page has measured itself.

    Returns
    -------
    str
        HTML for a notebook output.
    """
    # Character references survive a page that is read in another encoding.
    # JavaScript is full of double quotes, so single ones stand around it.
    escaped = html.escape(page, quote=False).replace("'", "&#39;")
    srcdoc = escaped.encode("ascii", "xmlcharrefreplace").decode("ascii")
    return (
        f'<iframe title="{html.escape(title)}" loading="lazy" '
        f'style="width:100%;max-width:920px;height:{height}px;border:0;display:block" '
        f"srcdoc='{srcdoc}'></iframe>"
    )
