"""What the benchmarks say about their measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.rows import Row, compare
from tests.benchmarks.table import BEGIN, END, render, renew
from tests.benchmarks.timing import Times, interleave

ROOT = Path(__file__).resolve().parents[2]

TIMES = Times({"nnlib": [1.0, 2.0, 4.0], "slow": [9.0, 9.0, 9.0], "fast": [3.0, 5.0, 6.0]})


def test_the_fastest_peer_is_the_one_that_counts():
    row = compare("work", TIMES, must=2.0, aim=3.0)

    assert row.peer == "fast"
    # The ratios are 3, 2.5 and 1.5; all numbers are powers of two or their sums, hence exact.
    assert (row.ratio_median, row.ratio_min) == (2.5, 1.5)
    assert (row.ours_ms, row.peer_ms, row.rounds) == (2000.0, 5000.0, 3)


@pytest.mark.parametrize(
    ("must", "aim", "verdict"),
    [
        (None, None, "reported"),
        (2.6, 3.0, "below must"),
        (2.0, 3.0, "must reached"),
        (2.0, 2.5, "aim reached"),
    ],
)
def test_a_row_says_how_it_stands_to_what_was_asked(must, aim, verdict):
    assert compare("work", TIMES, must=must, aim=aim).verdict == verdict


def test_variants_take_turns_and_each_is_timed_once_a_round():
    calls: list[str] = []
    times = interleave(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=5, block_s=1e-4
    )

    assert {name: len(rounds) for name, rounds in times.rounds.items()} == {"a": 5, "b": 5}
    assert min(times.rounds["a"]) > 0
    joined = "".join(calls)
    assert "ab" in joined
    assert "ba" in joined


def record() -> dict[str, object]:
    rows = [compare("work", TIMES, must=2.0, aim=3.0), compare("more", TIMES)]
    return {
        "machine": {"processor": "P", "numpy": "2"},
        "date": "2026-01-01",
        "rows": [row.as_dict() for row in rows],
    }


def test_the_table_holds_every_row_with_what_was_asked():
    text = render(json.loads(json.dumps(record())))

    assert "| work | fast | 2.50 | 1.50 | 2 / 3 | 2000.000 | 5000.000 |" in text
    assert "| more | fast | 2.50 | 1.50 | – |" in text


def test_renewing_replaces_what_stands_between_the_marks_only(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")

    renew(path, "new")

    assert path.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_file_without_marks_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("no marks", encoding="utf-8")

    with pytest.raises(SystemExit, match="lacks the marks"):
        renew(path, "new")
    assert path.read_text(encoding="utf-8") == "no marks"


def test_the_published_table_has_every_row_that_the_project_asks_for():
    text = (ROOT / "nnlib" / "README.md").read_text(encoding="utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0]
    asked = [
        ("MLP 64-64-10, batch 32", "5 / 8"), ("MLP 64-64-10, batch 128", "3.5 / 5"),
        ("MLP 784-128-10, batch 128", "1.3 / 1.5"), ("MLP 784-512-512-10, batch 32", "1 / 1.3"),
        ("MLP 784-512-512-10, batch 512", "1 / 1.1"), ("CNN 28 × 28, batch 64", "0.9 / 1.05"),
        ("CNN 28 × 28, batch 64", "4 / 6"), ("exact Hessian, p = 550", "9 / 12"),
        ("exact Hessian, p = 1935", "9 / 12"), ("one Hessian product, p = 550", "10 / 15"),
        ("one Hessian product, p = 1935", "10 / 15"), ("32 Hessian products, p = 550", "2 / 3"),
        ("32 Hessian products, p = 1935", "2 / 3"),
        ("5-fold cross-validation, digits, batch 32", "4 / 8"),
        ("5-fold cross-validation, digits, batch 32", "1.3 / 1.8"),
    ]  # fmt: skip
    cells = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]

    for name, must_and_aim in asked:
        assert any(name in row and must_and_aim in row for row in cells), (name, must_and_aim)


def test_a_row_is_written_with_all_its_numbers():
    row = compare("work", TIMES, must=2.0, aim=3.0)

    assert {"name", "peer", "ratio_median", "ratio_min", "must", "aim"} <= row.as_dict().keys()
    assert Row(**row.as_dict()) == row
