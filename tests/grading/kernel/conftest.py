"""One run of plain nbgrader for all tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grading.kernel import NbgraderCourse, open_course

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Plain:
    """What plain nbgrader made of two courses."""

    folder: Path
    seconds: dict[str, float]
    scores: dict[str, Any]

    def course(self, slug: str) -> NbgraderCourse:
        return open_course(self.folder / {"ps1": "course101", "hw1": "signals é"}[slug])


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plain:
    folder = tmp_path_factory.mktemp("plain")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("plain_nbgrader.py")), str(folder)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JUPYTER_CONFIG_DIR": str(folder / "none"),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return Plain(folder, **json.loads((folder / "plain.json").read_text("utf-8")))
