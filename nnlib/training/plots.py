"""Pictures of training runs: one run, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnlib.errors import ArgumentError
from nnlib.plotting import TRAINING, VALIDATION, new_axes
from nnlib.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))


def plot_history(history: History, *, log: bool = False, gap: bool = False) -> Figure:
    """Draw one run; see ``History.plot``."""
    panels = ["loss"] + (["accuracy"] if history.accuracy else [])
    figure, drawn = new_axes(len(panels))
    for axes, name in zip(drawn, panels, strict=True):
        training, validation = getattr(history, name), getattr(history, f"validation_{name}")
        _curve(axes, training, "training", TRAINING, "-", "o")
        _curve(axes, validation, "validation", VALIDATION, "--", "s")
        if gap and training and validation:
            _shade_gap(axes, training, validation)
        best = history.best_epoch
        if validation and best is not None and best < len(validation):
            axes.scatter([best], [validation[best - 1]], s=60, facecolors="none",
                         edgecolors=VALIDATION, zorder=3)  # fmt: skip
            axes.annotate(f"best: epoch {best}", (best, validation[best - 1]), (0, -14),
                          textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
        _leave_room(axes, len(history), 0.22)
        axes.set(xlabel="epoch", ylabel=name)
        _scale(axes, log=log and name == "loss" and bool(training))
    return figure


def plot_histories(
    histories: Mapping[str, History | Sequence[History]],
    *,
    monitor: str | None = None,
    log: bool = False,
) -> Figure:
    """Draw one quantity of several runs against epochs, each labelled at its end.

    Parameters
    ----------
    histories : dict of str to History, or to list of History
        Runs by label. Several runs of one label, as from several seeds, become their mean, within
        a band from the smallest to the largest.
    monitor : str, optional
        A list of the history; by default "validation_loss" if all runs have it, else "loss".
    log : bool, default False
        Whether the axis is logarithmic.

    Returns
    -------
    figure : matplotlib.figure.Figure
        A figure that no global state refers to.

    Raises
    ------
    ArgumentError
        If there is no run, or one that does not hold the quantity.

    Examples
    --------
    >>> runs = {"small rate": History(loss=[3.0, 2.5]), "large rate": History(loss=[3.0, 1.0])}
    >>> [axes] = plot_histories(runs).axes
    >>> [float(line.get_ydata()[-1]) for line in axes.lines]
    [2.5, 1.0]
    """
    groups = {
        label: [runs] if isinstance(runs, History) else list(runs)
        for label, runs in histories.items()
    }
    everything = [run for runs in groups.values() for run in runs]
    if monitor is None:
        with_validation = all(run.validation_loss for run in everything)
        monitor = "validation_loss" if with_validation else "loss"
    for label, runs in groups.items():
        if not runs or not all(getattr(run, monitor, None) for run in runs):
            message = (
                f"plot_histories: {label!r} has no {monitor}. Give runs that recorded it, or name "
                "another quantity with monitor=..."
            )
            raise ArgumentError(message)
    if not groups:
        message = "plot_histories: no runs, expected a dictionary such as {'SGD': history}."
        raise ArgumentError(message)
    figure, [axes] = new_axes(width=6.4, height=3.6)
    ends = []
    for i, (label, runs) in enumerate(groups.items()):
        length = min(len(getattr(run, monitor)) for run in runs)
        values = np.array([getattr(run, monitor)[:length] for run in runs])
        epochs, color = np.arange(1, length + 1), _COLORS[i % len(_COLORS)]
        if len(runs) > 1:
            axes.fill_between(epochs, values.min(0), values.max(0), color=color, alpha=0.15, lw=0)
        mean = values.mean(axis=0)
        axes.plot(epochs, mean, linestyle=_LINES[i % len(_LINES)], color=color)
        count = f" (n = {len(runs)})" if len(runs) > 1 else ""
        ends.append((f" {label}{count}", float(length), float(mean[-1]), color))
    _leave_room(axes, max(int(x) for _, x, _, _ in ends), 0.35)
    axes.set(xlabel="epoch", ylabel=monitor.replace("_", " "))
    _scale(axes, log=log)
    _label_ends(axes, ends)
    return figure


def _curve(axes: Axes, values: list[float], title: str, color: str, line: str, marker: str) -> None:
    """Draw a lone line with a dot at its end: readable without color, and with many epochs."""
    if not values:
        return
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, values, line, color=color, marker=marker, markevery=[-1])
    axes.annotate(f" {title}", (len(values), values[-1]), color=color, va="center", fontsize=9)


def _shade_gap(axes: Axes, training: list[float], validation: list[float]) -> None:
    n = min(len(training), len(validation))
    axes.fill_between(range(1, n + 1), training[:n], validation[:n], color=VALIDATION, alpha=0.12)
    a, b = training[n - 1], validation[n - 1]
    axes.annotate(f"gap {abs(b - a):.2g}", (n, (a + b) / 2), (-4, 0), textcoords="offset points",
                  ha="right", va="center", fontsize=8)  # fmt: skip


def _leave_room(axes: Axes, n_epochs: int, share: float) -> None:
    """Begin at the first epoch, and leave room for the labels behind the last."""
    n = max(n_epochs, 2)
    axes.set_xlim(1 - 0.03 * n, n * (1 + share))


def _scale(axes: Axes, *, log: bool) -> None:
    if log:
        axes.set_yscale("log")
        axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def _label_ends(axes: Axes, ends: list[tuple[str, float, float, str]]) -> None:
    """Write labels at the ends of curves, pushed apart where they would cover one another."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = sorted((to_axes.transform((x, y))[1], label, x, y, c) for label, x, y, c in ends)
    lowest = -np.inf
    for height, label, x, y, color in places:
        height = max(float(height), lowest + 0.06)
        lowest = height
        place = axes.transData.inverted().transform(axes.transAxes.transform((0.0, height)))
        axes.annotate(label, (x, y), (x, float(place[1])), color=color, va="center", fontsize=9)
