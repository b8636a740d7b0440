"""Section ``scenarios.rds_failover`` of config.yaml, which says what each key is for."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from harness.config import EachOnce, Settings
from harness.local.pace import PaceName
from harness.sql.endpoint import Engine
from harness.sql.failover.cells import MOST_CELLS, FailoverCell, cells_of, check_word

ClientArm = Literal[
    "tuned", "naive", "keepalive", "pool", "pool_pre_ping", "multi_host", "proxy", "tuned_ttl", "reader"
]
CLIENT_ARMS: tuple[ClientArm, ...] = ClientArm.__args__  # type: ignore[attr-defined]
REFERENCE = "reference"
# Probes before the fault, and after it: with fewer there is no gap that could be told from the probes' own.
LEAST_PROBES = 2
CellWord = Annotated[str, AfterValidator(check_word)]


class RdsFailoverSettings(Settings):
    """What fails over, who watches, and for how long."""

    engines: Annotated[tuple[Engine, ...], EachOnce] = Field(default=("mysql", "postgres"), min_length=1)
    cells: Annotated[tuple[CellWord, ...], EachOnce] = ("multi_az_instance.crash", "multi_az_instance.hang")
    pace: PaceName | None = None
    trials: PositiveInt = 6
    rds_trials: PositiveInt = 1
    client_arms: Annotated[tuple[ClientArm, ...], EachOnce] = Field(default=CLIENT_ARMS, min_length=1)
    durability_arms: Annotated[tuple[ClientArm, ...], EachOnce] = Field(default=("tuned",), min_length=1)
    connections: Annotated[int, Field(ge=2, le=16)] = 16
    probe_interval_ms: PositiveFloat = 10
    warm_up_s: NonNegativeFloat = 0.2
    before_s: PositiveFloat = 0.6
    cap_s: PositiveFloat = 1.4
    by_hand_s: PositiveFloat = 60
    rds_before_s: PositiveFloat = 5
    rds_cap_s: PositiveFloat = 180
    synchrony_ms: Annotated[tuple[NonNegativeFloat, ...], EachOnce] = ()
    synchrony_rounds: PositiveInt = 6
    synchrony_s: PositiveFloat = 1.0
    synchrony_warm_up_s: NonNegativeFloat = 0.2
    failovers_a_month: PositiveFloat = 1
    availability_target: Annotated[float, Field(gt=0, lt=1)] = 0.9995

    @property
    def planned(self) -> tuple[FailoverCell, ...]:
        """The cells of all engines, as listed."""
        return tuple(cells_of(self.cells, self.engines, self.pace))

    @model_validator(mode="after")
    def _something_within_reason(self) -> Self:
        planned = self.planned
        if len(planned) > MOST_CELLS:
            raise ValueError(
                f"must have at most {MOST_CELLS} failovers a round (cells × engines), has {len(planned)}; leave some out"
            )
        if len(set(planned)) < len(planned):
            raise ValueError("has two cells that are the same once pace is given for all; leave one out")
        if not planned and not self.synchrony_ms:
            raise ValueError(
                "has nothing to measure: no cell that these engines (and the pace asked for) have, and no synchrony_ms"
            )
        return self

    @model_validator(mode="after")
    def _probes_on_both_sides_of_the_fault(self) -> Self:
        times = {"": (self.before_s, self.cap_s), "rds_": (self.rds_before_s, self.rds_cap_s)}
        least_s = LEAST_PROBES * self.probe_interval_ms / 1e3
        for prefix in {"rds_" if cell.pace == "rds" else "" for cell in self.planned}:
            before_s, cap_s = times[prefix]
            if before_s - self.warm_up_s < least_s:
                raise ValueError(
                    f"{prefix}before_s must be longer than warm_up_s by {LEAST_PROBES} probes of probe_interval_ms, "
                    f"{self.warm_up_s + least_s:g} s, is {before_s:g}"
                )
            if cap_s < least_s:
                raise ValueError(
                    f"{prefix}cap_s must be at least {LEAST_PROBES} probes of probe_interval_ms, {least_s:g} s, is {cap_s:g}"
                )
        return self
