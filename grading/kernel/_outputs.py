"""The outputs of one cell: collected from messages that may hold anything, and capped."""

from __future__ import annotations

from typing import Any

from grading.kernel._parts import Node, as_node, text_of
from grading.limits import MEGABYTE

__all__ = ["Outputs"]

MAX_TEXT = 500_000  # characters of all streams of a cell
MAX_DATA = 4 * MEGABYTE  # characters of all displays of a cell
MAX_OUTPUTS = 500
_SHOWN = ("text/plain", "text/html", "text/latex", "text/markdown", "image/png", "image/jpeg",
          "image/gif")  # fmt: skip


class Outputs:
    """The outputs of one cell, collected by nbclient's rules and within caps.

    What decides about the score, the first error or result, is kept whatever else was dropped.
    """

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.dropped = False
        self._text = 0
        self._data = 0
        self._clear_next = False
        self._displays: dict[str, list[dict[str, Any]]] = {}

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Add what a message brings.

        Parameters
        ----------
        kind : str
            The message's type.
        content : dict
            Its content, of which nothing has been checked.
        """
        if kind == "clear_output":
            self._clear_next = True
            if not content.get("wait"):
                self._clear()
        elif kind == "stream":
            self._stream(content)
        elif kind == "error":
            self._error(content)
        elif kind in {"display_data", "execute_result"}:
            self._display(kind, content)
        elif kind == "update_display_data":
            self._update(content)

    def has_error(self, name: str) -> bool:
        """Tell whether an error of this name is among them."""
        return any(each["output_type"] == "error" and each["ename"] == name for each in self.kept)

    def add_error(self, name: str, value: str, traceback: list[str]) -> None:
        """Add an error that came another way than as a message.

        Parameters
        ----------
        name, value : str
            The exception's class, and its text.
        traceback : list of str
            As IPython writes it.
        """
        self._error({"ename": name, "evalue": value, "traceback": traceback})

    def _clear(self) -> None:
        self.kept.clear()
        self._displays.clear()
        self._clear_next = False

    def _room(self) -> bool:
        if self._clear_next:
            self._clear()
        if len(self.kept) < MAX_OUTPUTS:
            return True
        self.dropped = True
        return False

    def _stream(self, content: dict[str, Any]) -> None:
        text = text_of(content.get("text"))
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        if not text:
            return
        room = MAX_TEXT - self._text
        if len(text) > room:
            self.dropped, text = True, text[: max(room, 0)]
        self._text += len(text)
        last = self.kept[-1] if self.kept and not self._clear_next else None
        if last and last["output_type"] == "stream" and last["name"] == name:
            last["parts"].append(text)
        elif text and self._room():
            self.kept.append({"output_type": "stream", "name": name, "parts": [text]})

    def _error(self, content: dict[str, Any]) -> None:
        self._room()
        lines = content.get("traceback")
        lines = lines if isinstance(lines, list) else []
        shown = [text_of(line)[:20_000] for line in lines[:200]]
        error = {
            "output_type": "error",
            "ename": text_of(content.get("ename"))[:200],
            "evalue": text_of(content.get("evalue"))[:5_000],
            "traceback": shown,
        }
        if sum(each["output_type"] == "error" for each in self.kept) < 20:
            self.kept.append(error)

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        is_first_result = kind == "execute_result" and all(
            each["output_type"] != kind for each in self.kept
        )
        if not self._room() and not is_first_result:
            return
        output: dict[str, Any] = {
            "output_type": kind,
            "data": self._capped(content),
            "metadata": _sizes(content),
        }
        if kind == "execute_result":
            output["execution_count"] = None
        self.kept.append(output)
        transient = content.get("transient")
        display_id = transient.get("display_id") if isinstance(transient, dict) else None
        if isinstance(display_id, str):
            self._displays.setdefault(display_id, []).append(output)

    def _update(self, content: dict[str, Any]) -> None:
        transient = content.get("transient")
        display_id = transient.get("display_id") if isinstance(transient, dict) else None
        shown = self._displays.get(display_id, []) if isinstance(display_id, str) else []
        if shown:
            data = self._capped(content)
            for output in shown:
                output["data"] = data

    def _capped(self, content: dict[str, Any]) -> dict[str, str]:
        data = content.get("data")
        kept: dict[str, str] = {}
        for mime in _SHOWN:
            text = text_of(data.get(mime)) if isinstance(data, dict) else ""
            if not text:
                continue
            if mime == "text/plain":
                kept[mime] = text[:100_000]
            elif self._data + len(text) > MAX_DATA:
                self.dropped = True
            else:
                self._data += len(text)
                kept[mime] = text
        return kept

    def nodes(self) -> list[Node]:
        """Return them as outputs of a notebook."""
        for output in self.kept:
            if output["output_type"] == "stream":
                output["text"] = (
                    "".join(output.pop("parts")) if "parts" in output else output["text"]
                )
        return [as_node(output) for output in self.kept]


def _sizes(content: dict[str, Any]) -> dict[str, Any]:
    """Keep of a display's metadata how large its pictures are to be shown."""
    metadata = content.get("metadata")
    kept: dict[str, Any] = {}
    for mime in ("image/png", "image/jpeg"):
        sizes = metadata.get(mime) if isinstance(metadata, dict) else None
        if isinstance(sizes, dict):
            plain = {
                side: sizes[side]
                for side in ("width", "height")
                if type(sizes.get(side)) is int and 0 < sizes[side] < 10_000
            }
            if plain:
                kept[mime] = plain
    return kept
