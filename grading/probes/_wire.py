"""Frames: how messages cross between the sandbox and whoever judges what comes out of it.

A frame is 4 bytes with the length of its header, 4 with the length of its body (both big-endian),
the header as JSON, and the body: the raw bytes of all arrays, one after the other. Nothing is
pickled. `decode` trusts nothing: sizes are capped before anything is parsed, a dtype must be on the
list, every count must agree with the bytes that came, and whatever is wrong is a `WireError`.

In the header a list is a JSON list; what JSON lacks is an object with a single key:

    {"d": {name: value}}    a dict, near the top only
    {"t": [value, ...]}     a tuple
    {"a": [dtype, shape]}   an array, its bytes in the body
    {"g": dtype}            a NumPy scalar, its bytes in the body
    {"o": type name}        an `Opaque`
    {"r": name}             a `Reference`

>>> import numpy as np
>>> header, body = parts(encode({"x": np.arange(3.0), "note": "three numbers"}))
>>> decode(header, body)
{'x': array([0., 1., 2.]), 'note': 'three numbers'}
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.probes._plain import MAX_BITS, Opaque

MAX_HEADER = 2 * 2**20
"""Bytes: 50,000 floats, the most that `plain` lets through in lists, need a little over 1 MiB."""

MAX_BODY = 64 * 2**20
MAX_VALUES = 120_000
"""Values of all kinds in one frame, twice what `plain` lets through."""

PREFIX = struct.Struct(">II")

_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

_MAX_DEPTH = 16
_MAX_DICT_DEPTH = 3
_MAX_NAME = 200
_DTYPE = re.compile(
    r"\|b1|\|[iu]1|[<>][iu][248]|[<>]f(2|4|8|12|16)|[<>]c(8|16|24|32)|[<>]U[1-9]\d{0,6}"
)
_LONG = {"f12", "f16", "c24", "c32"}
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_REPLACEMENT = 0xFFFD


class WireError(ValueError):
    """A message that cannot be sent, or bytes that are no message."""


@dataclass(frozen=True)
class Reference:
    """Stands for a function that stays outside: in the sandbox, a proxy that asks for each call.

    Attributes
    ----------
    name : str
        How a call names it.
    """

    name: str


def encode(message: Mapping[str, Any]) -> bytes:
    """Write a message as one frame.

    Parameters
    ----------
    message : mapping of str to object
        None, bool, int (up to 1,000 bits), float, str, arrays and scalars of a numeric, bool or
        text dtype, `Opaque`, `Reference`; lists and tuples of them; dicts near the top.

    Returns
    -------
    bytes
        The frame, with the two lengths in front.

    Raises
    ------
    WireError
        If the message holds anything else, or more than a frame may.
    """
    buffers: list[bytes] = []
    packer = _Packer(buffers)
    try:
        content = {_name(key): packer.pack(value, 1) for key, value in message.items()}
        header = _write(content).encode()
    except WireError:
        raise
    except (RecursionError, ValueError):
        msg = "the message is nested too deeply, or within itself"
        raise WireError(msg) from None
    n_body = sum(map(len, buffers))
    if len(header) > MAX_HEADER or n_body > MAX_BODY:
        msg = f"the message is too large: {len(header):,} bytes of header, {n_body:,} of arrays"
        raise WireError(msg)
    return b"".join([PREFIX.pack(len(header), n_body), header, *buffers])


def parts(frame: bytes) -> tuple[bytes, bytes]:
    """Split a whole frame into its header and its body.

    Parameters
    ----------
    frame : bytes
        What `encode` wrote.

    Returns
    -------
    header, body : bytes
        For `decode`.

    Raises
    ------
    WireError
        If the lengths in front do not agree with the bytes.
    """
    if len(frame) < PREFIX.size:
        msg = "a frame has 8 bytes at least"
        raise WireError(msg)
    n_header, n_body = PREFIX.unpack_from(frame)
    if len(frame) != PREFIX.size + n_header + n_body:
        msg = "the lengths of the frame do not agree with its bytes"
        raise WireError(msg)
    return frame[PREFIX.size : PREFIX.size + n_header], frame[PREFIX.size + n_header :]


def decode(header: bytes, body: bytes | memoryview) -> dict[str, Any]:
    """Read a frame, whoever wrote it.

    Parameters
    ----------
    header : bytes
        JSON.
    body : bytes or memoryview
        The bytes of its arrays.

    Returns
    -------
    dict
        The message; its arrays own their memory. Lone surrogates in text have become U+FFFD.

    Raises
    ------
    WireError
        If it is no frame, or one beyond the caps.
    """
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        msg = f"the frame is too large: {len(header):,} bytes of header, {len(body):,} of arrays"
        raise WireError(msg)
    try:
        content = json.loads(header.decode("ascii"), parse_int=_whole)
    except (RecursionError, ValueError):
        msg = "the header is not JSON in ASCII"
        raise WireError(msg) from None
    if type(content) is not dict:
        msg = "the header is not a JSON object"
        raise WireError(msg)
    unpacker = _Unpacker(body)
    message = {_text(key): unpacker.unpack(value, 1) for key, value in content.items()}
    if unpacker.position != len(body):
        msg = "the body is longer than the arrays of the header"
        raise WireError(msg)
    return message


class _Packer:
    """Turns values into JSON, and collects the bytes of arrays."""

    def __init__(self, buffers: list[bytes]) -> None:
        self._buffers = buffers

    def pack(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind in {bool, float, str}:
            return value
        if kind is int:
            if value.bit_length() > MAX_BITS:
                msg = "an integer has more than 1,000 bits"
                raise WireError(msg)
            return value
        if depth > _MAX_DEPTH:
            msg = "the message is nested too deeply"
            raise WireError(msg)
        if kind is list:
            return [self.pack(item, depth + 1) for item in value]
        if kind is tuple:
            return {"t": [self.pack(item, depth + 1) for item in value]}
        if kind is np.ndarray or issubclass(kind, np.generic):
            return self._packed_array(value)
        if kind is Opaque:
            return {"o": _name(value.type_name[:_MAX_NAME])}
        if kind is Reference:
            return {"r": _name(value.name)}
        if kind is dict and depth <= _MAX_DICT_DEPTH:
            return {"d": {_name(key): self.pack(item, depth + 1) for key, item in value.items()}}
        msg = f"a value of type {kind.__name__} cannot cross"
        raise WireError(msg)

    def _packed_array(self, value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "biufcU":
            msg = f"an array of dtype {array.dtype} cannot cross"
            raise WireError(msg)
        if array.dtype.itemsize == 0:  # text without a character
            array = array.astype("<U1")
        self._buffers.append(array.tobytes())
        if isinstance(value, np.generic):
            return {"g": array.dtype.str}
        return {"a": [array.dtype.str, list(array.shape)]}


class _Unpacker:
    """Rebuilds values from JSON and bytes that may have been forged."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = body
        self._values_left = MAX_VALUES
        self.position = 0

    def unpack(self, value: Any, depth: int) -> Any:
        self._values_left -= 1
        if self._values_left < 0 or depth > _MAX_DEPTH:
            msg = "the message holds too many values, or too deep ones"
            raise WireError(msg)
        if value is None or type(value) in {bool, int, float}:
            return value
        if type(value) is str:
            return _text(value)
        if type(value) is list:
            return [self.unpack(item, depth + 1) for item in value]
        return self._untagged(value, depth)

    def _untagged(self, value: dict[str, Any], depth: int) -> Any:
        if len(value) != 1:
            msg = "a tagged value has one key"
            raise WireError(msg)
        [(tag, content)] = value.items()
        if tag == "t" and type(content) is list:
            return tuple(self.unpack(item, depth + 1) for item in content)
        if tag == "d" and type(content) is dict and depth <= _MAX_DICT_DEPTH:
            return {_name(_text(key)): self.unpack(v, depth + 1) for key, v in content.items()}
        if tag == "a" and type(content) is list and len(content) == 2:
            return self._array(*content)
        if tag == "g":
            return self._array(content, [])[()]
        if tag == "o" and type(content) is str:
            return Opaque(_name(_text(content)))
        if tag == "r" and type(content) is str:
            return Reference(_name(_text(content)))
        msg = "a tagged value is not of a known form"
        raise WireError(msg)

    def _array(self, dtype_name: Any, shape: Any) -> np.ndarray[Any, Any]:
        dtype = _dtype(dtype_name)
        if type(shape) is not list or len(shape) > 32 or not all(map(_is_length, shape)):
            msg = "the shape of an array is not a list of lengths"
            raise WireError(msg)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > len(self._body) - self.position:
            msg = "an array is longer than the body"
            raise WireError(msg)
        raw = bytearray(self._body[self.position : self.position + n_bytes])
        self.position += n_bytes
        try:
            return _mended(np.frombuffer(raw, np.uint8), dtype).reshape(shape)
        except ValueError:
            msg = "the shape of an array is not possible"
            raise WireError(msg) from None


def _mended(raw: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """See bytes as ``dtype``, without the bit patterns that NumPy itself would never write."""
    array = raw.view(dtype)
    if dtype.kind == "b":
        np.not_equal(raw, 0, out=array)
    elif dtype.kind == "U":
        points = raw.view(f"{dtype.str[0]}u4")
        if points.size and points.max() > _LAST_CODE_POINT:
            msg = "an array of text holds a number that is no character"
            raise WireError(msg)
        first, last = _SURROGATES
        points[(points >= first) & (points <= last)] = _REPLACEMENT
    elif dtype.str[1:] in _LONG:
        with np.errstate(all="ignore"):  # the processor turns impossible long doubles into NaN
            array = (array * dtype.type(1)).astype(dtype, copy=False)
    return array


def _dtype(name: Any) -> np.dtype[Any]:
    if type(name) is not str or not _DTYPE.fullmatch(name):
        msg = "a dtype is not on the list"
        raise WireError(msg)
    try:
        return np.dtype(name)
    except (TypeError, ValueError):
        msg = "a dtype is unknown on this machine"
        raise WireError(msg) from None


def _is_length(number: Any) -> bool:
    return type(number) is int and 0 <= number <= MAX_BODY


def _whole(digits: str) -> int:
    """Read an integer of 1,000 bits at most; longer digits take quadratic time."""
    if len(digits) > MAX_BITS // 3 or (number := int(digits)).bit_length() > MAX_BITS:
        msg = "an integer has more than 1,000 bits"
        raise WireError(msg)
    return number


def _name(text: Any) -> str:
    if type(text) is not str or len(text) > _MAX_NAME:
        msg = f"a name is not a text of at most {_MAX_NAME} characters"
        raise WireError(msg)
    return text


def _text(text: str) -> str:
    """Replace lone surrogates, which no file and no page can hold."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
