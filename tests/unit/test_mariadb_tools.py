"""Programs for backups of MariaDB: the server's own first, none of another series, and a clear word where there are none."""

from pathlib import Path

import pytest

from harness.errors import CannotMeasure
from harness.local import fetching, mariadb_tools
from harness.local.mariadb_fetch import MariaDb


def a_program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MariaDb:
    """A MariaDB 10.11.19 on a system that has no programs of it, nor a network to fetch them by."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mariadb_tools, "SYSTEM", tmp_path / "system")

    def no_network(*_: object) -> Path:
        raise CannotMeasure("apt-get failed: no network")

    monkeypatch.setattr(fetching, "unpack", no_network)
    root = tmp_path / "server"
    a_program(root / "usr/sbin/mariadbd", "mariadbd  Ver 10.11.19-MariaDB for debian-linux-gnu")
    return MariaDb(root=root)


def give(root: Path, version: str) -> None:
    for name in mariadb_tools.NAMES:
        a_program(
            root / "usr/bin" / name, f"{name} based on MariaDB server {version}-MariaDB debian-linux-gnu (x86_64)"
        )


def test_the_server_s_own_programs_come_before_the_system_s(server: MariaDb, tmp_path: Path) -> None:
    """They are of the same build."""
    give(tmp_path / "system", "10.11.8")
    assert mariadb_tools.find(server, tmp_path)["mariadb-backup"].path == tmp_path / "system/usr/bin/mariadb-backup"
    give(server.root, "10.11.19")
    assert mariadb_tools.find(server, tmp_path)["mariadb-backup"].path == server.root / "usr/bin/mariadb-backup"


def test_a_backup_program_of_another_series_is_refused_with_both_versions(server: MariaDb, tmp_path: Path) -> None:
    """It would misread the server's files."""
    give(tmp_path / "system", "10.6.12")
    with pytest.raises(CannotMeasure, match=r"is of MariaDB 10\.6\.12, the server is 10\.11\.19$"):
        mariadb_tools.find(server, tmp_path)


def test_without_programs_and_network_the_packages_are_named(server: MariaDb, tmp_path: Path) -> None:
    """They can be installed by hand."""
    with pytest.raises(CannotMeasure, match="no mariadb-backup and mariadb-client: apt-get failed: no network"):
        mariadb_tools.find(server, tmp_path)


def test_of_debian_s_packages_only_these_programs_are_kept(
    server: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty others would fill the cache."""

    def unpack(_: object, folder: Path) -> Path:
        give(folder / "root", "10.11.19")
        a_program(folder / "root/usr/bin/mariadb-slap", "no")
        return folder / "root"

    monkeypatch.setattr(fetching, "unpack", unpack)
    found = mariadb_tools.find(server, tmp_path)
    folder = found["mariadb"].path.parent
    assert {path.name for path in folder.iterdir()} == set(mariadb_tools.NAMES)
