"""Copies are found however they are dressed up; honest work is not."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

from grading.check.solution import source_of
from grading.exercises import all_exercises, exercise, exercises_of_unit
from grading.reporting import Work
from grading.similarity import (
    Source,
    UnitMatches,
    compare_exercise,
    compare_unit,
    fingerprints,
    runs,
    similarity_page,
    tokens_of,
)
from grading.similarity._comparing import CONTAINED, ENOUGH
from grading.similarity._unit import public_sources
from tests.grading.reporting.classes import (
    SLUG,
    Answer,
    Handed,
    person,
    released,
    result_of,
    right,
)

ROOT = Path(__file__).resolve().parents[3]

ORIGINAL = '''
def mlp_gradients(X, targets, W1, b1, W2, b2):
    """The stub's words."""
    rows = X.shape[0]
    pre = X @ W1 + b1
    post = np.where(pre > 0, pre, 0.0)
    out = post @ W2 + b2
    shifted = out - out.max(axis=1, keepdims=True)
    mass = np.exp(shifted)
    share = mass / mass.sum(axis=1, keepdims=True)
    picked = share[np.arange(rows), targets]
    cost = -np.log(picked).sum() / rows
    back = share.copy()
    back[np.arange(rows), targets] -= 1
    back = back / rows
    grad_W2 = np.einsum("ij,ik->jk", post, back)
    grad_b2 = np.ones(rows) @ back
    down = np.einsum("ik,jk->ij", back, W2)
    down[pre <= 0] = 0
    grad_W1 = np.einsum("ij,ik->jk", X, down)
    grad_b1 = np.ones(rows) @ down
    return cost, grad_W1, grad_b1, grad_W2, grad_b2
'''

OTHER = """
def mlp_gradients(X, targets, W1, b1, W2, b2):
    def softmax(logits):
        logits = logits - np.amax(logits, axis=-1)[:, None]
        exps = np.exp(logits)
        return exps / np.sum(exps, axis=-1)[:, None]

    N = len(X)
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    probs = softmax(np.dot(hidden, W2) + b2)
    onehot = np.eye(W2.shape[1])[targets]
    loss = -(onehot * np.log(probs)).sum(1).mean()
    delta2 = (probs - onehot) / N
    delta1 = delta2.dot(W2.T) * (hidden > 0)
    return loss, X.T.dot(delta1), delta1.sum(0), hidden.T.dot(delta2), delta2.sum(0)
"""
NAME = "mlp_gradients"


def renamed(source: str) -> str:
    """Other names, other layout, comments, hints, swapped operands."""
    table = {
        "rows": "n", "pre": "z1", "post": "h", "out": "z2", "shifted": "zz", "mass": "e",
        "share": "p", "picked": "pt", "cost": "L", "back": "d2", "down": "d1",
    }  # fmt: skip
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in table:
            node.id = table[node.id]
    text = ast.unparse(tree).replace("z1 = X @ W1 + b1", "z1: float = b1 + X @ W1  # first")
    return text.replace("z1 > 0", "0 < z1").replace("d2 = d2 / n", "d2 = (d2\n        / n)")


def reordered(source: str) -> str:
    """Independent statements in another order."""
    lines = source.strip().splitlines()
    moved = [line for line in lines if "grad_W2" in line or "grad_b2" in line][:2]
    rest = [line for line in lines if line not in moved]
    return "\n".join([*rest[:-1], *reversed(moved), rest[-1]])


def compare(*texts: str, name: str = NAME) -> list[tuple[str, str]]:
    sources = [Source(f"s{i}", text) for i, text in enumerate(texts)]
    found = compare_exercise(name, sources, public_sources(name, {}, {}))
    return [(match.left.owner, match.right.owner) for match in found.matches]


@pytest.mark.parametrize("disguise", [str, renamed, reordered, lambda s: reordered(renamed(s))])
def test_copy_is_found_in_disguise(disguise: object) -> None:
    assert compare(ORIGINAL, OTHER, disguise(ORIGINAL)) == [("s0", "s2")]  # type: ignore[operator]


def test_copy_inside_of_more_code_is_found() -> None:
    padded = ORIGINAL.replace(
        "    rows =", "    assert X.ndim == 2\n    print('hello')\n    rows ="
    )

    assert compare(ORIGINAL, padded + "\n\ndef helper(q):\n    return [q, q, q]\n") == [
        ("s0", "s1")
    ]


def test_two_honest_answers_are_no_pair() -> None:
    assert compare(ORIGINAL, OTHER) == []


def test_declared_right_answers_differ_from_each_other() -> None:
    """They were written as different ways; here nothing of them counts as public."""
    pairs = []
    for one in all_exercises():
        texts = [source_of(each, one.id) for each in (one.reference, *one.alternatives)]
        sources = [Source(str(i), text) for i, text in enumerate(texts)]
        pairs += compare_exercise(one.id, sources, ()).matches

    assert [(match.exercise, match.contained) for match in pairs] == []


def test_public_solutions_and_known_mistakes_are_no_evidence() -> None:
    one = exercise(NAME)
    functions = [one.reference, *one.alternatives, *(m.function for m in one.misconceptions)]
    texts = [source_of(each, one.id) for each in functions]

    assert compare(*texts, *map(renamed, texts)) == []


def test_function_that_is_too_small_gives_no_pair_and_says_so() -> None:
    text = "def relu_backward(x, dy):\n    return np.heaviside(x, 0) * dy\n"
    sources = [Source("a", text), Source("b", text)]

    found = compare_exercise("relu_backward", sources, public_sources("relu_backward", {}, {}))

    assert (found.matches, found.n_too_little) == ((), 2)


def test_what_much_of_the_class_has_is_no_evidence() -> None:
    """Six of thirty used the same tutorial; two of thirty share something else."""
    others = [
        textwrap.dedent(f"""
            def mlp_gradients(a, b, c, d, e, f):
                v{i} = [{i}, a, {i * 7}, [b, {i + 1}], {{c: {i}}}]
                for k in range({i}, {i * 3 + 1}):
                    v{i}.append((k ** {i}, d[{i}:k], e[k, {i}]))
                while f[{i}] > {i * 11}:
                    f = f[{i}:] + [{i}, {i * 2}, a if c else {i}]
                return v{i}, sum(v{i}[{i}:]), {i * 5}
        """)
        for i in range(22)
    ]

    found = compare(*[ORIGINAL] * 6, OTHER, renamed(OTHER), *others)

    assert found == [("s6", "s7")]


@pytest.mark.parametrize(
    "text",
    [
        "def f(:",
        "\x00",
        "x = '\ud800'",
        "(" * 20_000,
        "-" * 50_000 + "1",
        "1" + "+1" * 40_000,
        "a" + ".b" * 40_000,
        "not " * 20_000 + "1",
        "lambda:" * 10_000 + "1",
        "x = '" + "a" * 1_000_000 + "'",
        "x = 1\n" * 30_000,
        "x = " + "9" * 5_000,
        "x = 1e999j",
        "\n".join(" " * i + "if 1:" for i in range(90)),
        "'\\d' is 1",
        "",
    ],
    ids=range(16),
)
def test_hostile_code_never_stops_the_comparison(text: str) -> None:
    sources = [
        Source("a", text), Source("b", text), Source("c", ORIGINAL), Source("d", renamed(ORIGINAL)),
    ]  # fmt: skip

    found = compare_exercise(NAME, sources, [text])

    assert [(match.left.owner, match.right.owner) for match in found.matches] == [("c", "d")]


def test_code_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    tokens_of(f"__import__('pathlib').Path({str(mark)!r}).touch()\n" * 5)

    assert not mark.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a + b * c", "c * b + a"),
        ("a == b", "b == a"),
        ("a > b", "b < a"),
        ("f(x=1, y=2)", "f(y=2, x=1)"),
        ("x = 1", "x: int = 1.0"),
        ("x += y", "x = x + y"),
        ("def f(a: int) -> int:\n    'doc'\n    return a", "def g(b):\n    return b"),
        ("x = 'one'", "y = 'two'"),
    ],
)
def test_disguises_read_alike(one: str, other: str) -> None:
    first, second = tokens_of(one), tokens_of(other)
    assert first is not None
    assert second is not None

    def shape(tokens: tuple[object, ...]) -> list[int]:
        return [token[0] for token in tokens]  # type: ignore[index]

    assert shape(first) == shape(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a - b", "b * a"), ("np.exp(x)", "np.log(x)"), ("x[0]", "x[1]"), ("a < b", "a <= b")],
)
def test_different_code_reads_differently(one: str, other: str) -> None:
    assert tokens_of(one) != tokens_of(other)


def test_every_long_shared_stretch_leaves_a_shared_fingerprint() -> None:
    """What winnowing promises: no stretch of RUN + WINDOW - 1 tokens goes unnoticed."""
    shared = "\n".join(f"    w = np.tanh(w @ M{i}) - {i}" for i in range(3))
    one = f"def f(w):\n    a = [1, 2]\n{shared}\n    return w, a"
    other = f"def g(w):\n{shared}\n    q = {{3: w}}\n    return q"

    assert fingerprints(tokens_of(one)).keys() & fingerprints(tokens_of(other)).keys()


def test_hashes_do_not_depend_on_the_run_of_the_program() -> None:
    code = (
        "from grading.similarity import runs, tokens_of\n"
        "print(runs(tokens_of(open('/dev/stdin').read())).sum())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], input=ORIGINAL, text=True, capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip

    assert seen == {f"{runs(tokens_of(ORIGINAL)).sum()}\n"}


def unit() -> UnitMatches:
    """A unit in which two copied, two handed in one file, and one wrote a script."""
    book = released()
    by_id = {each.id: each for each in exercises_of_unit("01")}
    answers = [
        {NAME: Answer(ORIGINAL)},
        {NAME: Answer(renamed(ORIGINAL) + "\n# <script>alert(1)</script>")},
        {NAME: right(by_id[NAME])},
        {NAME: Answer(OTHER)},
        {},
    ]
    works = []
    for i, each in enumerate(answers):
        handed = Handed(person(i, first_name="<b>" if i == 1 else f"First{i}"), each)
        result = result_of(handed, SLUG, tuple(by_id.values()), book)
        digest = "same" if i in {3, 4} else f"{i}"
        works.append(Work(handed.learner, SLUG, result.__class__(
            **{**vars(result), "submission": digest})))  # fmt: skip
    stubs = {
        cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
        for cell in book["cells"]
        if "nbgrader" in cell["metadata"]
    }
    return compare_unit(works, SLUG, "Unit", by_id, stubs)


def test_page_shows_both_codes_and_says_what_it_is_not() -> None:
    found = unit()

    soup = BeautifulSoup(similarity_page([found]), "html.parser")

    assert [pair for pair, _ in found.pairs] == [("s000", "s001")]
    text = " ".join(soup.get_text(" ").split())
    assert "This is evidence for a person to read. It is not a score and not a verdict" in text
    assert "The very same file came from First3 Last003 (s003), First4 Last004 (s004)" in text
    left, right_ = soup.find_all("pre")
    assert "def mlp_gradients" in left.get_text()
    assert len(left.find_all("mark")) > 10
    assert right_.find("mark") is not None
    assert soup.find(["script", "b", "img"]) is None
    assert "# <script>alert(1)</script>" in right_.get_text()


def test_untouched_cells_are_not_compared() -> None:
    found = {each.exercise: each.n_answers for each in unit().exercises}

    assert found == {each.id: 4 if each.id == NAME else 0 for each in exercises_of_unit("01")}


def test_json_holds_numbers_and_no_code() -> None:
    content = unit().to_dict()

    assert content["pairs"][0]["learners"] == ["s000", "s001"]
    assert content["pairs"][0]["exercises"][0]["contained"] >= CONTAINED
    assert content["pairs"][0]["exercises"][0]["shared"] >= ENOUGH
    assert "einsum" not in str(content)


def class_of(n: int) -> list[Source]:
    """Answers put together at random from different ways to write each step."""
    rng = np.random.default_rng(n)
    ways = {
        "rows": ["X.shape[0]", "len(X)", "np.size(X, 0)", "targets.size"],
        "pre": ["X @ W1 + b1", "np.dot(X, W1) + b1", "np.matmul(X, W1) + b1[None]"],
        "post": ["np.maximum(pre, 0)", "pre * (pre > 0)", "np.where(pre > 0, pre, 0.0)"],
        "out": ["post @ W2 + b2", "np.add(post.dot(W2), b2)"],
        "mass": ["np.exp(out - out.max())", "np.exp(out - out.max(axis=1, keepdims=True))"],
        "share": ["mass / mass.sum(axis=1)[:, None]", "mass / np.sum(mass, 1, keepdims=True)"],
    }
    sources = []
    for i in range(n):
        lines = [f"    v{i}_{name} = {way[rng.integers(len(way))]}" for name, way in ways.items()]
        odd = [
            f"    t{k} = np.{['sin', 'cos', 'tanh', 'sqrt', 'log1p'][rng.integers(5)]}"
            f"(X[{rng.integers(9)}:, {rng.integers(9)}]) {'+-*/'[rng.integers(4)]} "
            f"b1[{rng.integers(30)}] {'+-*/'[rng.integers(4)]} {rng.integers(50)}"
            for k in range(12)
        ]
        sources.append(Source(f"s{i:05d}", "def mlp_gradients(X, targets, W1, b1, W2, b2):\n"
                              + "\n".join([*lines, *odd]) + "\n    return t1, t2"))  # fmt: skip
    return sources


def test_class_of_two_hundred_takes_seconds(record_property: pytest.RecordProperty) -> None:
    n = 1000 if os.environ.get("NNCOURSE_FULL") == "1" else 200
    sources = [*class_of(n), Source("copied", ORIGINAL), Source("copier", renamed(ORIGINAL))]

    start = time.perf_counter()
    found = compare_exercise(NAME, sources, public_sources(NAME, {}, {}))
    seconds = time.perf_counter() - start

    record_property(f"comparing {n} answers", f"{seconds:.2f} s of {n / 50:.0f} s")
    assert [(match.left.owner, match.right.owner) for match in found.matches] == [
        ("copied", "copier")
    ]
    assert seconds < 4 * n / 50


def test_there_are_many_pairs_to_tell_apart() -> None:
    """The class above shares lines, so that the index has something to do."""
    printed = [fingerprints(tokens_of(source.text)).keys() for source in class_of(20)]

    assert sum(bool(one & other) for one, other in combinations(printed, 2)) > 100


def test_same_file_without_an_answer_says_nothing() -> None:
    """Many hand in what they were given."""
    book = released()
    exercises = exercises_of_unit("01")
    works = [
        Work(person(i), SLUG, result_of(Handed(person(i)), SLUG, exercises, book)) for i in range(3)
    ]
    stubs = {
        cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"])
        for cell in book["cells"]
        if "nbgrader" in cell["metadata"]
    }

    assert compare_unit(works, SLUG, "Unit", {}, stubs).same_file == ()
    assert compare_unit(works, SLUG, "Unit", {}, {}).same_file == (("s000", "s001", "s002"),)
