"""``nncourse data`` lists the sets, takes them from a folder, and names what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nnlib import datasets
from tests.grading.cli.conftest import Run


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NNLIB_DATA", raising=False)
    monkeypatch.setenv("NNLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_list_has_every_set_with_size_and_licence(nncourse: Run) -> None:
    rows = json.loads(nncourse("data", "--json").stdout)

    assert [row["name"] for row in rows] == [info.name for info in datasets.describe()]
    assert {row["name"] for row in rows} >= {"digits", "mnist", "fashion_mnist"}
    assert all(row["licence"] for row in rows)
    mnist = next(row for row in rows if row["name"] == "mnist")
    assert not mnist["available"]
    assert 11e6 < mnist["size_bytes"] < 12e6  # 11.6 MB, as its publishers say


def test_the_table_says_where_each_set_lies(nncourse: Run) -> None:
    output = nncourse("data").output

    digits = next(line for line in output.splitlines() if line.startswith("digits"))
    mnist = next(line for line in output.splitlines() if line.startswith("mnist"))
    assert "embedded" in digits
    assert "11.6 MB" in mnist
    assert "not on this machine" in mnist


def test_a_set_that_is_here_is_not_downloaded(nncourse: Run) -> None:
    result = nncourse("data", "digits", "--json")

    assert [row["name"] for row in json.loads(result.stdout)] == ["digits"]


def test_a_missing_set_is_downloaded_quietly_for_a_script(
    nncourse: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(datasets, "load", lambda name, **options: asked.append((name, options)))

    result = nncourse("data", "mnist", "--json")

    assert asked == [("mnist", {"progress": False})]
    assert json.loads(result.stdout)[0]["name"] == "mnist"


def test_a_mistyped_name_is_recognized(nncourse: Run) -> None:
    result = nncourse("data", "minst")

    assert result.exit_code == 2
    assert result.stderr == "nncourse data: there is no data set 'minst'. Did you mean mnist?\n"


def test_a_folder_without_sets_is_refused(nncourse: Run, tmp_path: Path) -> None:
    result = nncourse("data", "--from", tmp_path)

    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_sets_are_taken_from_a_folder(
    nncourse: Run, requires_shared_data: Path, empty_cache: Path
) -> None:
    result = nncourse("data", "--from", requires_shared_data, "mnist")

    assert result.exit_code == 0
    assert f"mnist now lies in {empty_cache / 'mnist'}" in result.stdout
    assert next(i for i in datasets.describe() if i.name == "mnist").available
