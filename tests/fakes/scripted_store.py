"""A store that answers as a test says, and writes down what it was asked."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.stores_compared.patterns import Name
from harness.stores_compared.store import Asked, Needed, Question, Schema, Trouble
from harness.stores_compared.tables import Tables


class ScriptedStore:
    """``rows`` gives an answer's rows; ``cannot_do`` names patterns it has no answer to; ``refuses`` counts down answers that fail."""

    client, servers = "scripted", dict[str, tuple[str, int]]()

    def __init__(
        self,
        name: str = "scripted",
        *,
        rows: Callable[[Question], Any] = lambda _: ((1,),),
        cannot_do: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._rows, self._cannot = name, rows, cannot_do or {}
        self.did: list[tuple[str, str, int]] = []
        self.refuses = 0

    def schema(self) -> Schema:
        return Schema(ddl=(), indexes=())

    def cannot(self, pattern: Name) -> str | None:
        return self._cannot.get(pattern)

    def needed(self, pattern: Name) -> Needed:
        return Needed(words="nothing", consistency="strong", requests="1")

    def set_up(self, tables: Tables) -> None:
        self.did.append(("set_up", "", 0))

    def attach(self, tables: Tables) -> None:
        self.did.append(("attach", "", 0))

    def begin(self) -> None:
        self.did.append(("begin", "", 0))

    def prepare(self, pattern: Name, flights: int) -> None:
        self.did.append(("prepare", pattern, flights))

    def floor(self, question: Question, act: Callable[[Slot], Observation]) -> FloorProbe | None:
        return None

    def ask(self, slot: Slot, question: Question) -> Asked:
        self.did.append(("ask", question.pattern, question.number))
        if self.refuses:
            self.refuses -= 1
            raise Trouble("timeout", "TooLate")
        return Asked(rows=self._rows(question), round_trips=2)

    def undo(self, question: Question) -> None:
        self.did.append(("undo", question.pattern, question.number))

    def close(self) -> None:
        self.did.append(("close", "", 0))
