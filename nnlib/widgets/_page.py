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
    const fit = () => { frameElement.style.height = `${Math.ceil(el.offsetHeight) + 2}px`; };
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
    """Return the text of an ES module with the shared helpers it imports written into it.

    The browser then needs one module and no second request. A helper is a file beside this one
    whose name starts with ``_``; its own imports are followed, and each is written once.

    Parameters
    ----------
    path : Path
        The module, for example ``worked_network.js``.

    Returns
    -------
    str
        One module without imports.
    """
    seen: set[str] = set()

    def inlined(text: str) -> str:
        def put(match: re.Match[str]) -> str:
            name = match["name"]
            if name in seen:
                return ""
            seen.add(name)
            helper = (FOLDER / name).read_text(encoding="utf-8")
            return re.sub(r"^export (?=function|const|class)", "", inlined(helper), flags=re.M)

        return _IMPORT.sub(put, text)

    return inlined(path.read_text(encoding="utf-8"))


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
    script = module + _SHIM.replace("STATE", values, 1)
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
    srcdoc = html.escape(page).encode("ascii", "xmlcharrefreplace").decode("ascii")
    return (
        f'<iframe title="{html.escape(title)}" loading="lazy" '
        f'style="width:100%;max-width:920px;height:{height}px;border:0;display:block" '
        f'srcdoc="{srcdoc}"></iframe>'
    )
