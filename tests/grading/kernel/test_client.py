"""Messages of a kernel are hostile: any content is taken within caps, or left."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from grading.kernel._client import _parsed
from grading.kernel._outputs import MAX_DATA, MAX_OUTPUTS, MAX_TEXT, Outputs


def kinds(outputs: Outputs) -> list[str]:
    return [output.output_type for output in valid(outputs)]


def valid(outputs: Outputs) -> list[Any]:
    nodes = outputs.nodes()
    cell = nbformat.v4.new_code_cell(outputs=nodes)
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return nodes


def plain(text: str) -> dict[str, Any]:
    return {"data": {"text/plain": text}}


def test_streams_run_together_and_displays_stand_between():
    outputs = Outputs()
    for kind, content in (
        ("stream", {"name": "stdout", "text": "a"}),
        ("stream", {"name": "stdout", "text": "b"}),
        ("display_data", plain("x")),
        ("stream", {"name": "stderr", "text": "c"}),
    ):
        outputs.take(kind, content)

    assert [each.get("text") for each in valid(outputs)] == ["ab", None, "c"]


def test_clearing_waits_where_it_was_told_to():
    outputs = Outputs()
    outputs.take("stream", {"name": "stdout", "text": "old"})
    outputs.take("clear_output", {"wait": True})
    assert kinds(outputs) == ["stream"]

    outputs.take("display_data", plain("new"))
    assert kinds(outputs) == ["display_data"]


def test_displays_are_updated_by_their_id():
    outputs = Outputs()
    named = {"transient": {"display_id": "one"}}
    outputs.take("display_data", {**plain("old"), **named})
    outputs.take("update_display_data", {**plain("new"), **named})

    assert [each.data["text/plain"] for each in valid(outputs)] == ["new"]


def test_floods_are_cut_and_the_verdict_is_kept():
    outputs = Outputs()
    for _ in range(3):
        outputs.take("stream", {"name": "stdout", "text": "x" * MAX_TEXT})
    for _ in range(2 * MAX_OUTPUTS):
        outputs.take("display_data", {"data": {"text/html": "y" * (MAX_DATA // 10)}})
    outputs.take("execute_result", plain("0.5"))
    outputs.take("error", {"ename": "E", "evalue": "z" * 10**6, "traceback": ["t" * 10**6] * 1000})
    found = valid(outputs)

    assert outputs.dropped
    assert [each.output_type for each in found[-2:]] == ["execute_result", "error"]
    assert found[-2].data["text/plain"] == "0.5"
    assert len(found) <= MAX_OUTPUTS + 2
    assert len(json.dumps(found)) < 2 * MAX_TEXT + 2 * MAX_DATA


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"data": None, "metadata": 3, "transient": []},
        {"data": {"text/plain": {"a": 1}, "image/png": [1, 2], 5: "x"}},
        {"name": ["stdout"], "text": {"x": 1}},
        {"ename": 3, "evalue": None, "traceback": "no list"},
        {"text": "\ud800", "name": "stdout"},
    ],
)
@pytest.mark.parametrize(
    "kind",
    ["stream", "display_data", "execute_result", "error", "update_display_data", "clear_output"],
)
def test_any_content_gives_valid_outputs(kind: str, content: dict[str, Any]):
    outputs = Outputs()
    outputs.take(kind, content)

    assert len(valid(outputs)) <= 1


def frames(content: bytes) -> list[bytes]:
    header, parent = json.dumps({"msg_type": "stream"}), json.dumps({"msg_id": "1"})
    return [b"topic", b"<IDS|MSG>", b"signature", header.encode(), parent.encode(), b"{}", content]


def test_a_message_is_taken_apart():
    assert _parsed(frames(b'{"text": "x"}')) == {
        "kind": "stream",
        "parent": "1",
        "content": {"text": "x"},
    }


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"[]," * 300_000, b"\xff", b"", b'{"a": ' * 50_000],
    ids=["deep", "wide", "bytes", "empty", "nested"],
)
def test_what_cannot_be_read_is_no_message(content: bytes):
    assert _parsed(frames(content)) is None


def test_fewer_frames_are_no_message():
    assert _parsed([b"<IDS|MSG>", b"x"]) is None
    assert _parsed([]) is None
