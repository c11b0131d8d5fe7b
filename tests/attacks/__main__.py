"""Measure all attacks on both sides and write the table: ``python -m tests.attacks``.

Ours runs as in the tests. Plain ``nbgrader autograde`` runs in a bubblewrap that is thrown away,
without network; what only a limit would stop is not run there. Takes about twenty minutes.
``--only NAME`` measures some attacks and prints them, without writing the table.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from grading.house import course_root
from tests.attacks import _plain
from tests.attacks._arena import Arena
from tests.attacks._attack import Attack
from tests.attacks._outcome import Outcome
from tests.attacks.conftest import SLUGS

HERE = Path(__file__).parent
TABLE = course_root() / "docs" / "attacks.md"
TOTALS = {"mean_squared_error": 3.0, "predict_shapes": 4.0}

INTRODUCTION = """\
# Attacks on the grader

Each row is a file `tests/attacks/test_NAME.py`. The same hostile notebook was graded by plain
`nbgrader autograde` {nbgrader}, twice, and by ours, each time beside an honest neighbor. Bold is
what an attacker gains or somebody loses. "As deserved" means: the points that the work deserves (0
of 3 for the attacked exercise, 4 of 4 for the honest one beside it, unless the row says otherwise),
no secret in anything that the learner gets back, nothing left on the machine, the neighbor's result
the same, the batch complete, nothing in a page that runs.

- *Assert cells*: a notebook with the same two exercises, checked by ordinary assert cells with
  hidden tests, nbgrader's own settings but for a time limit of {cell} s a cell.
- *The course's checks*: unit 00 as released; its test cells call `check` in the learner's process.
- *No score*: the notebook waits for a person, and an honest answer in it as well.
- *Not run*: would harm the machine, because plain nbgrader has no limit that would stop it.
- *No such place*: there is nothing of the kind to attack.

Measured by `python -m tests.attacks` on Python {python}, one run; plain nbgrader in a bubblewrap
without network. What no sandbox stops: a learner may hand in somebody else's right answer.

| attack | plain nbgrader, assert cells | plain nbgrader, the course's checks | ours |
|---|---|---|---|
"""


def attacks() -> dict[str, Attack]:
    """Return every attack by the name of its file."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.attacks.{path.stem}")
        if hasattr(module, "ATTACK"):
            found[path.stem.removeprefix("test_")] = module.ATTACK
    return found


def plain_cell(attack: Attack, box: _plain.Box, variant: str, work: Path) -> str:
    """Measure an attack against plain nbgrader, and say what came of it."""
    if attack.harm:
        return f"not run: {attack.harm}"
    if attack.plain == "none" or (attack.plain == "checks" and variant == "asserts"):
        return "no such place"
    folder = Path(tempfile.mkdtemp(dir=work))
    try:
        outcome = _plain.measure(attack, box, variant, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return said(attack, outcome)


def said(attack: Attack, outcome: Outcome) -> str:
    """Put an outcome into the words of the table."""
    totals = {**dict.fromkeys(attack.points, 3.0), **TOTALS}
    return (
        outcome
        .sentence({**attack.points, **attack.at_most}, totals)
        .replace("|", "/")
        .replace("\n", " ")
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--kept", type=Path, help="a JSON file of rows measured before")
    options = parser.parse_args()
    chosen = {name: a for name, a in attacks().items() if not options.only or name in options.only}
    kept: dict[str, list[str]] = {}
    if options.kept is not None and options.kept.exists():
        kept = json.loads(options.kept.read_text(encoding="utf-8"))
    os.environ["NN_ATTACK_CANARY"] = f"canary-{secrets.token_hex(8)}"
    rows = []
    with tempfile.TemporaryDirectory(prefix="attacks-") as name:
        work = Path(name)
        for part in ("box", "arena", "copies"):
            (work / part).mkdir()
        box = _plain.make_box(work / "box")
        arena = Arena(work / "arena", SLUGS)
        try:
            for i, (key, attack) in enumerate(chosen.items(), start=1):
                print(f"{i} of {len(chosen)}: {key}", file=sys.stderr, flush=True)  # ruff: ignore[print]
                if key not in kept:
                    cells = [plain_cell(attack, box, v, work / "copies") for v in _plain.SLUGS]
                    kept[key] = cells
                    if options.kept is not None:
                        options.kept.write_text(json.dumps(kept, indent=1), encoding="utf-8")
                ours = said(attack, replace(arena.measured(attack), note=""))
                row = [f"`{key}`: {attack.tries}", *kept[key], ours]
                rows.append("| " + " | ".join(row) + " |")
                print(rows[-1], file=sys.stderr, flush=True)  # ruff: ignore[print]
        finally:
            arena.close()
    if not options.only:
        python = ".".join(map(str, sys.version_info[:3]))
        head = INTRODUCTION.format(
            nbgrader=version("nbgrader"), cell=_plain.CELL_TIMEOUT_S, python=python
        )
        TABLE.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
