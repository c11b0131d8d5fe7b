"""The record of a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nnlib._array import check_count
from nnlib.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History:
    """What ``fit`` saw, one entry an epoch.

    Attributes
    ----------
    loss : list of float
        Training loss: the mean over the rows of the epoch, taken while the parameters change.
        The penalty is not in it.
    accuracy : list of float
        Share of rows classified right in the same way. Empty unless the loss is about classes.
    validation_loss, validation_accuracy : list of float
        The same on ``validation_data``, after the epoch, with the parameters standing still.
    penalty : list of float
        Value of the penalty after the epoch. Empty without one.
    lr : list of float
        Learning rate of the last step of the epoch.
    seconds : list of float
        Duration of the epoch.
    steps : int
        Number of updates in all.
    stop_reason : str or None
        Why training ended before its last epoch, if it did.

    Examples
    --------
    >>> history = History(loss=[1.0, 0.5, 0.25], validation_loss=[1.5, 0.75, 1.0])
    >>> history.best_epoch, history.gap
    (2, [0.5, 0.25, 0.75])
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    penalty: list[float] = field(default_factory=list)
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

    @property
    def best_epoch(self) -> int | None:
        """The first epoch, counted from 1, of smallest validation loss; else of training loss."""
        losses = self.validation_loss or self.loss
        return 1 + losses.index(min(losses)) if losses else None

    @property
    def gap(self) -> list[float]:
        """Validation loss less training loss, by epoch; empty without validation.

        The training loss is a mean over an epoch of falling losses and is taken with dropout and
        augmentation, so the gap of an early epoch may be below zero.
        """
        pairs = zip(self.loss, self.validation_loss, strict=False)
        return [validation - training for training, validation in pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return all entries by name, in lists, numbers and text."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Self:
        """Make a history of what ``to_dict`` returned.

        Parameters
        ----------
        entries : dict of str to list, int or str
            Names that are missing stay empty.

        Returns
        -------
        history : History
            The record.

        Raises
        ------
        ArgumentError
            If a name is unknown, or an entry is not what it should be, such as a list of numbers.
        """
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(entries) - known)
        if unknown:
            message = (
                f"History.from_dict: unknown {unknown}, expected names among {sorted(known)}. "
                "Take a dictionary from to_dict()."
            )
            raise ArgumentError(message)
        for name in known - {"steps", "stop_reason"}:
            values = entries.get(name, [])
            if not isinstance(values, list) or not all(isinstance(v, int | float) for v in values):
                message = (
                    f"History.from_dict: {name} is {values!r:.60}, expected a list of numbers."
                )
                raise ArgumentError(message)
        steps, reason = entries.get("steps", 0), entries.get("stop_reason")
        check_count(steps, "steps", "History.from_dict", minimum=0)
        if not isinstance(reason, str | None):
            message = f"History.from_dict: stop_reason is {reason!r:.60}, expected text or None."
            raise ArgumentError(message)
        copies: dict[str, Any] = {
            name: list(value) if isinstance(value, list) else value
            for name, value in entries.items()
        }
        return cls(**copies)

    def save(self, path: str | Path) -> None:
        """Write the record as JSON text.

        Parameters
        ----------
        path : str or Path
            The file; one that is there is replaced.
        """
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what ``save`` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        history : History
            The record, digit for digit.

        Raises
        ------
        ArgumentError
            If there is no such file, or it holds something else.
        """
        try:
            entries = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            message = f"History.load: {path} cannot be read ({error!s:.80}). Was it saved by save?"
            raise ArgumentError(message) from error
        if not isinstance(entries, dict):
            message = f"History.load: {path} holds {entries!r:.40}, expected the record of a run."
            raise ArgumentError(message)
        return cls.from_dict(entries)

    def plot(self, *, log: bool = False, gap: bool = False) -> Figure:
        """Draw loss, and accuracy if there is one, against epochs.

        The epoch of the smallest validation loss is marked, unless it is the last.

        Parameters
        ----------
        log : bool, default False
            Whether the axis of the loss is logarithmic.
        gap : bool, default False
            Whether the area between training and validation is shaded, and its height written.

        Returns
        -------
        figure : matplotlib.figure.Figure
            A figure that no global state refers to; in a notebook it is shown as it is returned.
        """
        from nnlib.training.plots import plot_history  # here: only pictures need it

        return plot_history(self, log=log, gap=gap)
