"""``python -m grading.demo``: made-up learners, one command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grading.cli._app import use_utf8
from grading.demo import LARGEST, SMALLEST, demonstrate
from grading.house import course_root
from grading.refusals import Refusal


def main() -> int:
    """Run the demonstration in a fresh folder under ``build``.

    Returns
    -------
    int
        0, or 2 if this machine refuses.
    """
    use_utf8()
    parser = argparse.ArgumentParser(
        prog="python -m grading.demo",
        description="Release, grade, report, export: a class of made-up learners.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=course_root() / "build" / "grade-demo",
        help="where everything goes; build/grade-demo without it",
    )
    parser.add_argument(
        "--learners",
        type=int,
        default=60,
        metavar="N",
        help=f"size of the class, {SMALLEST} to {LARGEST}; 60 without it",
    )
    given = parser.parse_args()
    try:
        demonstrate(given.folder, n=given.learners)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
