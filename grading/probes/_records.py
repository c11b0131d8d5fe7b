"""Probes and observations as plain fields, so that they can cross in frames.

What comes back from the sandbox is checked field by field: an `Observation` that passes here has
the form that its probe gives, whatever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from grading.probes._observation import (
    MAX_MESSAGE,
    MAX_PRINTED,
    Observation,
    Problem,
    shortened,
)
from grading.probes._plain import Opaque, plain
from grading.probes._probes import Call, Iterate, Methods, Probe, Raises
from grading.probes._wire import Reference, WireError

_PROBES: dict[str, type[Probe]] = {kind.__name__: kind for kind in (Call, Iterate, Methods, Raises)}
_PROBLEMS = {"error", "not_started", "arity", "arguments", "endless"}
_MAX_NAMES = 200
_MAX_AXES = 64
_MAX_LINE = 1_000_000
_MAX_COUNT = 10**12


def probe_fields(probe: Probe) -> list[Any]:
    """Write down a probe as the name of its class and its fields.

    Parameters
    ----------
    probe : Probe
        One of the vocabulary.

    Returns
    -------
    list
        ``[class name, {field: value}]``.
    """
    return [type(probe).__name__, asdict(probe)]


def probe_from(fields: Any) -> Probe:
    """Rebuild a probe.

    Parameters
    ----------
    fields : list
        What `probe_fields` wrote.

    Returns
    -------
    Probe
        An equal probe.

    Raises
    ------
    WireError
        If there is no such probe.
    """
    try:
        name, content = fields
        return _PROBES[name](**content)
    except (KeyError, TypeError, ValueError):
        msg = "this is not a probe"
        raise WireError(msg) from None


def observation_fields(observation: Observation) -> dict[str, Any]:
    """Write down an observation as plain fields.

    Parameters
    ----------
    observation : Observation
        What a probe saw.

    Returns
    -------
    dict
        For a frame.
    """
    problem = observation.problem
    return {
        "outputs": observation.outputs,
        "problem": None if problem is None else [*vars(problem).values()],
        "mutated": observation.mutated,
        "rounded": observation.rounded,
        "printed": observation.printed,
        "n_printed": observation.n_printed,
    }


def observation_from(fields: Any, probe: Probe, inputs: Mapping[str, Any]) -> Observation:
    """Rebuild an observation that came from a submission.

    Parameters
    ----------
    fields : object
        What `observation_fields` wrote, or whatever came in its place.
    probe : Probe
        The probe that was asked for.
    inputs : mapping of str to object
        The inputs that it was given.

    Returns
    -------
    Observation
        One that the probe could have written: outputs are plain values under the names that it
        gives, texts are cut to their lengths.

    Raises
    ------
    WireError
        If the fields are none of an observation of this probe.
    """
    if type(fields) is not dict:
        msg = "this is not an observation: its fields are missing"
        raise WireError(msg)
    try:
        problem = _problem(fields["problem"])
        outputs = {} if problem else _outputs(fields["outputs"], probe, inputs)
        mutated = _known(fields["mutated"], inputs)
        return Observation(
            outputs,
            problem,
            mutated,
            _known(fields["rounded"], mutated),
            _string(fields["printed"])[:MAX_PRINTED],
            _count(fields["n_printed"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        detail = error if isinstance(error, WireError) else "a field is missing or of another type"
        msg = f"this is not an observation: {detail}"
        raise WireError(msg) from None


def _outputs(content: Any, probe: Probe, inputs: Mapping[str, Any]) -> dict[str, Any]:
    wanted: tuple[str, ...]
    match probe:
        case Call(returns=returns):
            wanted = returns
        case Methods(reads=reads):
            wanted = ("returned", *reads)
        case Iterate():
            wanted = ("items",)
        case _:
            wanted = ("raised",)
    if type(content) is not dict or set(content) != set(wanted):
        msg = "the outputs have other names"
        raise WireError(msg)
    outputs = {name: _settled(content[name]) for name in wanted}
    if isinstance(probe, Methods) and len(_list(outputs["returned"])) != len(inputs["calls"]):
        msg = "the number of returned values is another"
        raise WireError(msg)
    if isinstance(probe, Iterate):
        _list(outputs["items"])
    if isinstance(probe, Raises):
        outputs["raised"] = shortened(_string(outputs["raised"]), 100)
    return outputs


def _settled(value: Any) -> Any:
    """Leave nothing but what `plain` gives; arrays that crossed own their memory already."""
    if type(value) in {list, tuple}:
        return [_settled(item) for item in value]
    if isinstance(value, Opaque):
        return value
    if type(value) in {dict, Reference}:
        return Opaque(type(value).__name__)
    return value if type(value) is np.ndarray else plain(value)


def _problem(content: Any) -> Problem | None:
    if content is None:
        return None
    kind, detail, type_name, line, text, names, shapes = content
    if kind not in _PROBLEMS:
        msg = "the problem is of an unknown kind"
        raise WireError(msg)
    return Problem(
        kind,
        shortened(_string(detail), MAX_MESSAGE),
        shortened(_string(type_name), 100),
        None if line is None else min(_count(line), _MAX_LINE),
        shortened(_string(text), 80),
        tuple(shortened(_string(name), 100) for name in names[:_MAX_NAMES]),
        tuple(_shape(*pair) for pair in shapes[:_MAX_NAMES]),
    )


def _shape(name: Any, shape: Any) -> tuple[str, tuple[int, ...]]:
    return shortened(_string(name), 100), tuple(map(_count, shape[:_MAX_AXES]))


def _known(names: Any, allowed: Any) -> tuple[str, ...]:
    """Keep the order of what came, once each, if all of it is known."""
    found = tuple(dict.fromkeys(map(_string, names)))
    if type(names) not in {list, tuple} or not set(found) <= set(allowed):
        msg = "an input is named that was not given"
        raise WireError(msg)
    return found


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        msg = "an output is not a list"
        raise WireError(msg)
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        msg = "a text is missing"
        raise WireError(msg)
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        msg = "a count is missing"
        raise WireError(msg)
    return min(value, _MAX_COUNT)
