"""Whatever the bytes are, reading them gives a notebook or one sentence with the mend."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.broker._reading import InvalidSubmissionError, read_handed, tame
from grading.limits import MEGABYTE, Limits
from grading.oversized import in_place_of
from tests.grading.broker.cases import START, cell, files, graded, notebook, notes

GOOD = json.dumps(notebook()).encode()
FULL_POINTS = 7.0


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{START}.ipynb", GOOD)
    return packed.getvalue()


def with_key(key: str, value: object) -> bytes:
    return json.dumps(notebook() | {key: value}).encode()


DAMAGED = {
    "empty": (b"", "is empty"),
    "blank": (b" \r\n ", "is empty"),
    "text": (b"import numpy as np", "other text"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "zip in disguise": (zipped(), "packed archive"),
    "gzip": (b"\x1f\x8b\x08\x00", "packed archive"),
    "cut off": (GOOD[: len(GOOD) // 2], "ends in the middle"),
    "trailing garbage": (GOOD + b"\n}]", "goes on after the end"),
    "two notebooks": (GOOD + GOOD, "goes on after the end"),
    "damaged inside": (GOOD.replace(b'"cells": [', b'"cells": [,', 1), "is damaged in line 1"),
    "merge conflict": (
        GOOD.replace(b'"cells"', b'\n<<<<<<< HEAD\n"cells"', 1),
        "unresolved merge",
    ),
    "not UTF-8": (GOOD.replace(b"def ", b"\xff\xfe ", 1), "not UTF-8"),
    "binary": (bytes(range(256)), "not "),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "nested more deeply"),
    "many lists": (b"[" + b"[]," * 600_000 + b"[]]" + b"[" * 600_000, "more lists"),
    "list": (b"[]", "not a notebook"),
    "number": (b"7", "not a notebook"),
    "other JSON": (b'{"a": 1}', "not a notebook"),
    "old format": (with_key("nbformat", 3), "old format"),
    "worksheets": (b'{"nbformat": 3, "worksheets": []}', "old format"),
    "new format": (with_key("nbformat", 5), "format 5"),
    "format as text": (with_key("nbformat", "4"), "not a notebook"),
    "cells are none": (with_key("cells", {"a": 1}), "no list of cells"),
    "a cell is none": (with_key("cells", [1]), "a cell that is none (number 1)"),
    "a type is a list": (with_key("cells", [{"cell_type": ["code"]}]), "a cell that is none"),
    "a source is a number": (
        with_key("cells", [{"cell_type": "code", "source": 1}]),
        "a cell without text",
    ),
    "a source is NaN": (b'{"nbformat":4,"cells":[{"cell_type":"code","source":NaN}]}', "text"),
    "too many cells": (
        with_key("cells", [{"cell_type": "code", "source": ""}] * 2001),
        "2,001 cells",
    ),
    "another notebook": (
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 1"}]}',
        "none of the cells is from this assignment",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_file_is_refused_in_one_sentence_that_names_it_and_the_mend(name: str) -> None:
    content, said = DAMAGED[name]

    result = graded(content)

    assert result.status == "invalid_submission"
    assert result.points == 0
    assert result.max_points == FULL_POINTS
    assert {each.status for each in result.notebooks[0].cells} == {"invalid_submission"}
    assert said in result.message
    assert result.message.startswith(f"{START}.ipynb: ")
    assert result.message.endswith(".")
    assert len(result.message) < 250


HARMLESS = {
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "CRLF between": json.dumps(notebook(), indent=1).replace("\n", "\r\n").encode(),
    "CRLF within": GOOD.replace(b"\\n", b"\\r\\n"),
    "NaN in an output": GOOD.replace(b'"outputs": []', b'"outputs": [NaN, -Infinity]'),
    "huge number": GOOD.replace(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 9_000),
    "sources as lists": json.dumps({
        **notebook(),
        "cells": [
            {**each, "source": each["source"].splitlines(keepends=True)}
            if isinstance(each["source"], str)
            else each
            for each in notebook()["cells"]
        ],
    }).encode(),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_peculiarity_costs_nothing(name: str) -> None:
    result = graded(HARMLESS[name])

    assert (result.status, result.points) == ("ok", FULL_POINTS)


def test_size_is_capped_before_anything_is_parsed() -> None:
    result = graded(b"{" * 3_000_000, limits=Limits(notebook_bytes=2_000_000))

    assert "takes 3 MB, the limit is 2 MB" in result.message


@pytest.mark.parametrize("n_bytes", [500 * MEGABYTE, 10**14])
def test_what_stands_in_place_of_a_large_notebook_is_told_like_it(n_bytes: int) -> None:
    result = graded(in_place_of(n_bytes))

    assert (result.status, result.points) == ("invalid_submission", 0.0)
    assert f"takes {n_bytes / MEGABYTE:,.0f} MB, the limit is 20 MB" in result.message
    assert "Clear Outputs of All Cells" in result.message


@pytest.mark.parametrize(
    ("names", "noted"),
    [
        ([f"{START}.ipynb", "other.ipynb", "data.csv"], ""),
        ([f"inner/{START}.ipynb", f".ipynb_checkpoints/{START}.ipynb"], ""),
        (["my work.ipynb", "notes.txt"], "my work.ipynb was taken for 00-start-here.ipynb."),
        ([f"{START} (1).ipynb", "other.ipynb"], "(1).ipynb was taken for"),
        ([f"{START}.IPYNB"], "was taken for"),
    ],
)
def test_notebook_is_found_by_its_name_or_as_the_only_one(names: list[str], noted: str) -> None:
    handed = {name: GOOD if START in name or "work" in name else b"" for name in names}

    result = graded(handed)

    assert result.points == FULL_POINTS
    assert noted in notes(result)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "there is no notebook in what was handed in (nothing)"),
        (["a.txt", "b.py"], "there is no notebook in what was handed in (a.txt, b.py)"),
        (["a.ipynb", "b.ipynb"], "there are 2 notebooks (a.ipynb, b.ipynb)"),
        ([f".ipynb_checkpoints/{START}.ipynb"], "there is no notebook"),
    ],
)
def test_submission_without_its_notebook_is_refused(names: list[str], said: str) -> None:
    result = graded(dict.fromkeys(names, GOOD))

    assert result.status == "invalid_submission"
    assert said in result.message


def test_hostile_names_are_tame_in_sentences() -> None:
    result = graded({"<img src=x onerror=alert(1)>\x1b[31m=HYPERLINK().ipynb": b"nonsense"})

    assert "<" not in result.message
    assert "\x1b" not in result.message
    assert "=" not in result.message


def test_released_cells_survive_in_the_notebook_of_an_invalid_submission() -> None:
    result = graded(b"nonsense")

    shown = json.loads(result.notebooks[0].autograded)
    assert result.message in "".join(shown["cells"][0]["source"])
    assert len(shown["cells"]) == 1 + len(notebook()["cells"])


def test_lone_surrogates_reach_nobody() -> None:
    content = notebook()
    content["cells"].append({"cell_type": "code", "metadata": {}, "source": "x = '\ud800'"})

    result = graded(json.dumps(content))

    assert result.points == FULL_POINTS
    result.notebooks[0].autograded.encode("utf-8")


@given(st.text(max_size=200))
def test_tame_text_is_short_and_harmless(text: str) -> None:
    found = tame(text)

    assert len(found) <= 60
    assert not set(found) & set("<>&\"'`$[]{}=+@|\\*#!\n\r\t\x00\x1b")


def read_or_refused(content: bytes) -> str:
    try:
        read_handed(files(content), START, Limits())
    except InvalidSubmissionError as refused:
        return str(refused)
    return "read"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_change_of_bytes_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    said = read_or_refused(bytes(content))

    assert said == "read" or said.startswith(f"{START}.ipynb: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "id", "tags",
                         "points", "kernelspec", "name"]),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(metadata=JSON, cells=st.lists(JSON, max_size=4))
def test_any_json_within_a_notebook_ends_in_a_status(metadata: object, cells: list[object]) -> None:
    content = notebook()
    content["metadata"] = metadata
    content["cells"] += cells
    target = next(each for each in content["cells"] if isinstance(each, dict))
    target["metadata"] = metadata

    result = graded(json.dumps(content))

    assert result.status in {"ok", "invalid_submission"}
    assert cell(result, "mean_squared_error").score in {0.0, 3.0}
