"""Downloads from a server on this machine: what goes wrong is mended, or said in a sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlib import ArgumentError, DatasetError, datasets
from nnlib.datasets import _catalog, _fetch, _idx, _load


def load(tiny, **options):
    return _idx.load_images(tiny.download, progress=False, **options)


def assert_right(data, tiny):
    images, labels, test_images, test_labels = tiny.arrays.values()
    np.testing.assert_allclose(data.X, images.reshape(6, 20) / 255, rtol=1e-6)
    np.testing.assert_allclose(data.X_test, test_images.reshape(2, 20) / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.y, labels)
    np.testing.assert_array_equal(data.y_test, test_labels)
    assert data.X.dtype == np.float32
    assert data.y.dtype == np.int64


def test_a_set_is_downloaded_once(tiny, server, folders):
    assert_right(load(tiny, base_url=server.base_url), tiny)
    assert_right(load(tiny, base_url=server.base_url), tiny)

    assert len(server.requests) == 4
    assert sorted(path.name for path in (folders / "tiny-set").iterdir()) == sorted(tiny.files)


def test_size_and_progress_are_said_on_stdout(tiny, server, capsys):
    _idx.load_images(tiny.download, base_url=server.base_url)
    shown = capsys.readouterr()

    assert "tiny: downloading 4 files, 0.0 MB, to" in shown.out
    assert "train-images-idx3-ubyte.gz" in shown.out
    assert shown.err == ""


def test_the_address_can_come_from_the_environment(tiny, server, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA_URL", server.base_url)

    assert_right(load(tiny), tiny)


def test_images_keep_their_shape_if_wanted(tiny, server):
    assert load(tiny, base_url=server.base_url, flatten=False).X.shape == (6, 5, 4, 1)


def test_a_cut_connection_is_resumed_where_it_ended(tiny, server):
    server.cut_first = 1

    assert_right(load(tiny, base_url=server.base_url), tiny)

    first, second = server.requests[:2]
    size = len(tiny.files[first[0]])
    assert first[1] is None
    assert second == (first[0], f"bytes={size // 2}-")


def test_an_interrupted_download_goes_on_in_the_next_session(tiny, server, folders):
    name = "train-images-idx3-ubyte.gz"
    (folders / "tiny-set").mkdir(parents=True)
    (folders / "tiny-set" / f"{name}.part").write_bytes(tiny.files[name][:20])

    assert_right(load(tiny, base_url=server.base_url), tiny)

    assert server.requests[0] == (name, "bytes=20-")


def test_a_complete_part_is_taken_without_a_request(tiny, server, folders):
    name = "train-images-idx3-ubyte.gz"
    (folders / "tiny-set").mkdir(parents=True)
    (folders / "tiny-set" / f"{name}.part").write_bytes(tiny.files[name])

    assert_right(load(tiny, base_url=server.base_url), tiny)

    assert name not in [asked for asked, _ in server.requests]


def test_a_wrong_beginning_is_thrown_away(tiny, server, folders):
    name = "train-images-idx3-ubyte.gz"
    (folders / "tiny-set").mkdir(parents=True)
    (folders / "tiny-set" / f"{name}.part").write_bytes(b"x" * 20)

    assert_right(load(tiny, base_url=server.base_url), tiny)


def test_a_server_that_cannot_resume_sends_all_again(tiny, server):
    server.cut_first, server.ranges = 1, False

    assert_right(load(tiny, base_url=server.base_url), tiny)


def test_a_damaged_file_in_the_cache_is_replaced(tiny, server, folders):
    load(tiny, base_url=server.base_url)
    path = folders / "tiny-set" / "t10k-images-idx3-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    assert_right(load(tiny, base_url=server.base_url), tiny)
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"refuse": 403}, "the server answered 403 Forbidden"),
        ({"refuse": 404}, "the server answered 404 Not Found"),
        (
            {"content": b"<html>Please log in to the hotel network</html>" * 9},
            "not the published file",
        ),
        ({"cut_first": 99}, "the connection failed 3 times"),
        ({"content": b""}, "the connection failed 3 times"),
    ],
)
def test_what_cannot_be_mended_is_one_sentence_with_the_mend(tiny, server, folders, fault, reason):
    for name, value in fault.items():
        setattr(server, name, value)

    with pytest.raises(DatasetError) as caught:
        load(tiny, base_url=server.base_url)

    message = str(caught.value)
    assert message.startswith("tiny: not on this machine, and train-images-idx3-ubyte.gz could not")
    assert reason in message
    assert "nncourse data --from DIR" in message
    assert "\n" not in message
    assert not (folders / "tiny-set" / "train-images-idx3-ubyte.gz").exists()
    for name in fault:
        setattr(server, name, type(server).__dataclass_fields__[name].default)
    assert_right(load(tiny, base_url=server.base_url), tiny)  # the next attempt recovers


def test_without_a_network_the_sentence_names_the_mend(tiny):
    with pytest.raises(DatasetError, match=r"tiny: not on this machine.*nncourse data --from DIR"):
        load(tiny)
    with pytest.raises(
        DatasetError, match=r"downloading was not allowed.*nncourse data --from DIR"
    ):
        load(tiny, download=False)


def test_without_pooch_the_sentence_names_it(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)

    with pytest.raises(DatasetError, match=r"downloading needs the package pooch.*nncourse data"):
        load(tiny)


def test_the_named_folder_is_searched_first(tiny, server, tmp_path, monkeypatch):
    tiny.write(tmp_path / "own")
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path / "own"))

    assert_right(load(tiny, base_url=server.base_url), tiny)
    assert server.requests == []
    assert _fetch.locate(tiny.download) == tmp_path / "own" / "tiny-set"


def test_a_damaged_file_in_the_named_folder_is_reported_and_left_alone(tiny, tmp_path, monkeypatch):
    folder = tiny.write(tmp_path / "own")
    path = folder / "train-labels-idx1-ubyte.gz"
    damaged = path.read_bytes()[:-1] + b"?"
    path.write_bytes(damaged)
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path / "own"))

    with pytest.raises(
        DatasetError, match=r"train-labels-idx1-ubyte.gz is damaged.*unset NNLIB_DATA"
    ):
        load(tiny)
    assert path.read_bytes() == damaged


def test_adopt_copies_what_is_right_into_the_cache(tiny, tmp_path, folders, monkeypatch):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (tiny.download,))
    tiny.write(tmp_path / "stick")

    assert datasets.adopt(tmp_path / "stick") == {"tiny": folders / "tiny-set"}

    assert_right(load(tiny, download=False), tiny)


def test_adopt_refuses_damaged_and_missing_sets_and_copies_nothing(
    tiny, tmp_path, folders, monkeypatch
):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (tiny.download,))
    folder = tiny.write(tmp_path / "stick")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"something else")

    with pytest.raises(
        DatasetError, match=r"t10k-labels-idx1-ubyte.gz is damaged.*Nothing was copied"
    ):
        datasets.adopt(tmp_path / "stick")
    with pytest.raises(
        DatasetError, match=r"holds no complete data set, expected tiny-set/ with 4 files"
    ):
        datasets.adopt(tmp_path / "nowhere")

    assert not folders.exists()


def test_adopt_names_the_files_that_an_incomplete_set_lacks(tiny, tmp_path, folders, monkeypatch):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (tiny.download,))
    folder = tiny.write(tmp_path / "stick")
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()

    with pytest.raises(
        DatasetError,
        match=r"tiny-set is incomplete: of 4 files it lacks 1 \(t10k-labels-idx1-ubyte.gz\)",
    ):
        datasets.adopt(tmp_path / "stick")
    assert not folders.exists()


def test_a_long_list_of_lacking_files_is_cut(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (_catalog.CIFAR10,))
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"")

    with pytest.raises(DatasetError, match=r"lacks 5 \(data_batch_2, .*data_batch_5, \.\.\.\)\."):
        datasets.adopt(tmp_path)


def test_adopted_files_may_be_read_as_the_umask_says(tiny, tmp_path, folders, monkeypatch):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (tiny.download,))
    tiny.write(tmp_path / "stick")
    before = os.umask(0o027)
    try:
        datasets.adopt(tmp_path / "stick")
    finally:
        os.umask(before)

    modes = {path.stat().st_mode & 0o777 for path in (folders / "tiny-set").iterdir()}
    assert modes == {0o640}
    assert sorted(path.name for path in (folders / "tiny-set").iterdir()) == sorted(tiny.files)


def test_a_copy_that_fails_leaves_nothing_behind(tiny, tmp_path, folders, monkeypatch):
    monkeypatch.setattr(_fetch, "DOWNLOADS", (tiny.download,))
    tiny.write(tmp_path / "stick")

    def fails(source, target):
        Path(target).write_bytes(b"half")
        raise OSError(28, "no space left")

    monkeypatch.setattr(_fetch.shutil, "copyfile", fails)
    with pytest.raises(OSError, match="no space left"):
        datasets.adopt(tmp_path / "stick")
    assert list((folders / "tiny-set").iterdir()) == []


@pytest.mark.parametrize("change", ["content", "size"])
def test_a_damaged_cache_is_called_damaged(tiny, server, folders, change):
    load(tiny, base_url=server.base_url)
    path = folders / "tiny-set" / "t10k-images-idx3-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + (b"?" if change == "content" else b""))

    with pytest.raises(
        DatasetError,
        match=r"tiny: damaged: .*t10k-images-idx3-ubyte.gz is not the published file, and "
        r"downloading was not allowed\. Load it again with a network",
    ):
        load(tiny, download=False)


def test_an_incomplete_cache_is_called_incomplete(tiny, server, folders):
    load(tiny, base_url=server.base_url)
    (folders / "tiny-set" / "t10k-images-idx3-ubyte.gz").unlink()

    with pytest.raises(DatasetError, match=r"tiny: incomplete: 1 of 4 files are not in .*tiny-set"):
        load(tiny, download=False)


def test_what_is_no_path_address_or_name_is_refused(tiny):
    with pytest.raises(ArgumentError, match=r"adopt: folder is None, expected a path"):
        datasets.adopt(None)
    with pytest.raises(ArgumentError, match="base_url is 5, expected an address"):
        load(tiny, base_url=5)
    with pytest.raises(ArgumentError, match=r"there is no data set \['a'\], expected one of"):
        datasets.load(["a"])
    with pytest.raises(ArgumentError, match=r"fill is \['linear'\], expected"):
        datasets.load("co2", fill=["linear"])


def test_describe_says_where_each_set_is(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(_load, "DOWNLOADS", (tiny.download,))
    before = {info.name: info for info in datasets.describe()}["tiny"]
    tiny.write(tmp_path / "own")
    monkeypatch.setenv("NNLIB_DATA", str(tmp_path / "own"))
    after = {info.name: info for info in datasets.describe()}["tiny"]

    assert (before.location, before.available) == ("not on this machine", False)
    assert (after.location, after.available) == (str(tmp_path / "own" / "tiny-set"), True)
    assert after.size_bytes == sum(map(len, tiny.files.values()))


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08broken"])
def test_what_is_no_idx_file_is_a_dataset_error(tmp_path, content):
    (tmp_path / "file.gz").write_bytes(content)

    with pytest.raises(DatasetError, match="not a gzipped IDX file"):
        _idx.read_idx(tmp_path / "file.gz")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")]
)
def test_the_published_files_load(name, folder, requires_shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("NNLIB_DATA", str(requires_shared_data))

    data = datasets.load(name, download=False)

    assert (data.X.shape, data.X_test.shape) == ((60000, 784), (10000, 784))
    assert (data.X.min(), data.X.max()) == (0.0, 1.0)
    # Fashion-MNIST has exactly 1,000 test images a class, MNIST 980 zeros: the publishers' counts.
    assert np.bincount(data.y_test)[0] == (980 if name == "mnist" else 1000)
    assert len(data.target_names) == 10
    assert _fetch.locate(next(d for d in _load.DOWNLOADS if d.name == name)).name == folder
