"""Sentences with an opinion: a small set of this course, and two that are downloaded."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from nnlib.datasets._base import DatasetInfo, TextDataset
from nnlib.datasets._catalog import LABELED_SENTENCES, REVIEW_SENTENCES, Download
from nnlib.datasets._fetch import fetch

_FILE = files("nnlib.datasets") / "film_sentences.txt"
_LICENCE = "MIT (written for this course)"
FILM_INFO = DatasetInfo("film_sentences", 17_621, _LICENCE, "embedded")


def load_film_sentences() -> TextDataset:
    """Load 332 sentences about films, half of them positive.

    They were written for this course. Two thirds are short and say their opinion in words that come
    again ("gripping", "dull"), so that a model can learn them; the others are varied, with traps:
    negations, praise for one part of a bad film. A linear model on word counts is right in about
    four of five. The set is large enough to show a pipeline, and too small to judge one.

    Licence: MIT, like the course.

    Returns
    -------
    data : TextDataset
        X of 332 strings; y of 0 (negative) and 1 (positive).
    """
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    marks, sentences = zip(*(line.split("\t") for line in lines), strict=True)
    return TextDataset(
        name="film_sentences",
        X=np.array(sentences, object),
        y=np.array([mark == "+" for mark in marks], np.int64),
        target_names=("negative", "positive"),
        description="332 sentences about films, 166 of them positive.",
        licence=_LICENCE,
        citation="none needed",
        sources=np.full(len(sentences), "course"),
    )


def load_review_sentences(
    source: Download = REVIEW_SENTENCES,
    *,
    download: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> TextDataset:
    """Load sentences from film reviews, after downloading them if they are not here.

    Lower case, with spaces between words and marks. A sentence counts as positive if the reviewer
    called the film "fresh", so some labels contradict what a reader would say. There is no test
    part: papers report a 10-fold cross-validation.

    Licence: Creative Commons Attribution 4.0 International, Copyright (C) 2005 Bo Pang and Lillian
    Lee, as NLTK states for the same sentences.

    Parameters
    ----------
    source : Download
        Where it is found.
    download : bool, default True
        Whether a missing set may be downloaded.
    base_url : str, optional
        Where to download from, instead of the publisher's address.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    data : TextDataset
        X of 10,662 strings, first the negative half; y of 0 (negative) and 1 (positive).

    Raises
    ------
    DatasetError
        If the set is missing and cannot be had, or is damaged.

    References
    ----------
    Pang & Lee (2005), Proceedings of the ACL, 115-124.
    """
    folder = fetch(source, download_allowed=download, base_url=base_url, progress=progress)
    # Windows-1252: read as Latin-1, its dashes and quotes would become control characters.
    parts = [_lines(folder / file.name, "cp1252") for file in source.files]
    sentences = [line.strip() for part in parts for line in part]
    labels = np.repeat(np.arange(len(parts), dtype=np.int64), list(map(len, parts)))
    return _dataset(source, sentences, labels, np.full(len(sentences), "rotten tomatoes"))


def load_labeled_sentences(
    source: Download = LABELED_SENTENCES,
    *,
    download: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> TextDataset:
    """Load sentences from three review sites, after downloading them if they are not here.

    1,000 each from amazon (telephones), imdb (films) and yelp (restaurants), as ``sources`` says,
    with 500 of each opinion: training on two sites and testing on the third shows how far words
    carry.

    Licence: none is stated; the readme asks for the citation.

    Parameters
    ----------
    source : Download
        Where it is found.
    download : bool, default True
        Whether a missing set may be downloaded.
    base_url : str, optional
        Where to download from, instead of the publisher's address.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    data : TextDataset
        X of 3,000 strings; y of 0 (negative) and 1 (positive).

    Raises
    ------
    DatasetError
        If the set is missing and cannot be had, or is damaged.

    References
    ----------
    Kotzias, Denil, de Freitas & Smyth (2015), KDD, 597-606.
    """
    folder = fetch(source, download_allowed=download, base_url=base_url, progress=progress)
    sentences: list[str] = []
    labels: list[int] = []
    sources: list[str] = []
    for file in source.files:
        for line in _lines(folder / file.name, "utf-8"):
            sentence, label = line.rsplit("\t", 1)
            sentences.append(sentence.strip())
            labels.append(int(label))
            sources.append(file.name.split("_")[0])
    return _dataset(source, sentences, np.array(labels, np.int64), np.array(sources))


def _lines(path: Path, encoding: str) -> list[str]:
    """Split at line ends only: the texts hold other characters that str.splitlines breaks at."""
    return path.read_bytes().decode(encoding).removesuffix("\n").split("\n")


def _dataset(
    source: Download,
    sentences: list[str],
    labels: np.ndarray[tuple[int], np.dtype[np.int64]],
    sources: np.ndarray[tuple[int], np.dtype[np.str_]],
) -> TextDataset:
    return TextDataset(
        name=source.name,
        X=np.array(sentences, object),
        y=labels,
        target_names=source.target_names,
        description=source.description,
        licence=source.licence,
        citation=source.citation,
        sources=sources,
    )
