"""Alterations of tables carried out, each part in its time; new indexes are filled a little at a time."""

from dataclasses import dataclass
from functools import partial

from harness.local.dynamodb.data.storage import Index, Partitions
from harness.local.dynamodb.tables.account import Capacity
from harness.local.dynamodb.tables.agenda import Agenda
from harness.local.dynamodb.tables.alterations import Alteration, NewIndex
from harness.local.dynamodb.tables.index_build import Filling, IndexBuild
from harness.local.dynamodb.tables.parameters import TableParameters
from harness.local.dynamodb.tables.table import IndexState, Table
from harness.local.dynamodb.tables.throughput import Throughput

BUILD_ITEMS = 500
"""Items that one call looks at to fill a new index: a few milliseconds' work."""
SHED_ENTRIES = 20_000
"""Entries that one call lets go of, of tables and indexes that are gone."""


@dataclass(slots=True)
class _Filled:
    """An index being filled, and when it may be active at the earliest."""

    table: Table
    index: Index
    build: IndexBuild
    ready_s: float


class Changes:
    """Carries out alterations. What lasts goes to the agenda; `work` fills indexes."""

    def __init__(self, agenda: Agenda, parameters: TableParameters) -> None:
        self._agenda, self._parameters = agenda, parameters
        self._filled: list[_Filled] = []
        self._gone: list[Partitions] = []

    def apply(self, table: Table, alteration: Alteration, now_s: float) -> None:
        """Begin an alteration that was checked."""
        if alteration.switches:
            self._switch(table, alteration, now_s)
        else:
            for name, capacity in alteration.capacities.items():
                self._provision(table, name, capacity, now_s)
        for name, maxima in alteration.maxima.items():
            _throughput(table, name).set_maxima(maxima, now_s)
        for name, warm in alteration.warm.items():
            _throughput(table, name).warm_up(warm, now_s)
        if alteration.creation:
            self._add_index(table, alteration.creation, now_s)
        if alteration.deletion:
            self._drop_index(table, alteration.deletion, now_s)

    def let_go(self, partitions: Partitions) -> None:
        """What was stored there is gone; the memory is freed a part at a time."""
        self._gone.append(partitions)

    def work(self, now_s: float) -> bool:
        """Fill a new index a little, free a little memory; True while more of either is left."""
        if self._gone and not self._gone[-1].shed(SHED_ENTRIES):
            self._gone.pop()
        if self._filled:
            self._fill(now_s)
        return bool(self._filled or self._gone)

    def _fill(self, now_s: float) -> None:
        filled = self._filled[0]
        if not filled.build.done:
            filled.build.step(BUILD_ITEMS, now_s)
        if filled.build.done and now_s >= filled.ready_s:
            filled.table.states[filled.index.name] = IndexState("ACTIVE")
            filled.table.backfilling.discard(filled.index.name)
            self._filled.pop(0)

    def _switch(self, table: Table, alteration: Alteration, now_s: float) -> None:
        """The new mode holds at once; until it is done the table is UPDATING."""
        table.on_demand = alteration.on_demand
        for name in (None, *table.throughputs):
            _throughput(table, name).switch(alteration.capacities.get(name), now_s)
        table.updating.add("iops")

        def switched(at_s: float) -> None:
            table.updating.discard("iops")
            if table.on_demand:
                table.last_on_demand_s = at_s

        self._agenda.at(now_s + self._parameters.switch_s, switched)

    def _provision(self, table: Table, name: str | None, capacity: Capacity, now_s: float) -> None:
        """The new capacity holds when the update is done."""
        throughput = _throughput(table, name)
        throughput.note_change(capacity, now_s)
        if name is None:
            table.updating.add("iops")
            done, delay_s = partial(table.updating.discard, "iops"), self._parameters.update_s
        else:
            state = table.states[name]
            before, state.status = state.status, "UPDATING"
            done, delay_s = partial(setattr, state, "status", before), self._parameters.index_update_s

        def provisioned(at_s: float) -> None:
            throughput.set_capacity(capacity, at_s)
            done()

        self._agenda.at(now_s + delay_s, provisioned)

    def _add_index(self, table: Table, creation: NewIndex, now_s: float) -> None:
        """List the index; once its resources are there, writes keep it and it is filled."""
        index, state = creation.index, IndexState("CREATING", backfilling=False)
        index.entries = Filling()
        table.types = creation.types
        table.list_index(index, creation.throughput, state)
        table.updating.add("index")

        def allocated(at_s: float) -> None:
            table.updating.discard("index")
            table.indexes[index.name] = index
            state.backfilling = True
            table.backfilling.add(index.name)
            build = IndexBuild(table, index, takes_capacity=self._parameters.backfill_takes_capacity)
            self._filled.append(_Filled(table, index, build, at_s + self._parameters.index_backfill_s))

        self._agenda.at(now_s + self._parameters.index_allocation_s, allocated)

    def _drop_index(self, table: Table, name: str, now_s: float) -> None:
        """Writes no longer keep the index; it is listed until it is gone."""
        self._filled = [one for one in self._filled if (one.table, one.index.name) != (table, name)]
        table.backfilling.discard(name)
        index = table.indexes.pop(name)
        self.let_go(index.entries)
        index.entries = Partitions()
        table.states[name] = IndexState("DELETING")
        table.updating.add("index")

        def gone(_at_s: float) -> None:
            table.unlist_index(name)
            table.updating.discard("index")

        self._agenda.at(now_s + self._parameters.index_delete_s, gone)


def _throughput(table: Table, index: str | None) -> Throughput:
    return table.throughput if index is None else table.throughputs[index]
