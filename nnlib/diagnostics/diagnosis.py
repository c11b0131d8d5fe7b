"""From a recording to its name: what is wrong with a run, if anything, and why we say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from nnlib._array import check_count, check_number
from nnlib.diagnostics.monitor import Record
from nnlib.errors import ArgumentError, DtypeError
from nnlib.training import History

FITTED = 1e-6
"""Share of the largest gradient below which a run has fitted all it can."""


class Condition(StrEnum):
    """How a run is; each is also its name as text, such as ``"dead units"``."""

    HEALTHY = "healthy"
    EXPLODING = "exploding"
    RATE_TOO_HIGH = "rate too high"
    DEAD_UNITS = "dead units"
    VANISHING = "vanishing"
    OVERFITTING = "over-fitting"


@dataclass(frozen=True)
class Diagnosis:
    """The outcome of ``diagnose``.

    Attributes
    ----------
    condition : Condition
        Compares equal to its name.
    reason : str
        The numbers that decided.
    """

    condition: Condition
    reason: str


def diagnose(
    history: History,
    records: Sequence[Record] = (),
    *,
    exploding: float = 1e3,
    vanishing: float = 1e-3,
    dead: float = 0.5,
    rise: float = 0.1,
    often: float = 0.3,
    overfitting: float = 0.1,
) -> Diagnosis:
    """Name what is wrong with a run; the first rule that holds decides.

    1. "exploding": in the first record, before anything was learned, some gradient is longer than
       ``exploding``, or that of the first weights exceeds that of the last by that factor.
    2. "rate too high": the loss, the validation loss or a gradient became infinite or nan, or the
       loss ended above where it began by more than the part ``rise``, or rose by more than that
       part in at least two epochs and at least the share ``often`` of them.
    3. "dead units": in the last record at least the share ``dead`` of some layer's units is dead.
    4. "vanishing": in half of the records or more, the gradient of the first weights is shorter
       than ``vanishing`` times that of the last weights. Records do not count once that of the
       last weights is a millionth of what it was at most: there is nothing left to learn.
    5. "over-fitting": the validation loss ended above its minimum by more than the part
       ``overfitting``, while the training loss went on falling.
    6. "healthy": none of these.

    The order matters. Gradients that explode drive any rate too high, and units that died let the
    gradient behind them vanish, so causes stand before what they bring about.

    Parameters
    ----------
    history : History
        What ``fit`` returned, or the ``history`` of the error it raised.
    records : sequence of Record
        ``monitor.records``; without them only rules 2 and 5 can hold. For rule 3 the monitor needs
        rows: ``Monitor(X=...)``.
    exploding, vanishing : float, default 1000 and 0.001
        Limits of rules 1 and 4.
    dead : float, default 0.5
        Share of units, of rule 3.
    rise, often : float, default 0.1 and 0.3
        Part of the loss, and share of the epochs, of rule 2.
    overfitting : float, default 0.1
        Part of the smallest validation loss, of rule 5.

    Returns
    -------
    diagnosis : Diagnosis
        Condition and reason.

    Raises
    ------
    ArgumentError
        If there is nothing recorded, or a limit is outside what it may be.
    DtypeError
        If history or records are something else.

    References
    ----------
    Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen, diploma thesis, Munich.
    Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural
    networks, AISTATS, 249-256.

    Examples
    --------
    >>> diagnose(History(loss=[1.0, 0.5, 0.3, 0.2], validation_loss=[1.1, 0.7, 0.9, 1.3]))
    Diagnosis(condition=<Condition.OVERFITTING: 'over-fitting'>, reason='validation loss 1.3 at \
the end, 0.7 at best (epoch 2), while the training loss fell from 0.5 to 0.2')
    >>> diagnose(History(loss=[1.0, 3.0, 9.0])).condition == "rate too high"
    True
    """
    _check_recording(history, records)
    limits = {"exploding": exploding, "vanishing": vanishing, "dead": dead, "rise": rise,
              "often": often, "overfitting": overfitting}  # fmt: skip
    for name, limit in limits.items():
        check_number(limit, name, "diagnose", positive=True)
    rules = (
        (Condition.EXPLODING, _explodes(records, exploding)),
        (Condition.RATE_TOO_HIGH, _rises(history, records, rise, often)),
        (Condition.DEAD_UNITS, _dies(records, dead)),
        (Condition.VANISHING, _vanishes(records, vanishing)),
        (Condition.OVERFITTING, _overfits(history, overfitting)),
    )
    for condition, reason in rules:
        if reason is not None:
            return Diagnosis(condition, reason)
    return Diagnosis(Condition.HEALTHY, "no rule found anything")


def generalization_gap(history: History, *, measure: str = "loss", last: int = 1) -> float:
    """Return how much worse the model is on validation rows than on those it was trained on.

        loss: validation − training        accuracy: training − validation

    Both are above 0 where the model has learned what holds for the training rows only. A mean over
    the last epochs is less noisy.

    Parameters
    ----------
    history : History
        Of a run with ``validation_data``.
    measure : "loss" (default) or "accuracy"
        Which.
    last : int, default 1
        Over how many of the last epochs the mean is taken, at most all.

    Returns
    -------
    gap : float
        In nats or the like for the loss; as a share for the accuracy.

    Raises
    ------
    ArgumentError
        If the history has no such entries, or an argument is outside what it may be.
    DtypeError
        If the history is none.

    Examples
    --------
    >>> history = History(loss=[1.0, 0.5], validation_loss=[1.25, 1.5])
    >>> generalization_gap(history), generalization_gap(history, last=2)
    (1.0, 0.625)
    """
    where = "generalization_gap"
    _check_history(history, where)
    if measure not in {"loss", "accuracy"}:
        message = f"{where}: measure is {measure!r}, expected 'loss' or 'accuracy'."
        raise ArgumentError(message)
    count = check_count(last, "last", where)
    training: list[float] = getattr(history, measure)
    validation: list[float] = getattr(history, f"validation_{measure}")
    if not training or len(training) != len(validation):
        message = (
            f"{where}: the history has {len(training)} epochs of {measure} and {len(validation)} "
            f"of validation_{measure}, expected the same number. Give fit validation_data=(X, y)."
        )
        raise ArgumentError(message)
    gaps = [v - t for t, v in zip(training[-count:], validation[-count:], strict=True)]
    mean = sum(gaps) / len(gaps)
    return mean if measure == "loss" else -mean


def _explodes(records: Sequence[Record], limit: float) -> str | None:
    """Rule 1."""
    norms = records[0].gradient_norms if records else {}
    if not norms:
        return None
    longest = max(norms, key=lambda name: _size(norms[name]))
    if _size(norms[longest]) > limit:
        return f"the gradient of {longest} has length {norms[longest]:.3g} at the start"
    first, last = _ends(norms)
    if first > limit * last > 0:
        return f"the first weights have a gradient {first / last:.3g} times that of the last"
    return None


def _rises(history: History, records: Sequence[Record], rise: float, often: float) -> str | None:
    """Rule 2."""
    losses = history.loss
    stopped = (history.stop_reason or "").startswith("diverged")
    if stopped or not all(map(math.isfinite, [*losses, *(r.loss for r in records)])):
        return f"the loss is not finite any more ({history.stop_reason or 'nan or infinity'})"
    if not all(map(math.isfinite, history.validation_loss)):
        return "the validation loss is not finite any more (nan or infinity)"
    for record in records:
        for name, norm in record.gradient_norms.items():
            if not math.isfinite(norm):
                return f"the gradient of {name} is {norm} in step {record.step}"
    if len(losses) < 2:
        return None
    if losses[-1] > (1 + rise) * losses[0]:
        return f"the loss ended at {losses[-1]:.3g}, having begun at {losses[0]:.3g}"
    jumps = sum(b > (1 + rise) * a for a, b in pairwise(losses))
    # One jump in a run of a few epochs may be chance.
    if jumps >= max(2, often * (len(losses) - 1)):
        return f"the loss rose by more than {rise:.0%} in {jumps} of {len(losses) - 1} epochs"
    return None


def _dies(records: Sequence[Record], limit: float) -> str | None:
    """Rule 3."""
    dead = records[-1].dead if records else {}
    if not dead:
        return None
    worst = max(dead, key=lambda name: dead[name])
    if dead[worst] < limit:
        return None
    return f"{dead[worst]:.0%} of the units of layer {worst} are dead"


def _vanishes(records: Sequence[Record], limit: float) -> str | None:
    """Rule 4."""
    pairs = [_ends(record.gradient_norms) for record in records]
    largest = max((last for _, last in pairs), default=0.0)
    pairs = [(first, last) for first, last in pairs if last > FITTED * largest]
    small = [(first, last) for first, last in pairs if first < limit * last]
    if not small or 2 * len(small) < len(pairs):
        return None
    first, last = small[-1]
    return f"the first weights have a gradient of {first:.3g}, the last ones of {last:.3g}"


def _overfits(history: History, limit: float) -> str | None:
    """Rule 5."""
    training, validation = history.loss, history.validation_loss
    if len(validation) < 2 or len(validation) != len(training):
        return None
    best = validation.index(min(validation))
    if validation[-1] > (1 + limit) * validation[best] and training[-1] < training[best]:
        return (
            f"validation loss {validation[-1]:.3g} at the end, {validation[best]:.3g} at best "
            f"(epoch {best + 1}), while the training loss fell from {training[best]:.3g} to "
            f"{training[-1]:.3g}"
        )
    return None


def _ends(norms: dict[str, float]) -> tuple[float, float]:
    """Return the gradient lengths of the first and the last matrix of weights."""
    weights = [norm for name, norm in norms.items() if name.rpartition(".")[2].startswith("W")]
    return (weights[0], weights[-1]) if weights else (0.0, 0.0)


def _size(norm: float) -> float:
    """Return a length for comparison: nan is longer than anything."""
    return norm if math.isfinite(norm) else math.inf


def _check_history(history: object, where: str) -> History:
    """Return the history after checking that it is one."""
    if isinstance(history, History):
        return history
    message = f"{where}: history is {history!r:.60}, expected what fit returns."
    raise DtypeError(message)


def _check_recording(history: object, records: object) -> None:
    """Raise unless there is something to look at."""
    record = _check_history(history, "diagnose")
    if not isinstance(records, Sequence) or not all(isinstance(r, Record) for r in records):
        message = f"diagnose: records are {records!r:.60}, expected monitor.records."
        raise DtypeError(message)
    if not record.loss and not records and not record.stop_reason:
        message = "diagnose: nothing was recorded, expected at least one epoch or one record."
        raise ArgumentError(message)
