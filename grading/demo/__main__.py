"""``python -m grading.demo``: 60 made-up learners, one command."""

from __future__ import annotations

import sys
from pathlib import Path

from grading.cli._app import use_utf8
from grading.demo import demonstrate
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
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else course_root() / "build" / "grade-demo"
    try:
        demonstrate(folder)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
