"""Run the benchmarks: ``python -m tests.benchmarks [PART ...] [--rounds N]``."""
# It speaks to a terminal, and sets the number of threads before NumPy is imported:
# ruff: file-ignore[print, module-import-not-at-top-of-file]

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy is imported: afterwards it is too late
os.environ["NNLIB_FUSED"] = "1"  # compiled twins from the first step on; rows without them say so

import argparse
import json
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import torch

from tests.benchmarks.rows import Row
from tests.benchmarks.table import machine, render, renew

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "benchmarks.json"
PARTS = ("mlp", "cnn", "curvature", "cross_validation", "layers")


def main() -> int:
    """Measure, print, write build/benchmarks.json and the table in nnlib/README.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each, default 9")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error(f"--rounds is {options.rounds}, expected at least 5 to speak of a median")
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}, expected some of {', '.join(PARTS)}")
    torch.set_num_threads(1)
    rows: list[Row] = []
    for part in options.parts or PARTS:
        for row in import_module(f"tests.benchmarks.{part}").rows(options.rounds):
            rows.append(row)
            print(
                f"{row.name} against {row.peer}: {row.ratio_median:.2f} (least "
                f"{row.ratio_min:.2f}), {row.ours_ms:.3f} ms against {row.peer_ms:.3f} ms, "
                f"{row.verdict}",
                flush=True,
            )
    if options.parts:
        return 0  # a part is a look; only a whole run is a record
    reports = import_module("tests.benchmarks.scaling").REPORTS
    record = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "rows": [row.as_dict() for row in rows],
        **{name: report(options.rounds) for name, report in reports.items()},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    renew(ROOT / "nnlib" / "README.md", render(record))
    print(f"written: {RESULTS.relative_to(ROOT)} and the table in nnlib/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
