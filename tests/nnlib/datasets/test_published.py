"""The larger sets: their real files where they are here, and small imitations everywhere."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import wave
from dataclasses import replace

import numpy as np
import pytest

from nnlib import ArgumentError, DatasetError, datasets
from nnlib.datasets import _audio, _catalog, _cifar, _fetch, _text
from nnlib.datasets._catalog import RemoteFile

# As torchvision checks them.
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


@pytest.fixture
def shared(requires_shared_data, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA", str(requires_shared_data))
    return requires_shared_data


# The real files ---------------------------------------------------------------------------------


@pytest.mark.data
def test_cifar10_is_the_published_set(shared):
    data = datasets.load("cifar10", n=20_000, download=False)

    assert data.X.shape == (20_000, 32, 32, 3)
    assert data.X.dtype == np.float32
    assert (data.X.min(), data.X.max()) == (0.0, 1.0)
    assert np.bincount(data.y).sum() == 20_000
    assert np.bincount(data.y_test).tolist() == [1000] * 10
    folder = shared / "cifar-10-batches-py"
    for name, md5 in CIFAR10_MD5.items():
        assert hashlib.md5((folder / name).read_bytes()).hexdigest() == md5
    # What the standard library reads from the file, whose hash is right, without our reader.
    content = pickle.loads((folder / "test_batch").read_bytes(), encoding="bytes")
    planes = content[b"data"].reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(data.X_test * 255, planes.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(data.y_test, content[b"labels"])


@pytest.mark.data
def test_cifar10_can_be_loaded_in_part_and_flat(shared):
    part = datasets.load("cifar10", n=50, flatten=True, download=False)

    assert part.X.shape == (50, 3072)
    assert part.X_test.shape == (10_000, 3072)
    assert part.target_names[part.y[0]] == "frog"  # the well-known first image


@pytest.mark.data
def test_spoken_digits_are_the_published_set(shared):
    data = datasets.load("spoken_digits", download=False)

    assert (data.X.shape, data.X_test.shape) == ((2700, 8000), (300, 8000))
    assert np.bincount(data.y).tolist() == [270] * 10
    assert np.bincount(data.y_test).tolist() == [30] * 10
    assert np.unique(data.speakers, return_counts=True)[1].tolist() == [450] * 6
    assert np.unique(data.speakers_test, return_counts=True)[1].tolist() == [50] * 6
    cut = np.sum(data.lengths == 8000) + np.sum(data.lengths_test == 8000)
    assert cut == 20


@pytest.mark.data
def test_the_sixty_digits_are_those_of_median_length(shared):
    small = datasets.load("spoken_digits_60", length=6000)
    whole = datasets.load("spoken_digits", length=6000, download=False)

    for X, y, speaker, n in zip(small.X, small.y, small.speakers, small.lengths, strict=True):
        same = np.flatnonzero((whole.y == y) & (whole.speakers == speaker))
        assert len(same) == 45
        assert any(np.array_equal(X, whole.X[i]) for i in same)
        assert n == np.median(whole.lengths[same])


@pytest.mark.data
def test_sentences_are_the_published_sets(shared):
    reviews = datasets.load("review_sentences", download=False)
    labeled = datasets.load("labeled_sentences", download=False)

    assert np.bincount(reviews.y).tolist() == [5331, 5331]
    assert np.bincount(labeled.y).tolist() == [1500, 1500]
    for source in ("amazon", "imdb", "yelp"):
        assert np.bincount(labeled.y[labeled.sources == source]).tolist() == [500, 500]
    assert reviews.X[0].startswith("simplistic , silly and tedious .")
    assert labeled.X[1] == "Good case, Excellent value."
    assert labeled.y[1] == 1
    # Windows-1252 has no control characters where Latin-1 does, from 128 to 159.
    assert not any("\x80" <= letter <= "\x9f" for text in reviews.X for letter in text)


@pytest.mark.data
def test_all_published_sets_are_adopted_from_a_folder(shared, tmp_path, monkeypatch):
    """Files are linked where they can be: 230 MB would be copied for the sake of a test."""
    monkeypatch.setattr(_fetch, "_copy", os.symlink)

    adopted = datasets.adopt(shared)

    assert set(adopted) == {download.name for download in _catalog.DOWNLOADS}
    monkeypatch.delenv("NNLIB_DATA")
    places = {info.name: info for info in datasets.describe()}
    assert all(places[name].location == str(folder) for name, folder in adopted.items())


# Imitations -------------------------------------------------------------------------------------


def described(download, folder, contents):
    """Write files into NNLIB_DATA's layout and describe them as the published ones."""
    target = folder / download.folder
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for name, content in contents.items():
        path = target / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        files.append(RemoteFile(name, len(content), hashlib.sha256(content).hexdigest()))
    return replace(download, files=tuple(files), tree=None)


def old_pickle(matrix: np.ndarray, labels: list[int]) -> bytes:
    """Write {"labels": labels, "data": matrix} with the opcodes of protocol 2, by hand."""
    raw = matrix.tobytes()
    rows, columns = (b"M" + struct.pack("<H", n) for n in matrix.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + rows + columns + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
    )
    return b"".join([
        b"\x80\x02}(U\x06labels](", *(b"K" + bytes([k]) for k in labels), b"eU\x04data",
        array, struct.pack("<i", len(raw)), raw, b"tbu.",
    ])  # fmt: skip


@pytest.fixture
def small_cifar(rng, tmp_path, monkeypatch):
    arrays = {
        name: (rng.integers(0, 256, (4, 3072), dtype=np.uint8), rng.integers(0, 10, 4).tolist())
        for name in ("data_batch_1", "data_batch_2", "test_batch")
    }
    contents = {name: old_pickle(*pair) for name, pair in arrays.items()}
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path / "own"))
    return arrays, described(_catalog.CIFAR10, tmp_path / "own", contents)


def test_planes_of_color_become_channels_last(small_cifar):
    arrays, download = small_cifar

    data = _cifar.load_cifar10(download)

    both = np.concatenate([arrays["data_batch_1"][0], arrays["data_batch_2"][0]])
    for i, row, column, channel in ((0, 0, 0, 0), (3, 5, 7, 1), (6, 31, 2, 2)):
        pixel = both[i, 1024 * channel + 32 * row + column]
        assert data.X[i, row, column, channel] == np.float32(pixel) / np.float32(255)
    assert data.y.tolist() == arrays["data_batch_1"][1] + arrays["data_batch_2"][1]
    assert data.y_test.tolist() == arrays["test_batch"][1]
    assert data.y.dtype == np.int64


@pytest.mark.parametrize("n", [1, 4, 5, 8])
def test_the_first_images_can_be_had_alone(small_cifar, n):
    _, download = small_cifar
    whole = _cifar.load_cifar10(download, flatten=True)

    part = _cifar.load_cifar10(download, n=n, flatten=True)

    np.testing.assert_array_equal(part.X, whole.X[:n])
    np.testing.assert_array_equal(part.y, whole.y[:n])
    np.testing.assert_array_equal(part.X_test, whole.X_test)


def test_more_images_than_there_are_is_refused(small_cifar):
    with pytest.raises(ArgumentError, match="n is 9, expected at most 8, the training set"):
        _cifar.load_cifar10(small_cifar[1], n=9)
    with pytest.raises(ArgumentError, match="n is 0"):
        _cifar.load_cifar10(small_cifar[1], n=0)


class Evil:
    def __reduce__(self):
        return os.system, ("echo owned > owned.txt",)


def test_a_pickle_that_calls_a_function_is_refused_and_calls_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))

    with pytest.raises(DatasetError, match=r"not a batch of CIFAR-10 \(it asks for .*system\)"):
        _cifar.read_batch(tmp_path / "data_batch_1")

    assert not (tmp_path / "owned.txt").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", pickle.dumps([1]), pickle.dumps({b"data": b"", b"labels": [1]}),
     old_pickle(np.zeros((2, 3072), np.uint8), [1]), old_pickle(np.zeros((1, 9), np.uint8), [1])],
)  # fmt: skip
def test_what_is_no_batch_is_a_dataset_error(tmp_path, content):
    (tmp_path / "batch").write_bytes(content)

    with pytest.raises(DatasetError, match="not a batch of CIFAR-10"):
        _cifar.read_batch(tmp_path / "batch")


def wave_bytes(path, samples, *, channels=1, width=2, rate=8000):
    with wave.open(str(path), "wb") as stream:
        stream.setparams((channels, width, rate, 0, "NONE", ""))
        stream.writeframes(samples.astype("<i2").tobytes())
    return path.read_bytes()


def test_takes_0_to_4_are_the_test_part(tmp_path, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path / "own"))
    names = [(7, "theo", 4), (7, "theo", 5), (3, "lucas", 0), (3, "lucas", 10)]
    contents = {
        f"recordings/{digit}_{speaker}_{take}.wav": wave_bytes(
            tmp_path / "x.wav", np.full(take + 2, -(1 << 14))
        )
        for digit, speaker, take in names
    }
    download = described(_catalog.SPOKEN_DIGITS, tmp_path / "own", contents)

    data = _audio.load_spoken_digits(download, length=9)

    assert (data.y.tolist(), data.y_test.tolist()) == ([7, 3], [7, 3])
    assert (data.speakers.tolist(), data.speakers_test.tolist()) == (["theo", "lucas"],) * 2
    assert (data.lengths.tolist(), data.lengths_test.tolist()) == ([7, 9], [6, 2])
    np.testing.assert_array_equal(data.X[0], [-0.5] * 7 + [0.0] * 2)
    np.testing.assert_array_equal(data.X[1], [-0.5] * 9)
    with pytest.raises(ArgumentError, match=r'spoken_digits"\): length is 1.5'):
        _audio.load_spoken_digits(download, length=1.5)


def test_what_is_no_such_recording_is_a_dataset_error(tmp_path):
    path = tmp_path / "a.wav"
    wave_bytes(path, np.zeros(8), channels=2, rate=44100)
    with pytest.raises(DatasetError, match=r"2 channels of 16 bit at 44100 Hz, expected 1 of 16"):
        _audio.read_wave(path)
    for content in (b"", b"RIFFxxxx"):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="not a WAV file"):
            _audio.read_wave(path)


def test_reviews_are_read_in_their_encoding(tmp_path, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path))
    contents = {
        "rt-polarity.neg": "a dash \x96 or two \n".replace("\x96", "–").encode("cp1252"),
        "rt-polarity.pos": "the na\xefve \nand more \n".encode("cp1252"),
    }
    download = described(_catalog.REVIEW_SENTENCES, tmp_path, contents)

    data = _text.load_review_sentences(download)

    assert data.X.tolist() == ["a dash – or two", "the naïve", "and more"]
    assert data.y.tolist() == [0, 1, 1]
    assert data.target_names[1] == "positive"


def test_labeled_sentences_keep_their_source(tmp_path, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path))
    # U+0085 is a line end to str.splitlines, but not to these files.
    contents = {
        "amazon_cells_labelled.txt": b"Good.\t1\n",
        "imdb_labelled.txt": "Bad\x85 really.  \t0\nNice.\t1\n".encode(),
    }
    download = described(_catalog.LABELED_SENTENCES, tmp_path, contents)

    data = _text.load_labeled_sentences(download)

    assert data.X.tolist() == ["Good.", "Bad\x85 really.", "Nice."]
    assert data.y.tolist() == [1, 0, 1]
    assert data.sources.tolist() == ["amazon", "imdb", "imdb"]
    assert all(type(text) is str for text in data.X)


@pytest.mark.parametrize("download", _catalog.DOWNLOADS, ids=lambda download: download.name)
def test_a_missing_set_gives_one_sentence_with_the_mend(download, monkeypatch):
    monkeypatch.delenv("NNLIB_DATA", raising=False)

    with pytest.raises(DatasetError) as caught:
        datasets.load(download.name, download=False)

    assert str(caught.value) == (
        f"{download.name}: not on this machine, and downloading was not allowed. Load it again "
        f"with a network, or take a folder that holds {download.folder}/ and run: "
        "nncourse data --from DIR"
    )
