"""What is asked of query_vs_scan, and within which bounds."""

from typing import Annotated, Literal, get_args

from pydantic import Field, PlainValidator, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from harness import flights
from harness.config import EachOnce, Settings
from harness.dynamodb.clients import ClientName
from harness.dynamodb.metering import MAX_ITEM_BYTES

# A table's quota, enough that nothing throttles: what throttles is the question of part ``neighbour``, and of another scenario.
PLENTY_UNITS = 40_000
LEAST_PADDED_BYTES = 512  # the largest flight has half of that
MOST_SEGMENTS = 64  # each has a connection of its own, in each slot
Part = Literal["arms", "table_items", "answer_share", "item_bytes", "index_writes", "neighbour"]


def _item_size(size: object) -> object:
    """One line of what there is, where pydantic would have one for each kind of value."""
    if size in ("narrow", "as_is") or (type(size) is int and LEAST_PADDED_BYTES <= size <= MAX_ITEM_BYTES):
        return size
    raise ValueError(f"must be narrow, as_is or {LEAST_PADDED_BYTES} to {MAX_ITEM_BYTES} bytes")


ItemSize = Annotated[flights.ItemSize, PlainValidator(_item_size)]
Share = Annotated[float, Field(gt=0, le=1)]
Segments = Annotated[int, Field(ge=1, le=MOST_SEGMENTS)]


class QueryVsScanSettings(Settings):
    """Section ``scenarios.query_vs_scan`` of config.yaml."""

    parts: Annotated[tuple[Part, ...], EachOnce] = Field(default=get_args(Part), min_length=1)
    table_items: Annotated[tuple[PositiveInt, ...], EachOnce] = Field(default=(1000, 3000, 9000, 27004), min_length=1)
    pairs: PositiveInt = 6
    trial_s: PositiveFloat = 0.025
    least_answers: PositiveInt = 16
    least_scans: PositiveInt = 2
    warm_up_answers: int = Field(default=1, ge=0)
    in_flight: PositiveInt = 1
    aircraft: PositiveInt = 8
    airports: PositiveInt = 2
    segments: Annotated[tuple[Segments, ...], EachOnce] = (2, 4, 8)
    answer_shares: Annotated[tuple[Share, ...], EachOnce] = Field(default=(0.0001, 0.001, 0.01, 0.1, 1.0), min_length=1)
    most_keys: PositiveInt = 2000
    item_sizes: Annotated[tuple[ItemSize, ...], EachOnce] = Field(
        default=("narrow", "as_is", 2048, 20480), min_length=1
    )
    item_size_items: int = Field(default=1000, ge=1, le=10_000)
    index_writes: PositiveInt = 64
    index_write_items: PositiveInt = Field(default=1000, validate_default=True)
    neighbour_items: PositiveInt = 1100
    neighbour_capacity_units: int = Field(default=50, ge=1, le=PLENTY_UNITS)
    neighbour_speed: float = Field(default=25, gt=0, le=10_000)
    neighbour_service_s: PositiveFloat = 8
    neighbour_reports: PositiveInt = 2
    client: ClientName = "lean"

    @field_validator("index_write_items")
    @classmethod
    def _are_enough(cls, items: int, info: ValidationInfo) -> int:
        writes = sum(info.data.get(name, 0) for name in ("index_writes", "warm_up_answers"))
        if items < writes:
            raise ValueError(f"must be at least the {writes} writes of a trial (index_writes and warm_up_answers)")
        return items

    @property
    def largest(self) -> int:
        """Flights of the largest table: the base cell's."""
        return max(self.table_items)
