"""Source is read without being run, whatever stands in it."""

from __future__ import annotations

import time

import pytest

from grading.broker._code import Code
from grading.broker._transforming import MAX_LENGTH, as_python

STUB = 'def f(x):\n    """Double x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()\n'


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x):\n    y = 1", {"f"}),
        ("class F:\n    y = 1", {"F"}),
        ("f = g = lambda x: x", {"f", "g"}),
        ("import numpy as np\nimport os.path\nfrom math import pi, e as euler",
         {"np", "os", "pi", "euler"}),
        ("if True:\n    f = 1\nelse:\n    def g(): pass", {"f", "g"}),
        ("for i in range(3):\n    pass", {"i"}),
        ("with open('x') as file:\n    pass", {"file"}),
        ("(a, [b, *c]) = 1, [2, 3]", {"a", "b", "c"}),
        ("f(", set()),
        ("", set()),
        ("a.b = 1\nc[0] = 2", set()),
    ],
)  # fmt: skip
def test_names_bound_at_the_top_level_are_found(source: str, names: set[str]) -> None:
    assert Code(source).bound == names


@pytest.mark.parametrize(
    "source",
    [
        STUB,
        STUB + "# a remark",
        "def f(x):\n    pass",
        'def f(x):\n    """Only this."""',
        "def f(x): ...",
        "class f:\n    def a(self):\n        raise NotImplementedError\n    def b(self): pass",
    ],
)
def test_unwritten_function_is_recognized(source: str) -> None:
    assert Code(source).is_unwritten("f")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return None",
        "def f(x):\n    x",
        "def f(x):\n    raise ValueError('NotImplementedError')",
        "def g(x):\n    pass",
        "f = 1",
        "class f:\n    pass",
        "def f(x:",
    ],
)
def test_written_function_is_not_taken_for_a_stub(source: str) -> None:
    assert not Code(source).is_unwritten("f")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (STUB.replace("    # YOUR CODE HERE\n", ""), True),
        (STUB.replace("    ", "\t"), True),
        (STUB + "\n\n\n# end", True),
        (STUB.replace("raise NotImplementedError()", "return 2 * x"), False),
        (STUB + "x = 1", False),
        ("", False),
    ],
)
def test_comments_and_white_space_make_no_other_source(other: str, same: bool) -> None:
    assert Code(STUB).same_as(Code(other)) is same


HOSTILE = {
    "deep brackets": "(" * 5_000 + ")" * 5_000,
    "long sum": "x = 1" + " + 1" * 40_000,
    "many minuses": "x = " + "-" * 20_000 + "1",
    "power": "x = 9 ** 9 ** 9 ** 9",
    "repeated text": "x = 'a' * 10 ** 12",
    "null": "x = '\x00'",
    "surrogates": "x = '\ud800'",
    "many lines": "\n" * 150_000,
    "many commands": "!a\n" * 5_000,
    "spaces and questions": ("?" + " " * 100) * 150 + "x",
    "too long": "x = 1\n" * 60_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_source_is_read_in_a_moment(name: str) -> None:
    began = time.perf_counter()

    code = Code.shared(HOSTILE[name])
    answers = (code.is_blank, code.bound, code.used, code.line_of("x"), code.same_as(Code(STUB)))

    assert answers[-1] is False
    assert time.perf_counter() - began < 20  # usually below 0.5 s; without caps, minutes


@pytest.mark.parametrize(
    "source",
    [
        "x = 5 % 3",
        "text = '''\n% of all\n'''",
        "def f(x):\n    return x",
        "!" * (MAX_LENGTH + 1),
    ],
)
def test_source_without_commands_stays_as_it_is(source: str) -> None:
    assert as_python(source).rstrip("\n") == source.rstrip("\n")


@pytest.mark.parametrize(
    "source",
    ["%time x = 1", "!ls", "x = !ls", "?print", "print?", "%%bash\nrm -rf /", "%%time\nx = 1"],
)
def test_commands_become_python(source: str) -> None:
    assert Code(source).tree is None
    assert Code(as_python(source)).tree is not None
