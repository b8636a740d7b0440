"""What every store that is compared can do, whichever kind it is: hold the flights at every size, and answer questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.recorder import Observation, Outcome
from harness.scenario import FloorProbe, Slot
from harness.stores_compared.patterns import Name, Row, Value
from harness.stores_compared.tables import Tables

ServedFrom = Literal["database", "cache"]
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to one table: which of the pattern's drawn parameters, and of how many flights the table is."""

    pattern: Name
    number: int
    parameters: Mapping[str, Value]
    flights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A whole answer, in the pattern's own order, and what it took; members that a store has no figure for stay as they are."""

    rows: tuple[Row, ...]
    round_trips: int
    read_units: float = _NAN
    write_units: float = _NAN
    index_units: float = _NAN
    bytes: int = -1
    items_scanned: int = -1
    pages: int = -1
    served_from: ServedFrom = "database"
    hit: bool | None = None  # whether the cache had it, where one was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What an arm needs to answer a pattern: in words, with which consistency, and how many requests an answer takes."""

    words: str
    consistency: str
    requests: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What was made for one table of flights: statements, or CreateTable's document as JSON, and the indexes by name."""

    ddl: tuple[str, ...]
    indexes: tuple[str, ...]


class Trouble(Exception):  # noqa: N818 - what came of one answer, not a fault of ours
    """An answer that didn't come: the outcome and code that its sample has. The slot's connection was dropped where it broke."""

    def __init__(self, outcome: Outcome, code: str, reason: str | None = None) -> None:
        super().__init__(code)
        self.outcome, self.code, self.reason = outcome, code, reason


class Store(Protocol):
    """One arm of the comparison."""

    @property
    def name(self) -> str:
        """The arm's name."""

    @property
    def client(self) -> str:
        """What samples call the client."""

    @property
    def servers(self) -> Mapping[str, tuple[str, int]]:
        """The servers whose processor and disk an answer costs, by what they are called in events, and where each listens."""

    def schema(self) -> Schema:
        """What ``set_up`` makes."""

    def cannot(self, pattern: Name) -> str | None:
        """Why it has no answer to a pattern, and what it would take; None where it has."""

    def needed(self, pattern: Name) -> Needed:
        """What its answer to a pattern stands on."""

    def set_up(self, tables: Tables) -> None:
        """Make and fill a table of every size, one of ``attribute_items`` that gets an attribute, an empty one to load into.

        Of a cached arm: its cache alone; the store behind it is set up by itself. Raises CannotMeasure.
        """

    def attach(self, tables: Tables) -> None:
        """In another process than that which sets it up: know what the tables hold."""

    def prepare(self, pattern: Name, flights: int) -> None:
        """Before a trial, unmeasured: whatever its servers begin with."""

    def begin(self) -> None:
        """In the process that asks, before a trial: nothing of the one before is known any more."""

    def floor(self, question: Question, act: Callable[[Slot], Observation]) -> FloorProbe | None:
        """How the floor under this answer is measured, by ``act``, which asks the question; None where it isn't."""

    def ask(self, slot: Slot, question: Question) -> Asked:
        """A whole answer, by the connection that the slot holds. Raises Trouble."""

    def undo(self, question: Question) -> None:
        """Make good what an answer to this question changed, whether it came or not; unmeasured, on a connection of its own.

        Of ``add_attribute`` and ``bulk_load`` after each answer; of the others, whose next question undoes them, after a trial
        that didn't go through all of them.
        """

    def close(self) -> None:
        """Close its own connections; the slots close theirs."""
