"""The record of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History:
    """What ``fit`` saw, one entry an epoch.

    Attributes
    ----------
    loss : list of float
        Training loss: the mean over the rows of the epoch, taken while the parameters change.
    accuracy : list of float
        Share of rows classified right in the same way. Empty unless the loss is about classes.
    validation_loss, validation_accuracy : list of float
        The same on ``validation_data``, after the epoch, with the parameters standing still.
    lr : list of float
        Learning rate of the last step of the epoch.
    seconds : list of float
        Duration of the epoch.
    steps : int
        Number of updates in all.
    stop_reason : str or None
        Why training ended before its last epoch, if it did.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0
    stop_reason: str | None = None

    def __len__(self) -> int:
        """Return the number of completed epochs."""
        return len(self.loss)

    def __bool__(self) -> bool:
        """Be true even without a completed epoch: a history is a record, not a container."""
        return True

    def __repr__(self) -> str:
        names = ("loss", "validation_loss", "accuracy", "validation_accuracy")
        last = [f"{name} {getattr(self, name)[-1]:.4g}" for name in names if getattr(self, name)]
        ended = [f"stopped: {self.stop_reason}"] if self.stop_reason else []
        return f"History({', '.join([f'{len(self)} epochs', *last, *ended])})"

    def plot(self) -> Figure:
        """Draw loss, and accuracy if there is one, against epochs.

        Returns
        -------
        figure : matplotlib.figure.Figure
            A figure that no global state refers to; in a notebook it is shown as it is returned.
        """
        from nnlib.plotting import TRAINING, VALIDATION, new_axes  # here: only pictures need it

        panels = [("loss", "loss")] + ([("accuracy", "accuracy")] if self.accuracy else [])
        figure, drawn = new_axes(len(panels))
        for axes, (name, label) in zip(drawn, panels, strict=True):
            curves = [
                (name, "training", TRAINING, "-", "o"),
                (f"validation_{name}", "validation", VALIDATION, "--", "s"),
            ]
            for attribute, title, color, line, marker in curves:
                values = getattr(self, attribute)
                if not values:
                    continue
                epochs = range(1, len(values) + 1)
                # A lone line and dots at its end: readable without color, and with many epochs.
                axes.plot(epochs, values, line, color=color, marker=marker, markevery=[-1])
                axes.annotate(
                    f" {title}", (len(values), values[-1]), color=color, va="center", fontsize=9
                )
            axes.margins(x=0.18)
            axes.set(xlabel="epoch", ylabel=label)
        return figure
