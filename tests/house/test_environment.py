"""pyproject.toml is the one place for versions; the files around it agree with it."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
CONDA = yaml.safe_load((CHECKOUT / "environment.yml").read_text("utf-8"))


def pins() -> dict[str, str]:
    """Return the version that constraints.txt fixes for each package."""
    lines = (CHECKOUT / "constraints.txt").read_text("utf-8").splitlines()
    found = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in found}


def declared() -> list[Requirement]:
    """Return every requirement of pyproject.toml but those on this package itself."""
    lines = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    return [r for r in map(Requirement, lines) if r.name != PROJECT["name"]]


def test_conda_gives_python_and_pip_and_this_package() -> None:
    """A version written in two places is wrong in one of them after the next change."""
    *plain, last = CONDA["dependencies"]

    assert plain == ["python" + PROJECT["requires-python"], "pip"]
    assert last == {"pip": ["-c constraints.txt", "-e ."]}


def test_classifiers_begin_with_the_oldest_python() -> None:
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))

    assert ">=" + versions[0] == PROJECT["requires-python"]


def test_hosted_workflow_runs_every_python_of_pyproject() -> None:
    text = (CHECKOUT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))

    assert yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"]["python"] == versions


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    """An address, a local path or a build label would tie the tested set to one machine."""
    lines = (CHECKOUT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = [line for line in lines if not line.startswith("#")]

    odd = [line for line in pinned if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert odd == []
    assert pinned == sorted(set(pinned))


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_every_requirement_has_a_pin_in_its_range(requirement: Requirement) -> None:
    version = pins()[canonicalize_name(requirement.name)]

    assert requirement.specifier.contains(version)


def test_everything_the_pins_need_is_pinned() -> None:
    """Otherwise a new release of a package in the second row changes what the class gets."""
    fixed = pins()

    open_ends = [
        f"{name} needs {need.name}"
        for name in fixed
        for line in requirements_of(name)
        if (need := Requirement(line)).marker is None or need.marker.evaluate({"extra": ""})
        if canonicalize_name(need.name) not in fixed
    ]

    assert open_ends == []


def requirements_of(name: str) -> list[str]:
    """Return what an installed package needs; nothing for one that this machine lacks."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def test_torch_is_the_release_that_was_tested() -> None:
    assert EXTRAS["torch"] == ["torch==" + pins()["torch"]] == ["torch==2.13.0"]


def test_all_holds_every_other_extra() -> None:
    (line,) = EXTRAS["all"]

    assert Requirement(line).extras == set(EXTRAS) - {"all"}
    assert set(EXTRAS) == {"torch", "tensorboard", "instructor", "cluster", "speed", "dev", "all"}


def test_no_extra_repeats_what_every_learner_has() -> None:
    core = {Requirement(line).name for line in PROJECT["dependencies"]}
    added = {Requirement(line).name for extra in EXTRAS.values() for line in extra}

    assert core & added == set()
