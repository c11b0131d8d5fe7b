"""Make the records of figures anew: ``python -m nnlib.widgets NAME ...``.

A name is that of a figure's module with a function ``record``, such as ``threshold_explorer``.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

from nnlib.widgets._page import FOLDER


def main(names: list[str]) -> int:
    """Write what ``record()`` of each module returns to its JSON file, one key to a line."""
    for name in names:
        record = import_module(f"nnlib.widgets.{name}").record()
        lines = [
            f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
            for key, value in record.items()
        ]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}.json: {len(text) / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
