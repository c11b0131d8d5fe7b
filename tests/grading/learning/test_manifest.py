"""The manifest survives a round trip, and nothing half right is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading.learning.manifest import NAME, Manifest, read_manifest, write_manifest

OLD, NEW = "a" * 64, "b" * 64


def test_round_trip_keeps_the_order_of_releases(tmp_path: Path) -> None:
    manifest = Manifest()
    for sha256 in (NEW, NEW, OLD):
        manifest.record("é/1.ipynb", sha256)

    write_manifest(tmp_path, manifest)
    read = read_manifest(tmp_path)

    assert read.history == {"é/1.ipynb": [NEW, OLD]}
    assert (read.latest("é/1.ipynb"), read.known("é/1.ipynb")) == (OLD, {OLD, NEW})
    assert read.trusted
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "text", ["", "{}", "null", '{"format": 1, "files": {"a": ["short"]}}', "[" * 100_000]
)
def test_a_damaged_manifest_knows_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)

    manifest = read_manifest(tmp_path)

    assert not manifest.trusted
    assert manifest.known("a") == set()
    assert manifest.latest("a") == ""
