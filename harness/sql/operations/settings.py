"""Section ``scenarios.rds_operations`` of config.yaml, which says what each key is for."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from harness.config import EachOnce, Settings
from harness.sql.endpoint import Engine

PartName = Literal["parameters", "backup", "pitr", "snapshots", "replica_lag", "connections"]
PARTS: tuple[PartName, ...] = PartName.__args__  # type: ignore[attr-defined]
Value = bool | int | float | str


class GroupSettings(Settings):
    """A named set of parameters, by engine; an engine that isn't named hasn't got that group. None named: both have, unchanged."""

    mysql: dict[str, Value] | None = None
    postgres: dict[str, Value] | None = None

    def of(self, engine: Engine) -> dict[str, str] | None:
        """What the group sets on ``engine``, as its server reads it; None where it isn't for it."""
        sets = {"mysql": self.mysql, "postgres": self.postgres}
        if not any(each is not None for each in sets.values()):
            return {}
        mine = sets[engine]
        return None if mine is None else {name: _as_text(value) for name, value in mine.items()}


# MariaDB has no less than 10, and those who watch need theirs.
ConnectionLimit = Annotated[int, Field(ge=20, le=1000)]
GROUPS: dict[str, GroupSettings] = {
    "default": GroupSettings(),
    "durable_off": GroupSettings(
        mysql={"innodb_flush_log_at_trx_commit": 0, "sync_binlog": 0},
        postgres={"synchronous_commit": False, "fsync": False, "full_page_writes": False},
    ),
    "flush_log_2": GroupSettings(mysql={"innodb_flush_log_at_trx_commit": 2}),
    "sync_binlog_0": GroupSettings(mysql={"sync_binlog": 0}),
    "synchronous_commit_off": GroupSettings(postgres={"synchronous_commit": False}),
    "small_buffers": GroupSettings(mysql={"innodb_buffer_pool_size": "8M"}, postgres={"shared_buffers": "1MB"}),
    "max_connections_50": GroupSettings(mysql={"max_connections": 50}, postgres={"max_connections": 50}),
}


class RdsOperationsSettings(Settings):
    """Which operations, on which engines, under what load."""

    engines: Annotated[tuple[Engine, ...], EachOnce] = Field(default=("mysql", "postgres"), min_length=1)
    parts: Annotated[tuple[PartName, ...], EachOnce] = Field(
        default=("parameters", "backup", "snapshots", "replica_lag", "connections"), min_length=1
    )
    rounds: PositiveInt = 1
    flights: PositiveInt = 27_004
    reads_per_s: PositiveFloat = 100
    writes_per_s: PositiveFloat = 100
    warm_up_s: NonNegativeFloat = 0.1
    before_s: PositiveFloat = 0.2
    after_s: PositiveFloat = 0.1
    measured_s: PositiveFloat = 0.4
    parameter_groups: Annotated[tuple[str, ...], EachOnce] = Field(
        default=("default", "durable_off", "small_buffers"), min_length=1
    )
    groups: dict[str, GroupSettings] = Field(default_factory=lambda: dict(GROUPS))
    writers: PositiveInt = 4
    backup_flights: Annotated[tuple[PositiveInt, ...], EachOnce] = Field(default=(27_004,), min_length=1)
    pitr_between_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0  # else there may be no second between
    snapshot_flights: Annotated[tuple[PositiveInt, ...], EachOnce] = Field(default=(27_004,), min_length=1)
    lag_writes_low_per_s: PositiveFloat = 100
    lag_writes_high_per_s: PositiveFloat = 500
    beats_per_s: PositiveFloat = 50
    connection_limits: Annotated[tuple[ConnectionLimit, ...], EachOnce] = Field(default=(30,), min_length=1)
    connections_per_s: PositiveFloat = 200
    connections_beyond: PositiveInt = 5

    def rounds_of(self, part: PartName) -> int:  # noqa: ARG002 - for parts whose trials take long
        """How often each cell of ``part`` is measured."""
        return self.rounds

    @model_validator(mode="after")
    def _groups_there_are(self) -> Self:
        for name in self.parameter_groups:
            if name not in self.groups:
                raise ValueError(
                    f"parameter_groups names {name!r}, which groups hasn't: it has {', '.join(self.groups)}"
                )
        return self

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        low, high = self.lag_writes_low_per_s, self.lag_writes_high_per_s
        if low >= high:
            raise ValueError(f"lag_writes_low_per_s must be below lag_writes_high_per_s, {high:g}, is {low:g}")
        return self


def _as_text(value: Value) -> str:
    """YAML reads on and off as true and false; servers don't."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
