"""A copy of a data directory: all of it, nobody else's, in place of what was there."""

import socket
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.local.topologies.cloning import clone


def a_source(folder: Path) -> Path:
    source = folder / "source"
    (source / "below" / "empty").mkdir(parents=True)
    (source / "first").write_bytes(b"one")
    (source / "below" / "second").write_bytes(bytes(100_000))
    (source / "first").chmod(0o644)
    return source


def keeper(given: list[Path]) -> Any:
    return SimpleNamespace(give=given.append)


def test_every_file_and_folder_is_copied_given_to_the_servers_and_closed_to_others(tmp_path: Path) -> None:
    """What was readable by all at the source isn't in the copy."""
    given: list[Path] = []
    target = tmp_path / "target"
    clone(keeper(given), a_source(tmp_path), target)
    assert (target / "first").read_bytes() == b"one"
    assert (target / "below" / "second").read_bytes() == bytes(100_000)
    assert sorted(given) == [target, *sorted(target.rglob("*"))]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in given} == {0}


def test_what_was_there_is_gone(tmp_path: Path) -> None:
    """A rebuilt server has nothing of its past, which may contradict its writer's."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "of_the_past").touch()
    clone(keeper([]), a_source(tmp_path), target)
    assert {path.name for path in target.iterdir()} == {"below", "first"}


def test_a_socket_that_a_killed_server_left_is_not_copied(tmp_path: Path) -> None:
    """It can't be, and it is nobody's."""
    source = a_source(tmp_path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(source / "socket"))
    clone(keeper([]), source, tmp_path / "target")
    assert not (tmp_path / "target" / "socket").exists()
