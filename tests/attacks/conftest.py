"""One arena for the whole suite: its sandbox stays warm from attack to attack."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks._arena import Arena

SLUGS = ("00-start-here", "04-hessian")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every attack needs a box that holds it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sandbox)


@pytest.fixture(scope="session")
def arena(requires_sandbox: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Return the class in which all attacks of the session take place."""
    del requires_sandbox
    os.environ["NN_ATTACK_CANARY"] = f"canary-{secrets.token_hex(8)}"
    made = Arena(tmp_path_factory.mktemp("arena"), SLUGS)
    yield made
    made.close()
    del os.environ["NN_ATTACK_CANARY"]
