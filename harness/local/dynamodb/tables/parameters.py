"""How long the twin's tables take to change, and how much of everything there may be."""

from dataclasses import dataclass

MAX_INDEXES = 20
MAX_LOCAL_INDEXES = 5
MAX_PROJECTED = 100
MAX_CAPACITY = 1_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableParameters:
    """Service seconds that changes take, by default none, and the quotas of an account.

    The figures of the service that stand beside the defaults were measured on it by others; AWS promises none of them.
    """

    create_s: float = 0.0
    """CREATING (the service: 4 to 22 s)."""
    update_s: float = 0.0
    """UPDATING after a change of provisioned capacity (1 to 2 s)."""
    switch_s: float = 0.0
    """UPDATING after a switch of the billing mode (60 to 170 s)."""
    delete_s: float = 0.0
    """DELETING (4 to 6 s)."""
    index_allocation_s: float = 0.0
    """A new index is CREATING and not backfilling yet (24 to 56 s)."""
    index_backfill_s: float = 0.0
    """A new index is backfilling at least this long (7 to 17 minutes, however small the table)."""
    index_update_s: float = 0.0
    """An index is UPDATING after a change of its capacity (2 to 6 s)."""
    index_delete_s: float = 0.0
    """An index is DELETING (3 to 6 s)."""
    backfill_takes_capacity: bool = False
    """Whether backfilling waits for, and takes, the write capacity of the new index.

    The developer guide says that backfilling and other writes share it; at a few units, a large table takes days.
    """
    ttl_delay_s: float = 0.0
    """An expired item is kept at least this long (the service deletes "within a few days"; 48 hours, it used to say)."""
    ttl_change_s: float = 3_600.0
    """Until a table's time to live may be changed again (the API reference says one hour; 31 minutes were measured)."""
    table_units: int = 40_000
    """Capacity units of each kind that a table or an index may have (B11)."""
    account_units: int | None = None
    """Provisioned units of each kind over all tables and indexes; None, the default, for no limit (the service: 80,000)."""
    tables: int = 2_500
    """Tables of an account."""
