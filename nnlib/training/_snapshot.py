"""All that a run needs to go on bit for bit: taken into a dictionary, checked, and put back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from nnlib.errors import ArgumentError, DtypeError
from nnlib.layers.base import Layer
from nnlib.training._archive import read_archive
from nnlib.training.callbacks import Callback, Run
from nnlib.training.history import History

_FORMAT = "nnlib checkpoint 1"

Pairs: TypeAlias = list[tuple[np.random.Generator, Any]]
"""Generators with the states they get."""


def take_snapshot(run: Run) -> dict[str, Any]:
    """Return the whole state of a run between two epochs."""
    return {
        "format": _FORMAT,
        "settings": dict(run.settings),
        "model": _model_state(run.model),
        "generators": {
            name: generator.bit_generator.state
            for name, generator in run.model.generators().items()
        },
        "optimizer": run.optimizer.state_dict(),
        "rng": run.rng.bit_generator.state,
        "epochs": run.epoch + 1,
        "steps": run.step,
        "history": run.history.to_dict(),
        "callbacks": {
            name: state
            for name, callback in named_callbacks(run.callbacks).items()
            if (state := callback.state_dict())
        },
    }


def read_snapshot(path: Path, where: str) -> dict[str, Any]:
    """Return the snapshot in a file, its parts checked; any other file is an ``ArgumentError``."""
    snapshot = read_archive(path, where)
    if snapshot.get("format") != _FORMAT:
        message = (
            f"{where}: {path.name} has the format {snapshot.get('format')!r:.40}, expected "
            f"{_FORMAT!r}. Train with Checkpoint(path) of this version."
        )
        raise ArgumentError(message)
    fault = _fault(snapshot)
    if fault:
        message = f"{where}: {path.name} is damaged: {fault}. Take an older one, or train anew."
        raise ArgumentError(message)
    return snapshot


def _fault(snapshot: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the parts of a snapshot, whatever the run; None if nothing is."""
    for name in ("settings", "model", "generators", "optimizer", "rng", "history", "callbacks"):
        if not isinstance(snapshot.get(name), dict):
            return f"{name!r} is missing or no dictionary"
    for name in ("epochs", "steps"):
        count = snapshot.get(name)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return f"{name!r} is {count!r:.40}, no count"
    model = snapshot["model"]
    for name in ("theta", "decay_mask"):
        if not isinstance(model.get(name), np.ndarray):
            return f"the model's {name} is missing or no array"
    if not np.isfinite(model["theta"]).all():
        return "the model's parameters hold nan or infinity"
    mask = model.get("mask", False)  # None where nothing is pruned
    if mask is not None and not _alike(model["decay_mask"], mask):
        return "the model's mask is missing, or not like theta"
    listed = model.get("parameters")
    if not isinstance(listed, list) or not all(map(_is_name_and_shape, listed)):
        return "the model's parameters are not listed"
    buffers = model.get("buffers")
    if not isinstance(buffers, dict) or not all(
        isinstance(buffer, np.ndarray) for buffer in buffers.values()
    ):
        return "the model's running statistics are missing or no arrays"
    if not all(isinstance(state, dict) for state in snapshot["callbacks"].values()):
        return "the state of a callback is no dictionary"
    try:
        n_epochs = len(History.from_dict(snapshot["history"]))
    except ArgumentError as error:
        return str(error).rstrip(".")
    if n_epochs != snapshot["epochs"]:
        return f"the history has {n_epochs} epochs, but {snapshot['epochs']} were done"
    return None


def _is_name_and_shape(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and isinstance(entry[0], str)
        and isinstance(entry[1], list)
    )


def put_back(run: Run, snapshot: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Bring a run to where the snapshot was taken, or raise and change nothing.

    Returns
    -------
    before : dict
        A snapshot of the run as it was, for ``undo``.
    """
    _check_settings(run, snapshot, where)
    _check_model(run.model, snapshot["model"], where)
    pairs = _check_generators(run, snapshot, where)
    before = copy.deepcopy(take_snapshot(run) | {"epochs": run.epoch, "callbacks": {}})
    # The optimizer checks its own state before it changes anything; nothing below can fail.
    run.optimizer.load_state_dict(snapshot["optimizer"])
    _load(run, snapshot, pairs)
    return before


def undo(run: Run, before: Mapping[str, Any]) -> None:
    """Bring a run back to what ``put_back`` found."""
    run.optimizer.load_state_dict(before["optimizer"])
    _load(run, before, _pairs(run, before))


def _load(run: Run, snapshot: Mapping[str, Any], pairs: Pairs) -> None:
    """Put in what has been checked."""
    _load_model(run.model, snapshot["model"])
    for generator, state in pairs:
        generator.bit_generator.state = state
    run.history = History.from_dict(snapshot["history"])
    run.epoch, run.step = snapshot["epochs"], snapshot["steps"]


def load_states(run: Run, states: Mapping[str, Any], where: str) -> None:
    """Give the callbacks back what they remember."""
    for name, callback in named_callbacks(run.callbacks).items():
        if name not in states:
            continue
        try:
            callback.load_state_dict(states[name])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            message = (
                f"{where}: the state of {name} is damaged ({error!r:.80}). Take an older "
                "checkpoint, or train anew."
            )
            raise ArgumentError(message) from error


def load_checkpoint(path: str | Path, model: Layer) -> None:
    """Load the model of a checkpoint: parameters, pruning mask and running statistics.

    To go on training, give the file to ``fit(..., resume=path)`` instead.

    Parameters
    ----------
    path : str or Path
        Written by ``Checkpoint``.
    model : Sequential
        Built as the one that was saved; changed in place.

    Raises
    ------
    ArgumentError
        If there is no such file, it is damaged, or it holds another model; nothing changes.
    DtypeError
        If ``path`` is no file name.

    Examples
    --------
    >>> import tempfile
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> from nnlib.training import Checkpoint
    >>> model, other = Sequential(Linear(1, 1, rng=0)), Sequential(Linear(1, 1, rng=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = fit(model, [[1.0]], [[2.0]], loss=MSE(), optimizer=SGD(model, lr=0.1),
    ...                   callbacks=[Checkpoint(f"{folder}/run.npz")], progress=False)
    ...     load_checkpoint(f"{folder}/run.npz", other)
    >>> bool((other.theta == model.theta).all())
    True
    """
    where = "load_checkpoint"
    state = read_snapshot(check_file(path, f"{where}: path"), where)["model"]
    _check_model(model, state, where)
    _load_model(model, state)


def named_callbacks(callbacks: tuple[Callback, ...]) -> dict[str, Callback]:
    """Return the callbacks by the name of their class, numbered where it comes again."""
    named: dict[str, Callback] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        count = sum(type(other).__name__ == kind for other in named.values())
        named[kind if not count else f"{kind} {count + 1}"] = callback
    return named


def _check_settings(run: Run, snapshot: Mapping[str, Any], where: str) -> None:
    """Raise unless the run is made of the parts with which it began."""
    for name, wanted in snapshot["settings"].items():
        given = run.settings.get(name)
        if given != wanted:
            message = (
                f"{where}: {name} is {given!s:.60}, but was {wanted!s:.60} when the checkpoint was "
                "written. Go on with what the run began with."
            )
            raise ArgumentError(message)
    missing = snapshot["callbacks"].keys() - named_callbacks(run.callbacks).keys()
    if missing:
        message = (
            f"{where}: the checkpoint holds the state of {', '.join(sorted(missing))}, which "
            "is not among the callbacks. Give fit the callbacks that the run began with."
        )
        raise ArgumentError(message)


def _model_state(model: Layer) -> dict[str, Any]:
    # theta as one vector: its order is that of the listed parameters, also where two share a place.
    return {
        "parameters": [[p.name, list(p.shape)] for p in model.parameters()],
        "theta": model.theta,
        "decay_mask": model.decay_mask,
        "mask": model.mask,
        "buffers": model.buffers(),
    }


def _check_model(model: Layer, state: Mapping[str, Any], where: str) -> None:
    """Raise unless ``state`` is that of a model like this."""
    own = _model_state(model)
    same = own["parameters"] == state["parameters"]
    for name in ("theta", "decay_mask"):
        same = same and _alike(own[name], state[name])
    same = same and own["buffers"].keys() == state["buffers"].keys()
    same = same and all(_alike(own["buffers"][k], a) for k, a in state["buffers"].items())
    if same:
        return
    message = (
        f"{where}: the checkpoint holds {_summary(state)}, but this model has {_summary(own)}. "
        "Build the model as it was built for the run."
    )
    raise ArgumentError(message)


def _alike(a: Any, b: Any) -> bool:
    return isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype


def _summary(state: Mapping[str, Any]) -> str:
    shapes = ", ".join(f"{name} {tuple(shape)}" for name, shape in state["parameters"][:4])
    more = ", ..." if len(state["parameters"]) > 4 else ""
    buffers = f" and running statistics {sorted(state['buffers'])}" if state["buffers"] else ""
    return f"{state['theta'].size} {state['theta'].dtype} parameters ({shapes}{more}){buffers}"


def _load_model(model: Layer, state: Mapping[str, Any]) -> None:
    model.mask = None  # that of before has no say in what comes in
    model.theta = state["theta"]
    model.decay_mask = state["decay_mask"]
    model.mask = state["mask"]
    for name, buffer in model.buffers().items():
        np.copyto(buffer, state["buffers"][name])


def check_file(path: object, where: str) -> Path:
    """Return the path of a checkpoint that is asked for."""
    if not isinstance(path, str | Path):
        message = f"{where} is {path!r:.60}, expected a file name, such as 'run.npz'."
        raise DtypeError(message)
    return Path(path)


def _pairs(run: Run, snapshot: Mapping[str, Any]) -> Pairs:
    """Return each generator with its state in the snapshot."""
    saved = snapshot["generators"]
    pairs = [(generator, saved[name]) for name, generator in run.model.generators().items()]
    return [*pairs, (run.rng, snapshot["rng"])]


def _check_generators(run: Run, snapshot: Mapping[str, Any], where: str) -> Pairs:
    """Return each generator with the state it gets, after checking that it takes it."""
    own, saved = run.model.generators(), snapshot["generators"]
    if own.keys() != saved.keys():
        message = (
            f"{where}: the checkpoint holds the generators {sorted(saved)}, but the model has "
            f"{sorted(own)}. Build the model as it was built for the run."
        )
        raise ArgumentError(message)
    pairs = _pairs(run, snapshot)
    for generator, state in pairs:
        kind = type(generator.bit_generator)
        saved_kind = state.get("bit_generator") if isinstance(state, dict) else None
        if saved_kind != kind.__name__:
            message = (
                f"{where}: the checkpoint holds a generator of kind {saved_kind!s:.40}, "
                f"expected {kind.__name__}. Make rng as it was made for the run."
            )
            raise ArgumentError(message)
        try:
            kind().state = state  # on one of its own, whether it is taken
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            message = (
                f"{where}: the state of a generator is damaged ({error!r:.80}). Take an older "
                "checkpoint, or train anew."
            )
            raise ArgumentError(message) from error
    return pairs
