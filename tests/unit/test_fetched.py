"""What tests and benchmarks fetch: pinned, put in place whole, and a clear word where it can't be had."""

from pathlib import Path

import pytest

from harness.errors import CannotMeasure
from harness.local import fetching
from tools import fetched


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_lock_file_names_no_host() -> None:
    """It must install from whatever registry npm is set to."""
    text = (fetched._NPM / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert '"integrity"' in text


def test_every_python_program_is_pinned_to_the_version() -> None:
    """Each line of tools/python is one exact version, and no address."""
    pins = [line for path in fetched._PYTHON.glob("*.txt") for line in path.read_text().splitlines()]
    assert {"awscli", "moto"} <= {line.partition("==")[0] for line in pins}
    assert not [line for line in pins if line.count("==") != 1 or "@" in line]


def test_what_fails_to_install_leaves_nothing_behind(cache: Path) -> None:
    """A half-made folder would be taken for a whole one by the next run."""

    def install(folder: Path) -> None:
        (folder / "half").touch()
        raise CannotMeasure("no network")

    with pytest.raises(CannotMeasure, match="no network"):
        fetching.cached("thing", [], install)
    assert list((cache / "others").iterdir()) == []


def test_what_is_installed_stays_until_its_pins_change(cache: Path, tmp_path: Path) -> None:
    """The folder's name holds a digest of the pins."""
    pins = tmp_path / "pins.txt"
    made: list[Path] = []

    def install(folder: Path) -> None:
        (folder / "program").touch()
        made.append(folder)

    pins.write_text("thing==1\n")
    first = fetching.cached("thing", [pins], install)
    assert fetching.cached("thing", [pins], install) == first
    assert (first / "program").exists()
    assert len(made) == 1
    pins.write_text("thing==2\n")
    assert fetching.cached("thing", [pins], install) != first
    assert len(made) == 2


def test_without_node_the_error_says_what_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tests that need it fail with this line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMeasure, match="node 20 or newer and npm are needed"):
        fetched.node_modules()


def test_an_old_node_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Debian 12 has 18."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(CannotMeasure, match="need node 20 or newer, this is v18"):
        fetched.node_modules()


def test_a_step_that_fails_is_told_by_its_last_line() -> None:
    """What npm or pip said last says most."""
    with pytest.raises(CannotMeasure, match="^sh failed: the last word$"):
        fetching.run(["sh", "-c", "echo first >&2; echo the last word >&2; exit 1"])


def test_without_apt_the_error_names_the_package_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system that isn't Debian's."""
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(CannotMeasure, match="no apt-get to fetch redis-server with; install redis-server"):
        fetching.debian_package("redis-server")
