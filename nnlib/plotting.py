"""The course's one way of drawing static pictures: palette, axes, and display with alt text.

Colors have fixed meanings all through the course (Okabe-Ito palette): forward and training blue,
backward orange, validation green, pruned grey. Figures are made without ``pyplot``, so no global
state refers to them and the backend does not matter.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

from nnlib.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING = FORWARD = "#0072B2"
BACKWARD = "#D55E00"
VALIDATION = "#009E73"
PRUNED = "#7F7F7F"
HIGHLIGHT = "#CC79A7"

_DPI = 110
_STYLE: Any = {  # a plain dict; matplotlib's own type lists every key
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


def new_axes(
    n_panels: int = 1, width: float = 4.6, height: float = 3.1
) -> tuple[Figure, list[Axes]]:
    """Make a figure with panels side by side in the course's style.

    Parameters
    ----------
    n_panels : int, default 1
        Panels in one row.
    width, height : float
        Size of one panel, in inches.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    axes : list of matplotlib.axes.Axes
        The panels from left to right.

    Examples
    --------
    >>> figure, (left, right) = new_axes(2)
    >>> line = left.plot([1, 2], [3, 4], color=TRAINING)
    """
    from matplotlib import rc_context  # here, because only pictures need it
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width * n_panels, height), layout="constrained")
        panels: list[Axes] = list(figure.subplots(1, n_panels, squeeze=False)[0])
    return figure, panels


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook as a picture that says what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        The finding in one sentence, for those who cannot see the picture: "Validation loss turns
        up after epoch 12 while training loss keeps falling".

    Raises
    ------
    ArgumentError
        If ``alt`` is empty.
    """
    from IPython.display import display  # here, because only notebooks have it

    if not alt.strip():
        message = "show: alt is empty. Say in one sentence what the figure finds."
        raise ArgumentError(message)
    display(picture(figure, alt), raw=True)  # type: ignore[no-untyped-call]  # IPython is untyped


def picture(figure: Figure, alt: str) -> dict[str, str]:
    """Draw a figure as what a notebook stores: a picture with its alt text.

    JupyterLab and nbconvert drop the alt text of a bare PNG, so it stands in an HTML image too.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        What it finds.

    Returns
    -------
    dict of str to str
        The same picture by MIME type: HTML, PNG in base64, and the alt text as plain text.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
    png = base64.b64encode(file.getvalue()).decode("ascii")
    width = round(figure.get_size_inches()[0] * _DPI * 0.85)
    html = (
        f'<img alt="{escape(alt)}" width="{width}" style="max-width:100%;background:#fff" '
        f'src="data:image/png;base64,{png}">'
    )
    return {"text/html": html, "image/png": png, "text/plain": alt}
