"""Leave words out of sentences."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlib._array import BoolArray, Seed, as_generator, check_number
from nnlib.augmentation.base import Batch, check_finite, like
from nnlib.errors import ArgumentError, DtypeError, ShapeError


class WordDrop:
    """Leave out each word with probability ``rate``, but never all words of a sentence.

    Where chance would leave none, one word, drawn evenly, stays. Sentences may come as text, cut
    at blanks; as lists of words or numbers; or as one array of word numbers, whose rows are filled
    up with ``fill``: there the place of a word that is left out gets ``fill`` too, so that the
    shape stays.

    Parameters
    ----------
    rate : float, default 0.1
        From 0 to below 1.
    fill : int, default 0
        The number that stands for no word.

    Raises
    ------
    ArgumentError
        If ``rate`` is outside what it may be, or ``fill`` is not whole; or, when called, if the
        type of the array cannot hold ``fill``.

    References
    ----------
    Iyyer, Manjunatha, Boyd-Graber & Daumé (2015), ACL, 1681-1691.

    Examples
    --------
    >>> WordDrop(0.5)(["one two three four"], [1], rng=1)
    (['one two four'], [1])
    """

    def __init__(self, rate: float = 0.1, *, fill: int = 0) -> None:
        self.rate = check_number(rate, "rate", "WordDrop", below=1)
        number = check_finite(fill, "fill", "WordDrop")
        if not number.is_integer():
            message = (
                f"WordDrop: fill is {fill!r}, expected a whole number: the words are numbered."
            )
            raise ArgumentError(message)
        self.fill = int(number)

    def __call__(self, X: Any, y: Any, rng: Seed = None) -> Batch:
        """Return sentences without some of their words, and the targets as they are.

        Parameters
        ----------
        X : list of str, list of lists or arrays, or ndarray of shape (N, T)
            Sentences.
        y : array_like of N entries
            Their targets.
        rng : Generator, int or None
            Where chance comes from. None differs in every call.

        Returns
        -------
        X, y
            New sentences of the same kind, in a list or in an array, and a copy of the targets.

        Raises
        ------
        ShapeError
            If sentences and targets differ in number, or an array has other axes.
        DtypeError
            If a sentence is something else.
        """
        generator = as_generator(rng, repr(self))
        if isinstance(X, str) or not isinstance(X, Sequence | np.ndarray):
            message = f"{self!r}: X is {X!r:.40}, expected a list of sentences, or an array."
            raise DtypeError(message)
        if np.ndim(y) == 0 or len(y) != len(X):
            message = (
                f"{self!r}: there are {len(X)} sentences and y has shape {np.shape(y)}, expected "
                "one target for each."
            )
            raise ShapeError(message)
        if isinstance(X, np.ndarray) and X.dtype.kind not in "UO":
            return self._array(X, generator), copy.copy(y)
        return [self._sentence(sentence, generator) for sentence in X], copy.copy(y)

    def _array(self, X: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
        if X.dtype.kind not in "iuf":
            message = f"{self!r}: the words are {X.dtype}, expected whole numbers, or text."
            raise DtypeError(message)
        if X.ndim != 2:
            message = f"{self!r}: X has shape {X.shape}, expected (N, T), one sentence in each row."
            raise ShapeError(message)
        fill = like(np.asarray(float(self.fill)), X.dtype)
        if fill != self.fill:
            message = (
                f"{self!r}: the words are {X.dtype}, which cannot hold the fill {self.fill}. "
                "Take a wider type, such as np.int64."
            )
            raise ArgumentError(message)
        return np.where(self._kept(np.not_equal(X, fill), rng), X, fill)

    def _sentence(self, sentence: Any, rng: np.random.Generator) -> Any:
        if isinstance(sentence, str):
            return " ".join(self._sentence(sentence.split(), rng))
        if not isinstance(sentence, Sequence | np.ndarray):
            message = f"{self!r}: a sentence is {sentence!r:.40}, expected text or a list of words."
            raise DtypeError(message)
        kept = self._kept(np.ones((1, len(sentence)), bool), rng)[0]
        if isinstance(sentence, np.ndarray):
            return sentence[kept]
        return [word for word, stays in zip(sentence, kept, strict=True) if stays]

    def _kept(self, words: BoolArray, rng: np.random.Generator) -> BoolArray:
        """Return which words stay, row by row; ``words`` is False where there is none."""
        drawn = rng.random(words.shape)
        kept: BoolArray = words & (drawn >= self.rate)
        # A row without a word keeps the one with the largest number: each is as likely as another.
        if words.shape[1]:
            empty = words.any(axis=1) & ~kept.any(axis=1)
            last = np.where(words, drawn, -1.0).argmax(axis=1)
            kept[empty, last[empty]] = True
        return kept

    def __repr__(self) -> str:
        return f"WordDrop(rate={self.rate:g})"
