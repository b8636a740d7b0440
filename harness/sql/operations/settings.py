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
DEFAULT = "default"
GROUPS: dict[str, GroupSettings] = {
    DEFAULT: GroupSettings(),
    "durable_off": GroupSettings(
        mysql={"innodb_flush_log_at_trx_commit": 0, "sync_binlog": 0}, postgres={"synchronous_commit": False}
    ),
    "max_connections_50": GroupSettings(mysql={"max_connections": 50}, postgres={"max_connections": 50}),
}


class RdsOperationsSettings(Settings):
    """Which operations, on which engines, under what load."""

    engines: Annotated[tuple[Engine, ...], EachOnce] = Field(default=("mysql", "postgres"), min_length=1)
    parts: Annotated[tuple[PartName, ...], EachOnce] = Field(default=PARTS, min_length=1)
    rounds: PositiveInt = 1
    warm_up_s: NonNegativeFloat = 0.15
    measured_s: PositiveFloat = 0.5
    flights: PositiveInt = 27_004
    writers: PositiveInt = 4
    reads_per_s: PositiveFloat = 100
    writes_per_s: PositiveFloat = 100
    before_s: PositiveFloat = 0.25
    after_s: PositiveFloat = 0.2
    parameter_groups: Annotated[tuple[str, ...], EachOnce] = Field(default=tuple(GROUPS), min_length=1)
    groups: dict[str, GroupSettings] = Field(default_factory=lambda: dict(GROUPS))
    snapshot_flights: Annotated[tuple[PositiveInt, ...], EachOnce] = Field(default=(27_004,), min_length=1)
    lag_writes_low_per_s: PositiveFloat = 100
    lag_writes_high_per_s: PositiveFloat = 500
    beats_per_s: PositiveFloat = 50
    connection_limits: Annotated[tuple[ConnectionLimit, ...], EachOnce] = Field(default=(40,), min_length=1)
    connections_per_s: PositiveFloat = 200
    connections_beyond: PositiveInt = 5

    def rounds_of(self, part: PartName) -> int:  # noqa: ARG002 - for parts whose trials take long
        """How often each cell of ``part`` is measured."""
        return self.rounds

    @model_validator(mode="after")
    def _groups_there_are(self) -> Self:
        for name in self.parameter_groups:
            if name not in self.groups:
                raise ValueError(f"parameter_groups: {name!r} isn't in groups, which has {', '.join(self.groups)}")
        return self


def _as_text(value: Value) -> str:
    """YAML reads on and off as true and false; servers don't."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
