"""``python -m grading.cli`` is ``nncourse``."""

from grading.cli import main

main()
