"""A copy of a data directory: all of it, nobody else's, in place of what was there."""

import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ServerFailed
from harness.local.topologies.cloning import clone


def a_source(folder: Path) -> Path:
    source = folder / "source"
    (source / "below" / "empty").mkdir(parents=True)
    (source / "first").write_bytes(b"one")
    (source / "below" / "second").write_bytes(bytes(100_000))
    return source


def keeper(folder: Path, given: list[Path]) -> Any:
    """A warden whose servers run as ourselves."""
    codes: dict[str, int] = {}

    def spawn(name: str, argv: list[str], *, log: Path) -> None:
        with log.open("w") as said:
            codes[name] = subprocess.run(argv, stderr=said, check=False).returncode

    return SimpleNamespace(give=given.append, scratch=folder, spawn=spawn, wait=lambda name, _: codes[name])


def test_every_file_and_folder_is_copied_and_closed_to_others(tmp_path: Path) -> None:
    """Only the servers' user may enter the copy."""
    given: list[Path] = []
    target = tmp_path / "target"
    clone(keeper(tmp_path, given), a_source(tmp_path), target)
    assert (target / "first").read_bytes() == b"one"
    assert (target / "below" / "second").read_bytes() == bytes(100_000)
    assert (target / "below" / "empty").is_dir()
    assert given == [target]
    assert stat.S_IMODE(target.stat().st_mode) == 0o700


def test_what_was_there_is_gone(tmp_path: Path) -> None:
    """A rebuilt server has nothing of its past, which may contradict its writer's."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "of_the_past").touch()
    clone(keeper(tmp_path, []), a_source(tmp_path), target)
    assert {path.name for path in target.iterdir()} == {"below", "first"}


def test_what_cannot_be_copied_is_said_in_the_words_of_who_tried(tmp_path: Path) -> None:
    """A folder that isn't there."""
    with pytest.raises(ServerFailed, match=r"absent can't be copied to .*: cp ended with exit code 1\n.*absent"):
        clone(keeper(tmp_path, []), tmp_path / "absent", tmp_path / "target")
