"""The driver: what answers requests from inside the sandbox.

It runs cells of a submission in one namespace, as a notebook would, and probes what they define.
It shares its process with the submission, so whoever asks believes nothing but the form of what it
says. Requests and answers:

    {"do": "cell", "source", "name"}            -> {"error": None or {"type", "message", "line"}}
    {"do": "observe", "exercise", "probe", "inputs", "wants_class"}
                                                -> {"found", "observation"}
    {"do": "observe_each", ..., "inputs": [inputs, ...]}
                                                -> the same once for each of the inputs, up to the
                                                   first that was not found or not started

``found`` is ``"yes"``, ``"missing"``, ``"not_callable"``, ``"class"`` or ``"function"``; only with
``"yes"`` is there an observation. A `Reference` among the inputs becomes a function; each call of
it is a message ``{"call": name, "arguments": [...]}``, answered by ``{"result": value}`` or
``{"raises": [type, message]}``.
"""

from __future__ import annotations

import builtins
import linecache
import os
import random
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from grading.probes._capture import captured
from grading.probes._observation import Observation, Problem, shortened
from grading.probes._plain import MAX_BITS, Opaque
from grading.probes._records import observation_fields, probe_from
from grading.probes._wire import PREFIX, Reference, WireError, decode, encode

Message = dict[str, Any]
Call = Callable[[Message], Message]

_RUNS_ITS_BODY = {"capture", "prun", "time", "timeit"}
_TOO_LARGE = Problem("error", "the result is larger than what can be looked at", "MemoryError")
_CHUNK = 1 << 20


class Driver:
    """Runs cells and probes in one namespace.

    Parameters
    ----------
    call : callable
        Carries the call of a function that stays outside to the one who asked, and brings back
        the answer.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._n_cells = 0
        self._main = types.ModuleType("__main__")
        self._namespace = vars(self._main)
        self._namespace.update(get_ipython=lambda: _SHELL, display=_show_nothing)
        self._namespace["__builtins__"] = builtins

    @property
    def namespace(self) -> dict[str, Any]:
        """What the cells have defined."""
        return self._namespace

    def enter(self) -> None:
        """Make the namespace this process's ``__main__``, and let draws start at one place.

        So a submission that draws without a seed gives the same result in every run.
        """
        sys.modules["__main__"] = self._main
        random.seed(0)
        np.random.seed(0)  # ruff: ignore[numpy-legacy-random]  learners' cells may draw from it

    def replies(self, request: Message) -> Iterator[Message]:
        """Answer any request, whatever the submission does short of ending the process.

        Parameters
        ----------
        request : dict
            A decoded message.

        Yields
        ------
        dict
            One answer; several to ``observe_each``.

        Raises
        ------
        WireError
            If there is no such request.
        """
        if request.get("do") != "observe_each" or type(request.get("inputs")) is not list:
            yield self.handle(request)
            return
        for inputs in request["inputs"]:
            reply = self.handle({**request, "do": "observe", "inputs": inputs})
            yield reply
            if is_final(reply):
                return

    def handle(self, request: Message) -> Message:
        """Answer a request that has one answer.

        Parameters
        ----------
        request : dict
            A decoded message.

        Returns
        -------
        dict
            The answer.

        Raises
        ------
        WireError
            If there is no such request.
        """
        match request:
            case {"do": "cell", "source": str(source), "name": str(name)}:
                return {"error": self._run_cell(source, name)}
            case {"do": "observe", "exercise": str(name), "probe": fields, "inputs": dict(inputs)}:
                return self._observe(name, fields, inputs, bool(request.get("wants_class")))
            case _:
                msg = f"there is no such request: {request.get('do')!r}"
                raise WireError(msg)

    def _run_cell(self, source: str, name: str) -> Message | None:
        self._n_cells += 1
        filename = f"<cell {self._n_cells}: {shortened(name, 60)}>"
        # The place where tracebacks and inspect.getsource look for the learner's lines.
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        with captured():
            try:
                code = compile(source, filename, "exec", dont_inherit=True)
                exec(code, self._namespace)  # ruff: ignore[exec-builtin]  running it is the point
            except BaseException as error:  # ruff: ignore[blind-except]  SystemExit and worse may come
                return _described(error, filename)
        return None

    def _observe(self, name: str, fields: Any, inputs: Message, wants_class: bool) -> Message:
        probe = probe_from(fields)
        if name not in self._namespace:
            return {"found": "missing"}
        target = self._namespace[name]
        if not callable(target):
            return {"found": "not_callable"}
        is_class = issubclass(type(target), type)
        if is_class is not wants_class:
            return {"found": "class" if is_class else "function"}
        proxies = {
            key: _Proxy(value.name, self._ask)
            for key, value in inputs.items()
            if isinstance(value, Reference)
        }
        try:
            seen = probe.observe(target, {**inputs, **proxies})
        except BaseException as error:  # ruff: ignore[blind-except]  a probe lets Stopped pass
            seen = Observation(problem=Problem("error", "it was stopped", type(error).__name__))
        finally:
            for proxy in proxies.values():
                proxy.close()
        return {"found": "yes", "observation": observation_fields(seen)}

    def _ask(self, message: Message) -> Message:
        with self._lock:  # a learner's threads may call at the same time
            return self._call(message)


def is_final(reply: Mapping[str, Any]) -> bool:
    """Tell whether nothing can come after a reply, so that further cases are not run.

    Parameters
    ----------
    reply : mapping of str to object
        An answer to ``observe``.

    Returns
    -------
    bool
        True if there is no such function, or if it was not started.
    """
    if reply["found"] != "yes":
        return True
    problem = reply["observation"]["problem"]
    return problem is not None and problem[0] == "not_started"


class _Proxy:
    """A function that stays outside, seen from within."""

    def __init__(self, name: str, ask: Call) -> None:
        self._name = name
        self._ask: Call | None = ask

    def __call__(self, *arguments: Any) -> Any:
        if self._ask is None:
            message = "the given function answers only while the exercise that it belongs to runs"
            raise RuntimeError(message)
        answer = self._ask({"call": self._name, "arguments": [crossing(a) for a in arguments]})
        if "raises" in answer:
            type_name, text = answer["raises"]
            kind = getattr(builtins, str(type_name), None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                raise kind(text)
            raise RuntimeError(text)
        return answer["result"]

    def close(self) -> None:
        """Refuse further calls."""
        self._ask = None


def crossing(value: Any, depth: int = 0) -> Any:
    """Rebuild a value from what can cross, keeping tuples and NumPy scalars as they are.

    Parameters
    ----------
    value : object
        Anything.
    depth : int, default 0
        How many lists stand around it.

    Returns
    -------
    object
        An equal value of exact types, with an `Opaque` in place of what cannot cross.
    """
    kind = type(value)
    if value is None or kind in {bool, float, str}:
        return value
    if kind is int and value.bit_length() <= MAX_BITS:
        return value
    if kind in {list, tuple} and depth < 8:
        return kind(crossing(item, depth + 1) for item in value)
    if issubclass(kind, np.ndarray):
        base = np.ndarray.view(value, np.ndarray)
        return base if base.dtype.kind in "biufcU" else Opaque(f"array of dtype {base.dtype}")
    if issubclass(kind, np.generic) and np.generic.dtype.__get__(value).kind in "biufcU":
        return np.asarray(value)[()]
    return Opaque(kind.__name__[:100])


class _Shell:
    """Takes the place of IPython's shell: magics do nothing, timing magics run their body."""

    def run_line_magic(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def run_cell_magic(self, name: str, _line: str, body: str) -> None:
        """Run the body of those magics whose body is ordinary code."""
        if name in _RUNS_ITS_BODY:
            namespace = vars(sys.modules["__main__"])
            exec(compile(body, "<magic>", "exec"), namespace)  # ruff: ignore[exec-builtin]

    def __getattr__(self, _: str) -> Callable[..., None]:
        return _show_nothing


_SHELL = _Shell()


def _show_nothing(*_: Any, **__: Any) -> None:
    """Take the place of what would show something."""


def _described(error: BaseException, filename: str) -> Message:
    try:
        text = shortened(str(error))
    except BaseException:  # ruff: ignore[blind-except]  a learner's exception may fail in its own __str__
        text = "its message cannot be shown"
    line = error.lineno if isinstance(error, SyntaxError) else _line_in(error, filename)
    return {
        "type": shortened(str(type(error).__name__), 100),
        "message": text,
        "line": line if type(line) is int else None,
    }


def _line_in(error: BaseException, filename: str) -> int | None:
    """Return the innermost line of the cell; of a walk, because recursion makes it long."""
    line = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == filename:
            line = step.tb_lineno
        step = step.tb_next
    return line


class Channel:
    """Frames over a file descriptor, from within: each message echoes the last nonce.

    Parameters
    ----------
    descriptor : int
        One end of a connected pair of sockets.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._nonce: Any = None

    def receive(self) -> Message | None:
        """Wait for a message; None when the other side has closed."""
        start = self._exactly(PREFIX.size)
        if start is None:
            return None
        n_header, n_body = PREFIX.unpack(start)
        header, body = self._exactly(n_header), self._exactly(n_body)
        if header is None or body is None:
            return None
        message = decode(header, body)
        self._nonce = message.pop("nonce", None)
        return message

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message that answers the last one received."""
        rest = memoryview(encode({"nonce": self._nonce, **message}))
        while rest:
            rest = rest[os.write(self._descriptor, rest[:_CHUNK]) :]

    def _exactly(self, n_bytes: int) -> bytes | None:
        read = bytearray()
        while len(read) < n_bytes:
            chunk = os.read(self._descriptor, min(n_bytes - len(read), _CHUNK))
            if not chunk:
                return None
            read += chunk
        return bytes(read)


def serve(descriptor: int) -> None:
    """Answer requests until the other side closes.

    Parameters
    ----------
    descriptor : int
        One end of a connected pair of sockets.
    """
    channel = Channel(descriptor)

    def call(message: Message) -> Message:
        channel.send(message)
        answer = channel.receive()
        if answer is None:
            os._exit(0)
        return answer

    driver = Driver(call)
    driver.enter()
    process = os.getpid()
    while (request := channel.receive()) is not None:
        for reply in driver.replies(request):
            if os.getpid() != process:  # a copy that the submission made of itself answers nobody
                os._exit(0)
            try:
                channel.send(reply)
            except WireError:
                too_large = {**observation_fields(Observation(problem=_TOO_LARGE))}
                channel.send({"found": "yes", "observation": too_large})
