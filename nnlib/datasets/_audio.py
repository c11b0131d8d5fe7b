"""Spoken digits: sixty that are embedded, and the three thousand that they were taken from."""

from __future__ import annotations

import wave
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlib._array import Array, IntArray, check_count
from nnlib.datasets._base import AudioDataset, DatasetInfo
from nnlib.datasets._catalog import SPOKEN_DIGITS, Download
from nnlib.datasets._fetch import fetch
from nnlib.errors import DatasetError

RATE = 8000
N_TEST_TAKES = 5
"""Of the 50 takes of a digit by a speaker, 0 to 4 are the publisher's test part."""

_FILE = files("nnlib.datasets") / "spoken_digits.npz"
_LICENCE = "CC BY-SA 4.0 (nnlib/datasets/LICENSE-spoken-digits.txt)"
SPOKEN_SAMPLE_INFO = DatasetInfo("spoken_digits_60", 311_332, _LICENCE, "embedded")


def load_spoken_sample(*, length: int = RATE) -> AudioDataset:
    """Load 60 spoken digits: each digit once by each of six speakers.

    Of the 45 takes of a digit by a speaker in the publisher's training part, the one of median
    length.

    Licence: Creative Commons Attribution-ShareAlike 4.0 International, in contrast to the code of
    this library; see LICENSE-spoken-digits.txt beside the data.

    Parameters
    ----------
    length : int, default 8000
        Samples in a row, 8000 to the second: longer recordings are cut, shorter ones end in zeros.

    Returns
    -------
    data : AudioDataset
        X of shape (60, length), float32 from −1 to 1; y from 0 to 9; ``speakers``, ``lengths``.

    Raises
    ------
    ArgumentError
        If ``length`` is below 1.

    References
    ----------
    Jackson et al. (2018), Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401.
    """
    length = check_count(length, "length", 'datasets.load("spoken_digits_60")')
    with _FILE.open("rb") as stream, np.load(stream) as arrays:
        ends = np.cumsum(arrays["lengths"], dtype=np.int64)
        waves = np.split(arrays["samples"], ends[:-1])
        y, speakers = arrays["labels"].astype(np.int64), arrays["speakers"]
    X, lengths = _rows(waves, length)
    return AudioDataset(
        name="spoken_digits_60",
        X=X,
        y=y,
        target_names=SPOKEN_DIGITS.target_names,
        description="60 recordings: ten digits by six speakers, 8 kHz.",
        licence=_LICENCE,
        citation=SPOKEN_DIGITS.citation,
        rate=RATE,
        lengths=lengths,
        speakers=speakers,
    )


def load_spoken_digits(
    source: Download = SPOKEN_DIGITS,
    *,
    length: int = RATE,
    download: bool = True,
    base_url: str | None = None,
    progress: bool = True,
) -> AudioDataset:
    """Load the Free Spoken Digit Dataset, after downloading it if it is not here.

    Ten digits, six speakers, 50 takes of each; the publisher's test part are takes 0 to 4. The
    speakers of the two parts are the same six: what a model does for a new voice is shown by a
    split that is grouped by ``speakers``.

    Licence: Creative Commons Attribution-ShareAlike 4.0 International.

    Parameters
    ----------
    source : Download
        Where it is found.
    length : int, default 8000
        Samples in a row, 8000 to the second: longer recordings are cut (20 of 3,000 at the
        default), shorter ones end in zeros.
    download : bool, default True
        Whether a missing set may be downloaded.
    base_url : str, optional
        Where to download from, instead of the publisher's address.
    progress : bool, default True
        Say the size and show a bar, on stdout.

    Returns
    -------
    data : AudioDataset
        2,700 training rows in X and y, 300 test rows in X_test and y_test, ordered by digit,
        speaker and take.

    Raises
    ------
    ArgumentError
        If ``length`` is below 1.
    DatasetError
        If the set is missing and cannot be had, or is damaged.

    References
    ----------
    Jackson et al. (2018), Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401.
    """
    length = check_count(length, "length", 'datasets.load("spoken_digits")')
    folder = fetch(source, download_allowed=download, base_url=base_url, progress=progress)
    parts: dict[bool, list[tuple[NDArray[np.int16], int, str]]] = {False: [], True: []}
    for file in source.files:
        path = folder / file.name
        digit, speaker, take = path.stem.split("_")
        parts[int(take) < N_TEST_TAKES].append((read_wave(path), int(digit), speaker))
    train, test = (_columns(parts[is_test], length) for is_test in (False, True))
    return AudioDataset(
        name=source.name,
        X=train["X"],
        y=train["y"],
        target_names=source.target_names,
        description=source.description,
        licence=source.licence,
        citation=source.citation,
        X_test=test["X"],
        y_test=test["y"],
        rate=RATE,
        lengths=train["lengths"],
        speakers=train["speakers"],
        lengths_test=test["lengths"],
        speakers_test=test["speakers"],
    )


def read_wave(path: Path) -> NDArray[np.int16]:
    """Read a WAV file of one channel, 16 bit, 8 kHz.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    samples : ndarray of int16
        As they are stored.

    Raises
    ------
    DatasetError
        If the file is something else.
    """
    try:
        with wave.open(str(path), "rb") as stream:
            form = (stream.getnchannels(), stream.getsampwidth(), stream.getframerate())
            content = stream.readframes(stream.getnframes())
    except (wave.Error, EOFError) as error:
        message = f"{path}: not a WAV file ({error}). Delete it and load again."
        raise DatasetError(message) from error
    if form != (1, 2, RATE):
        message = (
            f"{path}: {form[0]} channels of {8 * form[1]} bit at {form[2]} Hz, expected 1 of "
            f"16 bit at {RATE} Hz. Delete it and load again."
        )
        raise DatasetError(message)
    return np.frombuffer(content, "<i2").astype(np.int16, copy=False)


def _columns(rows: list[tuple[NDArray[np.int16], int, str]], length: int) -> dict[str, Any]:
    """Turn recordings with digit and speaker into arrays."""
    X, lengths = _rows([samples for samples, _, _ in rows], length)
    return {
        "X": X,
        "lengths": lengths,
        "y": np.array([digit for _, digit, _ in rows], np.int64),
        "speakers": np.array([speaker for _, _, speaker in rows]),
    }


def _rows(waves: list[NDArray[np.int16]], length: int) -> tuple[Array, IntArray]:
    """Lay recordings into rows of one length, scaled to −1 ... 1."""
    X = np.zeros((len(waves), length), np.float32)
    lengths = np.array([min(len(samples), length) for samples in waves], np.int64)
    for row, samples, n in zip(X, waves, lengths, strict=True):
        row[:n] = samples[:n]
    X /= np.float32(1 << 15)
    return X, lengths
