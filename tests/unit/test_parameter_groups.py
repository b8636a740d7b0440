"""A parameter group's words: in-sync, applying, pending-reboot."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from harness.errors import CannotMeasure
from harness.sql.operations.catalogue import ApplyType, MariaDbCatalogue, PostgresCatalogue
from harness.sql.operations.parameters import ParameterGroup


class Told:
    """A server that keeps what it is configured with."""

    name = "told"

    def __init__(self) -> None:
        self.settings: Mapping[str, str] = {}

    def configure(self, settings: Mapping[str, str]) -> None:
        self.settings = settings


class Instance:
    """An instance whose server heeds what it is told at the second look, static parameters at a reboot."""

    engine = "mysql"

    def __init__(self) -> None:
        self.server: Any = Told()
        self.heeded: dict[str, str] = {}
        self.seen: list[str] = []
        self.group = ParameterGroup(self, Catalogue(self), {"log_bin": "binlog"})  # type: ignore[arg-type] # a stand-in

    @contextmanager
    def administered(self) -> Iterator[Any]:
        yield None

    def reload(self, *, at_a_start: Collection[str] = ()) -> None:
        """Nothing is read from a file."""

    def reboot(self) -> None:
        self.heeded = dict(self.server.settings)
        self.group.rebooted()


class Catalogue:
    """Names that begin with s are static."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def apply_types(self, connection: object, names: Iterable[str]) -> dict[str, ApplyType]:
        return {name: "static" if name.startswith("s") else "dynamic" for name in names}

    def apply(self, connection: object, values: Mapping[str, str | None]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def pending(self, connection: object, values: Mapping[str, str]) -> set[str]:
        instance = self._instance
        instance.seen.append(instance.group.status)
        waiting = {name for name, value in values.items() if instance.heeded.get(name) != value}
        instance.heeded.update(self._values)
        return waiting


def test_a_dynamic_parameter_is_applied_at_once_and_applying_until_the_server_heeds_it() -> None:
    """The server is asked twice: it heeds the change after the first look."""
    instance = Instance()
    (change,) = instance.group.modify({"dynamic": "1"})
    assert instance.seen[:2] == ["applying", "applying"]
    assert (change.apply_type, change.before, change.after) == ("dynamic", "in-sync", "in-sync")
    assert change.applied_s is not None
    assert instance.group.status == "in-sync"


def test_a_static_parameter_is_pending_until_a_reboot() -> None:
    """It is in the server's settings already, which the next start reads."""
    instance = Instance()
    (change,) = instance.group.modify({"static": "1"})
    assert (change.apply_type, change.before, change.after, change.applied_s) == (
        "static",
        "in-sync",
        "pending-reboot",
        None,
    )
    words = [instance.group.status]
    assert instance.server.settings == {"log_bin": "binlog", "static": "1"}
    instance.reboot()
    assert [*words, instance.group.status] == ["pending-reboot", "in-sync"]


def test_a_static_parameter_that_the_server_has_already_takes_no_reboot() -> None:
    """RDS says in-sync too where nothing differs."""
    instance = Instance()
    instance.heeded["static"] = "1"
    (change,) = instance.group.modify({"static": "1"})
    assert change.after == "in-sync"


def test_a_group_of_both_applies_the_one_and_waits_with_the_other() -> None:
    """One modification, two kinds."""
    instance = Instance()
    after = {change.name: change.after for change in instance.group.modify({"dynamic": "1", "static": "2"})}
    assert after == {"dynamic": "in-sync", "static": "pending-reboot"}


def test_taking_a_static_parameter_back_is_pending_too() -> None:
    """Until then the server runs with what it was given."""
    instance = Instance()
    instance.group.modify({"static": "1"})
    instance.reboot()
    (change,) = instance.group.modify({})
    assert (change.value, change.after) == (None, "pending-reboot")
    assert instance.server.settings == {"log_bin": "binlog"}


def test_nothing_is_done_where_nothing_differs() -> None:
    """A group that is applied again."""
    instance = Instance()
    instance.group.modify({"dynamic": "1"})
    assert instance.group.modify({"dynamic": "1"}) == []


class Answers:
    """A connection whose only answer is these rows."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self._rows = list(rows)

    def query(self, _: str) -> list[tuple[Any, ...]]:
        return self._rows


def test_a_parameter_that_there_is_not_is_named_with_the_nearest_that_there_is() -> None:
    """As the configuration names keys."""
    mysql: Any = Answers(("sync_binlog", 0, 1), ("version", 1, 0), ("max_connections", 0, 1))
    with pytest.raises(CannotMeasure, match="MySQL has no parameter sync_binlogs; did you mean sync_binlog?"):
        MariaDbCatalogue().apply_types(mysql, ["sync_binlogs"])
    with pytest.raises(CannotMeasure, match="MySQL's version can't be set by anybody"):
        MariaDbCatalogue().apply_types(mysql, ["version"])
    postgres: Any = Answers(("block_size", "internal"), ("fsync", "sighup"))
    with pytest.raises(CannotMeasure, match="PostgreSQL's block_size can't be set by anybody"):
        PostgresCatalogue().apply_types(postgres, ["block_size"])


def test_a_value_is_heeded_however_the_server_writes_it() -> None:
    """8M is 8388608, off is OFF is 0; 9M isn't heeded where the server has 8388608."""
    has: Any = Answers(("innodb_buffer_pool_size", "8388608"), ("innodb_doublewrite", "OFF"))
    wanted = {"innodb_buffer_pool_size": "8M", "innodb_doublewrite": "off"}
    assert MariaDbCatalogue().pending(has, wanted) == set()
    assert MariaDbCatalogue().pending(has, {"innodb_doublewrite": "0"}) == set()
    assert MariaDbCatalogue().pending(has, {"innodb_buffer_pool_size": "9M"}) == {"innodb_buffer_pool_size"}
