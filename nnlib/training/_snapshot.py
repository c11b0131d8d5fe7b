"""All that a run needs to go on bit for bit: taken into a dictionary, checked, and put back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnlib.errors import ArgumentError
from nnlib.layers.base import Layer
from nnlib.training._archive import read_archive
from nnlib.training.callbacks import Callback, Run
from nnlib.training.history import History

_FORMAT = "nnlib checkpoint 1"


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
    """Return the snapshot in a file; any other file is an ``ArgumentError``."""
    snapshot = read_archive(path, where)
    if snapshot.get("format") != _FORMAT:
        message = (
            f"{where}: {path.name} has the format {snapshot.get('format')!r:.40}, expected "
            f"{_FORMAT!r}. Train with Checkpoint(path) of this version."
        )
        raise ArgumentError(message)
    return snapshot


def put_back(run: Run, snapshot: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Bring a run to where the snapshot was taken, or raise and change nothing.

    Returns
    -------
    states : dict of str to dict
        What the callbacks remember, for ``load_states`` after they have begun.
    """
    _check_settings(run, snapshot, where)
    _check_model(run.model, snapshot["model"], where)
    pairs = _check_generators(run, snapshot, where)
    # The optimizer checks its own state before it changes anything; nothing below can fail.
    run.optimizer.load_state_dict(snapshot["optimizer"])
    _load_model(run.model, snapshot["model"])
    for generator, state in pairs:
        generator.bit_generator.state = state
    run.history = History.from_dict(snapshot["history"])
    run.history.stop_reason = None
    run.epoch, run.step = snapshot["epochs"], snapshot["steps"]
    return dict(snapshot["callbacks"])


def load_states(run: Run, states: Mapping[str, Any]) -> None:
    """Give the callbacks back what they remember."""
    for name, callback in named_callbacks(run.callbacks).items():
        if name in states:
            callback.load_state_dict(states[name])


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
    state = read_snapshot(Path(path), where)["model"]
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
    model.theta = state["theta"]
    model.decay_mask = state["decay_mask"]
    model.mask = state["mask"]
    for name, buffer in model.buffers().items():
        np.copyto(buffer, state["buffers"][name])


def _check_generators(
    run: Run, snapshot: Mapping[str, Any], where: str
) -> list[tuple[np.random.Generator, Any]]:
    """Return each generator with the state it gets, after checking that it takes it."""
    own, saved = run.model.generators(), snapshot["generators"]
    if own.keys() != saved.keys():
        message = (
            f"{where}: the checkpoint holds the generators {sorted(saved)}, but the model has "
            f"{sorted(own)}. Build the model as it was built for the run."
        )
        raise ArgumentError(message)
    pairs = [(own[name], saved[name]) for name in own]
    pairs.append((run.rng, snapshot["rng"]))
    for generator, state in pairs:
        kind = type(generator.bit_generator).__name__
        if state["bit_generator"] != kind:
            message = (
                f"{where}: the checkpoint holds a generator of kind {state['bit_generator']}, "
                f"expected {kind}. Make rng as it was made for the run."
            )
            raise ArgumentError(message)
    return pairs
