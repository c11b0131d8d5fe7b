"""``python -m grading.cli`` is ``nncourse``."""

from grading.cli import main

if __name__ == "__main__":
    main()
