"""Numbers from texts and sounds: words become counts or ids, a wave becomes its spectrum.

    >>> vocabulary = build_vocabulary(["good film", "good music, bad film"])
    >>> vocabulary
    {'bad': 0, 'film': 1, 'good': 2, 'music': 3}
    >>> bag_of_words(["a good, good film"], vocabulary)
    array([[0., 1., 2., 0.]], dtype=float32)

Build the vocabulary from training rows only: words that only test rows hold are a leak.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, as_array, check_count, check_number
from nnlib.errors import ArgumentError, DtypeError, ShapeError

__all__ = ["bag_of_words", "build_vocabulary", "log_power_spectrum", "token_ids", "tokenize"]

_WORD = re.compile(r"\w+(?:'\w+)*")


def tokenize(text: str) -> list[str]:
    """Cut a text into lower-case words; "don't" stays one, other marks are dropped.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    words : list of str
        In order.

    Raises
    ------
    DtypeError
        If ``text`` is no string.

    Examples
    --------
    >>> tokenize("It's GOOD, isn't it?")
    ["it's", 'good', "isn't", 'it']
    """
    if not isinstance(text, str):
        message = f"tokenize: text is {text!r:.60}, expected a string."  # type: ignore[unreachable]  # callers need not be typed
        raise DtypeError(message)
    return _WORD.findall(text.lower().replace("’", "'"))


def build_vocabulary(
    texts: Iterable[str], *, min_count: int = 1, max_size: int | None = None
) -> dict[str, int]:
    """Give each word of some texts a number, in alphabetical order.

    Parameters
    ----------
    texts : iterable of str
        The training texts.
    min_count : int, default 1
        Words that occur less often are left out.
    max_size : int, optional
        Keep only that many, the most frequent; of equally frequent ones the first in the alphabet.

    Returns
    -------
    vocabulary : dict of str to int
        Each word with its number, from 0.

    Raises
    ------
    ArgumentError
        If a count is below 1, or no word is left.
    DtypeError
        If a text is no string.
    """
    min_count = check_count(min_count, "min_count", "build_vocabulary")
    if max_size is not None:
        max_size = check_count(max_size, "max_size", "build_vocabulary")
    counts = Counter(word for text in _texts(texts, "build_vocabulary") for word in tokenize(text))
    words = [word for word, count in counts.items() if count >= min_count]
    words = sorted(words, key=lambda word: (-counts[word], word))[:max_size]
    if not words:
        message = (
            f"build_vocabulary: no word of {len(counts)} occurs at least {min_count} times, "
            "expected one. Lower min_count."
        )
        raise ArgumentError(message)
    return {word: number for number, word in enumerate(sorted(words))}


def bag_of_words(texts: Iterable[str], vocabulary: Mapping[str, int]) -> Array:
    """Count the words of each text; their order is lost.

    Parameters
    ----------
    texts : iterable of N str
        The texts.
    vocabulary : dict of str to int
        From ``build_vocabulary``; other words are not counted.

    Returns
    -------
    counts : ndarray of shape (N, V)
        How often each of the V words occurs, float32.

    Raises
    ------
    ArgumentError
        If ``vocabulary`` does not number its words from 0, each once.
    DtypeError
        If a text is no string.
    """
    _check_vocabulary(vocabulary, "bag_of_words")
    rows = [tokenize(text) for text in _texts(texts, "bag_of_words")]
    counts = np.zeros((len(rows), len(vocabulary)), np.float32)
    for row, words in zip(counts, rows, strict=True):
        for word in words:
            if word in vocabulary:
                row[vocabulary[word]] += 1
    return counts


def token_ids(texts: Iterable[str], vocabulary: Mapping[str, int], length: int) -> IntArray:
    """Write each text as the ids of its words, for an ``Embedding`` of V + 2 rows.

    Parameters
    ----------
    texts : iterable of N str
        The texts.
    vocabulary : dict of str to int
        From ``build_vocabulary``.
    length : int
        Words kept of each text, its first ones.

    Returns
    -------
    ids : ndarray of int64 of shape (N, length)
        0 fills up short texts, 1 is an unknown word, 2 + the number is a word of the vocabulary.

    Raises
    ------
    ArgumentError
        If ``length`` is below 1, or ``vocabulary`` does not number its words from 0, each once.
    DtypeError
        If a text is no string.

    Examples
    --------
    >>> token_ids(["good night"], {"bad": 0, "good": 1}, length=4)
    array([[3, 1, 0, 0]])
    """
    length = check_count(length, "length", "token_ids")
    _check_vocabulary(vocabulary, "token_ids")
    rows = [tokenize(text)[:length] for text in _texts(texts, "token_ids")]
    ids = np.zeros((len(rows), length), np.int64)
    for row, words in zip(ids, rows, strict=True):
        row[: len(words)] = [vocabulary[word] + 2 if word in vocabulary else 1 for word in words]
    return ids


def log_power_spectrum(
    waves: ArrayLike, *, frame: int = 256, hop: int = 128, floor: float = 1e-10
) -> Array:
    """Compute how strong each pitch is, piece of time by piece of time.

    Each frame of n samples is faded in and out by a Hann window w and Fourier-transformed:

        P_k = |Σ_t w_t x_t exp(−2πi k t / n)|² / Σ_t w_t²        k = 0 … n/2
        output = ln(P_k + floor)

    At a rate of r samples per second bin k stands for k r / n Hz, and rows are hop / r seconds
    apart. The last samples are left out if they fill no frame.

    Parameters
    ----------
    waves : ndarray of shape (..., T)
        Sound pressure, one recording in each row.
    frame : int, default 256
        Samples in a frame, at least 2: 32 ms at 8 kHz.
    hop : int, default 128
        Samples from one frame to the next.
    floor : float, default 1e-10
        Added to the power, so that silence has a logarithm.

    Returns
    -------
    spectrum : ndarray of shape (..., n_frames, frame // 2 + 1)
        Natural logarithm of the power, in the dtype of ``waves``.

    Raises
    ------
    ArgumentError
        If a count is too small, or the floor not above 0 in the dtype of ``waves``.
    ShapeError
        If the recordings are shorter than one frame.

    References
    ----------
    Allen & Rabiner (1977), Proceedings of the IEEE 65, 1558-1564.
    """
    where = "log_power_spectrum"
    x = as_array(waves, None, f"{where}: waves")
    frame = check_count(frame, "frame", where, 2)
    hop = check_count(hop, "hop", where)
    floor = check_number(floor, "floor", where, positive=True)
    if floor < np.finfo(x.dtype).smallest_subnormal:
        message = f"{where}: floor is {floor:g}, which is 0 in {x.dtype}, expected a larger number."
        raise ArgumentError(message)
    if x.ndim == 0 or x.shape[-1] < frame:
        message = f"{where}: waves have shape {x.shape}, expected (..., T) with T at least {frame}."
        raise ShapeError(message)
    pieces = np.lib.stride_tricks.sliding_window_view(x, frame, axis=-1)[..., ::hop, :]
    # The periodic Hann window, which is one longer than np.hanning's and ends before its last zero.
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(x.dtype)
    spectrum = np.fft.rfft(pieces * window, axis=-1)
    power: Array = (spectrum.real**2 + spectrum.imag**2) / (window @ window)
    power += x.dtype.type(floor)
    np.log(power, out=power)
    return power.astype(x.dtype, copy=False)


def _check_vocabulary(vocabulary: Mapping[str, int], where: str) -> None:
    """Raise unless the words have the numbers from 0 on, each once."""
    known: object = vocabulary  # callers need not be typed
    numbers: list[Any] = list(known.values()) if isinstance(known, Mapping) else [None]
    whole = all(isinstance(number, int | np.integer) for number in numbers)
    if not whole or sorted(numbers) != list(range(len(numbers))):
        message = (
            f"{where}: vocabulary is {vocabulary!r:.60}, expected a dictionary that numbers its "
            "words from 0, each once, as build_vocabulary does."
        )
        raise ArgumentError(message)


def _texts(texts: Iterable[str], where: str) -> Iterable[str]:
    """Return the texts; a lone string, whose letters would be taken for texts, is refused."""
    if isinstance(texts, str):
        message = f"{where}: texts is one string, expected several. Write [text]."
        raise DtypeError(message)
    if not isinstance(texts, Iterable):
        message = f"{where}: texts is {texts!r:.60}, expected several strings."  # type: ignore[unreachable]  # callers need not be typed
        raise DtypeError(message)
    return texts
