"""The folder that a sandbox sees as its file system."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grading.refusals import Refusal
from grading.sandbox import build_image
from grading.sandbox._image import (
    CACHE_VARIABLE,
    cache_folder,
    closure,
    image_key,
    remove_image,
    wanted,
)

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o755)
    yield folder
    remove_image(folder)


@pytest.fixture(scope="module")
def image(cache: Path) -> Path:
    return build_image(modules=["numpy"], cache=cache)


def test_it_is_built_once(image: Path, cache: Path) -> None:
    before = image.stat().st_ctime_ns

    assert build_image(modules=["numpy", "math"], cache=cache) == image
    assert image.stat().st_ctime_ns == before


def test_everyone_can_read_it_and_nobody_can_write_it(image: Path) -> None:
    for path in [image, *image.rglob("*")]:
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path
        assert mode & stat.S_IROTH, path
        assert not path.is_dir() or mode & stat.S_IXOTH, path


def test_it_holds_no_shell_no_tests_and_no_setuid_program(image: Path) -> None:
    names = {path.name for path in image.rglob("*")}
    assert not names & {"sh", "bash", "ld.so.cache", "passwd", "pip", "ensurepip", "idlelib"}

    programs = [
        path.relative_to(image).as_posix()
        for path in image.rglob("*")
        if path.is_file() and path.stat().st_mode & stat.S_IXUSR and "/bin/" in path.as_posix()
    ]
    assert programs == ["python/bin/python"]
    assert not any(
        path.stat().st_mode & stat.S_ISUID for path in image.rglob("*") if path.is_file()
    )


def test_no_link_in_it_leads_out(image: Path) -> None:
    links = [path for path in image.rglob("*") if path.is_symlink()]

    assert [link.relative_to(image).as_posix() for link in links] == ["dev/shm"]
    assert links[0].readlink() == Path("../tmp")


def test_modules_bring_what_they_require_and_nothing_else(cache: Path) -> None:
    assert set(closure(["scipy"])) == {"numpy", "scipy"}
    assert wanted(["math", "scipy.special", "os.path"]) == ["numpy", "scipy"]
    assert "scikit-learn" in closure(["scikit_learn"])


def test_the_key_names_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    found = closure(["numpy"])
    key = image_key(found)

    assert key == image_key(found)
    assert key != image_key(closure(["scipy"]))
    monkeypatch.setattr("grading.sandbox._image.LAYOUT", 10**6)
    assert key != image_key(found)


def test_what_is_not_installed_is_refused_by_name(cache: Path) -> None:
    with pytest.raises(Refusal, match="pip install no-such-thing"):
        build_image(["no-such-thing"], cache=cache)
    with pytest.raises(Refusal, match="no_such_module"):
        build_image(modules=["no_such_module"], cache=cache)


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(Refusal, match=CACHE_VARIABLE):
        build_image(modules=["numpy"], cache=folder)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(Refusal, match=CACHE_VARIABLE):
        build_image(modules=["numpy"], cache=tmp_path / "file")


def test_images_of_other_content_go_after_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(image: Path, _: object) -> None:
        image.mkdir()
        (tmp_path / f"{image.name}.used").touch()

    monkeypatch.setattr("grading.sandbox._image._build", build)
    for name, age in (("old", 8 * 24 * 3600), ("recent", 3600)):
        folder = tmp_path / name / "sub"
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
        (folder / "file").chmod(0o444)
        folder.chmod(0o555)
        mark = tmp_path / f"{name}.used"
        mark.touch()
        os.utime(mark, (time.time() - age,) * 2)

    built = build_image(modules=["numpy"], cache=tmp_path)

    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"recent", built.name}
    remove_image(tmp_path)


def test_a_half_built_image_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("grading.sandbox._image._copy_python", full)
        with pytest.raises(Refusal, match="No space left"):
            build_image(modules=["numpy"], cache=tmp_path)

    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_environment_names_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path

    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert cache_folder() == Path("/var/cache/nncourse/sandbox")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cache_folder().name == "sandbox"
    assert "nncourse" in cache_folder().parts
