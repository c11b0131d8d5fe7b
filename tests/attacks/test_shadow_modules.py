"""Put modules of the same names beside the notebook: numpy.py, grading.py, sitecustomize.py."""

from __future__ import annotations

from collections.abc import Mapping

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

SHADOW = b"""\
allclose = isclose = array_equal = lambda *a, **k: True
check = passed = lambda *a: 3.0
def __getattr__(name):
    return lambda *a, **k: True
"""


def pack(text: bytes, slug: str) -> Mapping[str, bytes]:
    names = ("numpy.py", "grading.py", "sitecustomize.py", "usercustomize.py", "json.py", "re.py")
    shadows = dict.fromkeys(names, SHADOW)
    packages = {"grading/__init__.py": SHADOW, "grading/check/__init__.py": SHADOW}
    return {f"{slug}.ipynb": text, **shadows, **packages, "conftest.py": b"1 / 0\n"}


ATTACK = Attack(
    tries="puts numpy.py, grading.py and sitecustomize.py beside the notebook",
    aims=("grade", "host"),
    pack=pack,
)


def test_shadow_modules_are_not_imported(arena: Arena) -> None:
    arena.withstands(ATTACK)
