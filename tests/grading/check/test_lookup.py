"""An answer is known again by what it does, not by how it is laid out."""

from __future__ import annotations

import linecache

import pytest

from grading.check import lookup

PLAIN = "def f(x):\n    y = x + 1\n    return y\n"
SAME = {
    "white space": "def f( x ):\n\n    y = x  +  1\n\n\n    return (y)\n",
    "a comment": "def f(x):  # third try\n    y = x + 1  # one more\n    return y\n",
    "a docstring": 'def f(x):\n    """Add one,\n\n    third try."""\n    y = x + 1\n    return y\n',
    "indentation": "def f(x):\n  y = x + 1\n  return y\n",
}
OTHER = {
    "another number": PLAIN.replace("1", "2"),
    "another order": "def f(x):\n    y = 1 + x\n    return y\n",
    "text that is used": "def f(x):\n    y = x + 1\n    return 'y'\n",
}


def _hash_of(monkeypatch, source: str) -> str:
    """Define ``f`` as a cell does and look it up."""
    cell = f"<cell {len(linecache.cache)}>"
    monkeypatch.setitem(linecache.cache, cell, (len(source), None, source.splitlines(True), cell))
    namespace: dict[str, object] = {}
    exec(compile(source, cell, "exec"), namespace)
    monkeypatch.setattr(lookup, "_learner_namespace", lambda: namespace)
    return lookup.find("f").answer_hash


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_what_changes_nothing_is_the_same_answer(monkeypatch, source):
    assert _hash_of(monkeypatch, source) == _hash_of(monkeypatch, PLAIN)


@pytest.mark.parametrize("source", OTHER.values(), ids=OTHER)
def test_what_changes_something_is_another_answer(monkeypatch, source):
    assert _hash_of(monkeypatch, source) != _hash_of(monkeypatch, PLAIN)


def test_source_that_cannot_be_parsed_alone_is_told_apart_by_its_words(monkeypatch):
    """``inspect`` returns whole lines, so a lambda comes with what stands around it."""
    laid_out = ["f = [\n    lambda x: x + 1,\n][0]\n", "f = [\n  lambda x:  x + 1,\n][0]\n"]
    other = "f = [\n    lambda x: x + 2,\n][0]\n"

    first, second = (_hash_of(monkeypatch, source) for source in laid_out)

    assert first == second != _hash_of(monkeypatch, other)


CLASS = "class F:\n    def step(self, x):\n        return x + 1\n"


def _found_class(monkeypatch, source: str) -> lookup.Found:
    """Define ``F`` as a cell does, whose class ``inspect`` cannot find, and look it up."""
    cell = f"<cell {len(linecache.cache)}>"
    monkeypatch.setitem(linecache.cache, cell, (len(source), None, source.splitlines(True), cell))
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(compile(source, cell, "exec"), namespace)
    monkeypatch.setattr(lookup, "_learner_namespace", lambda: namespace)
    return lookup.find("F", wants_class=True)


def test_a_class_of_stubs_is_not_started(monkeypatch):
    stub = (
        'class F:\n    """Add."""\n\n    def __init__(self, x):\n        """Set up."""\n'
        "        # YOUR CODE HERE\n        raise NotImplementedError()\n\n"
        "    def step(self, x):\n        raise NotImplementedError()\n"
    )

    found = _found_class(monkeypatch, stub)

    assert found.not_started
    assert "Nothing is written yet" in found.reason


def test_a_class_is_known_again_by_what_its_methods_do(monkeypatch):
    same = "class F:\n\n    def step(self, x):  # third try\n        return x  + 1\n"
    other = CLASS.replace("1", "2")

    first, again, changed = (
        _found_class(monkeypatch, source).answer_hash for source in (CLASS, same, other)
    )

    assert first == again != changed
