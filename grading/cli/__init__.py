"""The command ``nncourse``.

Each command lives in a module of its own and imports what it needs when it runs, so that
``nncourse --help`` answers at once. A ``Refusal`` raised anywhere becomes one sentence on
stderr and exit status 2; anything else is a defect and keeps its traceback.

- ``main``: the entry point;
- ``app``: the Typer application, for tests.
"""

from __future__ import annotations

from grading.cli._app import app, main

__all__ = ["app", "main"]
