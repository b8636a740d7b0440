"""Random operations on the twin and on an oracle in plain dictionaries: same items, order, pages, errors and units."""

from collections import Counter
from typing import Any

import dynamodb_programs as programs
import hypothesis.strategies as st
from dynamodb_oracle import (
    Change,
    Item,
    Key,
    Part,
    RefusalError,
    Source,
    Table,
    Test,
    Units,
    holds,
    item_bytes,
    plain,
    plain_item,
    transact,
    updated,
)
from dynamodb_programs import KB, PLAIN, POOLS, Expression, Raw, shown
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from twin_in_process import ask, done, unhurried

STEPS = 5_000
INDEXES = {"ReturnConsumedCapacity": "INDEXES"}
TABLE = st.sampled_from(range(3))
SEED = st.integers(0, 2**32)


class Program(RuleBasedStateMachine):
    """One run: every step asks both and compares."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.twin, self.tables = unhurried(), programs.tables()

    @initialize(seed=SEED)
    def tables_are_made_and_filled(self, seed: int) -> None:
        for made in self.tables:
            done(self.twin, "CreateTable", **programs.definition(made))
            for step in range(15):
                self._put(made, programs.random_item(made, seed + step), quietly=bool(step % 2))

    @rule(data=st.data(), which=TABLE)
    def put(self, data: st.DataObject, which: int) -> None:
        made = self.tables[which]
        self._put(made, data.draw(programs.any_items(made)), data.draw(programs.conditions([*POOLS])))

    @rule(data=st.data(), which=TABLE, at=st.integers(0, 9), kilobytes=st.sampled_from([3, 30, 350, 350]))
    def pile(self, data: st.DataObject, which: int, at: int, kilobytes: int) -> None:
        """Five items of one size under one partition key and one index key: reading them crosses 4 KB and 1 MB."""
        made = self.tables[which]
        for step in range(5):
            pools = {
                name: POOLS[name][(at + 2 * step * place) % len(POOLS[name])]
                for place, name in enumerate(made.source.keys, len(made.source.keys) == 1)
            }
            item = {"a": POOLS["a"][0], "b": POOLS["b"][step], "c": POOLS["c"][0]} | pools
            self._put(made, programs.padded(item, kilobytes * KB))
        source = data.draw(st.sampled_from([made.source, *made.indexes]))
        self._query(made, source, item.get(source.keys[0], POOLS[source.keys[0]][0]), data)

    def _put(self, made: Table, raw: Raw, condition: Any = None, *, quietly: bool = False) -> None:
        """A put; quietly it asks nothing back, and its units show on the meters only."""
        item = plain_item(raw)
        if not quietly:
            self._write("PutItem", made, item, lambda _: item, condition, {"Item": raw})
            return
        assert self._asked("PutItem", TableName=made.name, Item=raw) == (200, {})
        made.write(item, lambda _: item, anything)

    @rule(data=st.data(), which=TABLE)
    def delete(self, data: st.DataObject, which: int) -> None:
        made = self.tables[which]
        raw, condition = data.draw(programs.keys(made)), data.draw(programs.conditions([*POOLS]))
        self._write("DeleteItem", made, plain_item(raw), lambda _: None, condition, {"Key": raw})

    @rule(data=st.data(), which=TABLE, returned=st.sampled_from(["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]))
    def update(self, data: st.DataObject, which: int, returned: str) -> None:
        made = self.tables[which]
        raw, actions = data.draw(programs.keys(made)), data.draw(programs.actions(made))
        condition, key = data.draw(programs.conditions([*POOLS])), plain_item(raw)
        only = [name for _, name, *_ in actions] if returned.startswith("UPDATED") else None
        request = {"Key": raw, "ReturnValues": returned}
        self._write("UpdateItem", made, key, lambda old: updated(old, key, actions), condition, request, actions, only)

    def _write(
        self, operation: str, made: Table, key: Item, change: Change, condition: Any, request: Raw,
        actions: Any = None, only: list[str] | None = None,
    ) -> None:  # fmt: skip
        """One write of one item; ``only`` are the attributes to give back of the old item or the new."""
        text = Expression()
        request = {"ReturnValues": "ALL_OLD"} | request
        request |= {"ConditionExpression": text.condition(condition)} if condition else {}
        request |= {"UpdateExpression": text.update(actions)} if actions else {}
        status, answer = self._asked(operation, TableName=made.name, **INDEXES, **request, **text.members())
        try:
            if operation == "PutItem":
                made.check(key)
            old, units = made.write(key, change, predicate(condition))
        except RefusalError as refusal:
            assert (status, error_of(answer)) == (400, refusal.error), answer
            return
        assert status == 200, answer
        given = old if request["ReturnValues"].endswith("OLD") else made.items.get(made.key_of(key))
        given = {name: value for name, value in (given or {}).items() if only is None or name in only}
        assert plain_item(answer.get("Attributes", {})) == given
        assert units_of(answer["ConsumedCapacity"]) == nonzero(units)

    @rule(data=st.data(), which=TABLE)
    def batch_write(self, data: st.DataObject, which: int) -> None:
        """Up to eight writes of different items, puts and deletions; one that is wrong spoils all."""
        made = self.tables[which]
        items_of = programs.any_items if data.draw(st.sampled_from([False, False, True])) else programs.good_items
        write = st.tuples(items_of(made), st.booleans())
        drawn = data.draw(
            st.lists(write, min_size=1, max_size=8, unique_by=lambda one: made.key_of(plain_item(one[0])))
        )
        requests: list[Raw] = [
            {"PutRequest": {"Item": raw}}
            if is_put
            else {"DeleteRequest": {"Key": {name: raw[name] for name in made.source.keys}}}
            for raw, is_put in drawn
        ]
        status, answer = self._asked("BatchWriteItem", RequestItems={made.name: requests}, **INDEXES)
        items = [(plain_item(raw), is_put) for raw, is_put in drawn]
        try:
            for item, is_put in items:
                if is_put:
                    made.check(item)
        except RefusalError as refusal:
            assert (status, error_of(answer)) == (400, refusal.error), answer
            return
        units: Units = Counter()
        for item, is_put in items:
            units += made.write(item, lambda _, new=item if is_put else None: new, anything)[1]
        assert (status, answer["UnprocessedItems"]) == (200, {}), answer
        assert units_of(answer["ConsumedCapacity"][0]) == nonzero(units)

    @rule(data=st.data())
    def transact_write(self, data: st.DataObject) -> None:
        """Up to six parts on different items of all tables."""
        parts: dict[tuple[str, Key], tuple[Part, Raw]] = {}
        for _ in range(data.draw(st.integers(1, 6))):
            part, raw = self._part(data)
            parts.setdefault((part.table.name, part.table.key_of(part.key)), (part, raw))
        status, answer = self._asked("TransactWriteItems", TransactItems=[raw for _, raw in parts.values()], **INDEXES)
        try:
            units = transact([part for part, _ in parts.values()])
        except RefusalError as refusal:
            assert (status, error_of(answer)) == (400, refusal.error), answer
            assert [reason["Code"] for reason in answer["CancellationReasons"]] == refusal.codes
            return
        assert status == 200, answer
        told = {one["TableName"]: units_of(one) for one in answer["ConsumedCapacity"]}
        assert told == {name: nonzero(one) for name, one in units.items()}

    def _part(self, data: st.DataObject) -> tuple[Part, Raw]:
        made, text = self.tables[data.draw(TABLE)], Expression()
        kind = data.draw(st.sampled_from(["Put", "Delete", "Update", "ConditionCheck"]))
        condition = data.draw(st.one_of(st.none(), st.none(), programs.conditions([*POOLS])))
        if kind == "ConditionCheck" and condition is None:
            condition = ("missing", "nothing")
        request: Raw = {"TableName": made.name}
        change: Change | None = None
        if kind == "Put":
            request["Item"] = data.draw(programs.good_items(made))
            key = item = plain_item(request["Item"])
            change = lambda _: item  # noqa: E731
        else:
            request["Key"] = data.draw(programs.keys(made))
            key = plain_item(request["Key"])
        if kind == "Delete":
            change = lambda _: None  # noqa: E731
        if kind == "Update":
            actions = data.draw(programs.actions(made))
            request["UpdateExpression"] = text.update(actions)
            change = lambda old: updated(old, key, actions)  # noqa: E731
        request |= {"ConditionExpression": text.condition(condition)} if condition else {}
        part = Part(table=made, key=key, change=change, condition=predicate(condition))
        return part, {kind: request | text.members()}

    @rule(data=st.data(), which=TABLE, consistent=st.booleans(), how=st.sampled_from(["NONE", "INDEXES"]))
    def get(self, data: st.DataObject, which: int, consistent: bool, how: str) -> None:
        made, text = self.tables[which], Expression()
        raw, names = data.draw(programs.keys(made)), data.draw(programs.projections())
        projection = {"ProjectionExpression": ", ".join(map(text.name, names))} if names else {}
        request = {"TableName": made.name, "Key": raw, "ConsistentRead": consistent, **projection, **text.members()}
        _, answer = self._asked("GetItem", **request, ReturnConsumedCapacity=how)
        item, units = made.get(plain_item(raw), consistent=consistent)
        assert ("Item" in answer) == (item is not None)
        assert plain_item(answer.get("Item", {})) == shown(item or {}, names)
        assert ("ConsumedCapacity" in answer) == (how != "NONE")
        assert how == "NONE" or units_of(answer["ConsumedCapacity"]) == nonzero(units)

    @rule(data=st.data(), which=TABLE, consistent=st.booleans())
    def batch_get(self, data: st.DataObject, which: int, consistent: bool) -> None:
        made = self.tables[which]
        several = st.lists(
            programs.keys(made), min_size=1, max_size=9, unique_by=lambda raw: made.key_of(plain_item(raw))
        )
        part = {"Keys": data.draw(several), "ConsistentRead": consistent}
        _, answer = self._asked("BatchGetItem", RequestItems={made.name: part}, **INDEXES)
        found = [made.get(plain_item(raw), consistent=consistent) for raw in part["Keys"]]
        assert answer["UnprocessedKeys"] == {}
        by_key = {made.key_of(item): item for item in map(plain_item, answer["Responses"][made.name])}
        assert by_key == {made.key_of(item): item for item, _ in found if item is not None}
        assert units_of(answer["ConsumedCapacity"][0]) == nonzero(sum((units for _, units in found), Counter()))

    @rule(data=st.data())
    def transact_get(self, data: st.DataObject) -> None:
        """Up to six items of all tables, in the order they were asked for."""
        asked: dict[tuple[int, Key], Raw] = {}
        for which in data.draw(st.lists(TABLE, min_size=1, max_size=6)):
            raw = data.draw(programs.keys(self.tables[which]))
            asked.setdefault((which, self.tables[which].key_of(plain_item(raw))), raw)
        gets = [{"Get": {"TableName": self.tables[which].name, "Key": raw}} for (which, _), raw in asked.items()]
        status, answer = self._asked("TransactGetItems", TransactItems=gets, **INDEXES)
        assert status == 200, answer
        expected: dict[str, Units] = {}
        for ((which, _), raw), response in zip(asked.items(), answer["Responses"], strict=True):
            item, units = self.tables[which].get(plain_item(raw), consistent=True, factor=2)
            assert plain_item(response.get("Item", {})) == (item or {})
            expected.setdefault(self.tables[which].name, Counter()).update(units)
        told = {one["TableName"]: units_of(one) for one in answer["ConsumedCapacity"]}
        assert told == {name: nonzero(units) for name, units in expected.items()}

    @rule(data=st.data(), which=TABLE)
    def query(self, data: st.DataObject, which: int) -> None:
        made = self.tables[which]
        source = data.draw(st.sampled_from([made.source, *made.indexes]))
        there = [raw for raw in POOLS[source.keys[0]] if made.rows(source, plain(raw))]
        self._query(made, source, data.draw(st.sampled_from(there * 2 + POOLS[source.keys[0]])), data)

    def _query(self, made: Table, source: Source, partition: Raw, data: st.DataObject) -> None:
        """One partition, a range of it or what is after some key, in either direction."""
        text, name, forward = Expression(), source.keys[0], data.draw(st.booleans())
        sort = data.draw(programs.sort_conditions(source.keys[1])) if len(source.keys) > 1 else None
        of_partition = ("=", name, partition)
        request: Raw = {"KeyConditionExpression": text.condition(("and", of_partition, sort) if sort else of_partition)}
        rows = [row for row in made.rows(source, plain(partition)) if sort is None or holds(sort, row[1])]
        rows = rows if forward else rows[::-1]
        if sort is None and data.draw(st.sampled_from([False, False, True])):
            others = [one for one in (*source.keys[1:], *made.source.keys) if one != name]
            start = {one: data.draw(st.sampled_from(POOLS[one])) for one in others} | {name: partition}
            request |= {"ExclusiveStartKey": start}
            place = made.place(source, plain_item(start))
            rows = [row for row in rows if (row[0] > place if forward else row[0] < place)]
        request |= {"ScanIndexForward": forward}
        self._pages("Query", made, source, request, text, [entry for _, entry in rows], data)

    @rule(data=st.data(), which=TABLE)
    def scan(self, data: st.DataObject, which: int) -> None:
        """The order is the twin's; that it holds everything once, and how it is cut into pages, is the oracle's."""
        made = self.tables[which]
        source = data.draw(st.sampled_from([made.source, *made.indexes]))
        order = self._order(made, source)
        entries = {made.key_of(entry): entry for _, entry in made.rows(source)}
        assert sorted(order) == sorted(entries)
        self._pages("Scan", made, source, {}, Expression(), [entries[key] for key in order], data)

    def _order(self, made: Table, source: Source) -> list[Key]:
        """The keys in the order of a plain Scan of a few segments, in as many pages as it takes."""
        order: list[Key] = []
        of_index = {} if source is made.source else {"IndexName": source.name}
        start: Raw = {}
        while True:
            answer = done(self.twin, "Scan", TableName=made.name, **of_index, **start)
            found = [plain_item(raw) for raw in answer["Items"]]
            made.page(source, found, limit=None, consistent=False)
            order += map(made.key_of, found)
            if "LastEvaluatedKey" not in answer:
                return order
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _pages(
        self, operation: str, made: Table, source: Source, request: Raw, text: Expression, rest: list[Item],
        data: st.DataObject,
    ) -> None:  # fmt: skip
        """All pages of one read, each as the oracle cuts it."""
        is_global = source is not made.source and not source.local
        limit, consistent = (
            data.draw(st.sampled_from([None, None, None, 1, 2, 5])),
            data.draw(st.booleans()) and not is_global,
        )
        seen = [name for name in PLAIN if source.projected is None or name in source.projected]
        condition = data.draw(programs.conditions(seen)) if seen else None
        is_count = data.draw(st.sampled_from([False, False, False, True]))
        names = [] if is_count else data.draw(programs.projections(source if is_global else None))
        fetch = source.local and source.projected is not None and not {*names} <= source.projected
        request |= {"TableName": made.name, "ConsistentRead": consistent, **INDEXES}
        request |= {} if source is made.source else {"IndexName": source.name}
        request |= {"Limit": limit} if limit else {}
        request |= {"FilterExpression": text.condition(condition)} if condition else {}
        request |= {"ProjectionExpression": ", ".join(map(text.name, names))} if names else {}
        request |= {"Select": "COUNT"} if is_count else {}
        while True:
            status, answer = self._asked(operation, **request, **text.members())
            assert status == 200, answer
            page = made.page(source, rest, limit=limit, consistent=consistent, fetch=fetch)
            rest = rest[len(page.evaluated) :]
            kept = [item for item in page.evaluated if predicate(condition)(item)]
            assert (answer["Count"], answer["ScannedCount"]) == (len(kept), len(page.evaluated))
            assert ("Items" in answer) != is_count
            if not is_count:
                assert [plain_item(raw) for raw in answer["Items"]] == [shown(item, names) for item in kept]
            assert units_of(answer["ConsumedCapacity"]) == nonzero(page.units)
            assert ("LastEvaluatedKey" in answer) == page.more
            if not page.more:
                return
            last = {name: page.evaluated[-1][name] for name in {*source.keys, *made.source.keys}}
            assert plain_item(answer["LastEvaluatedKey"]) == last
            request |= {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _asked(self, operation: str, **request: Any) -> tuple[int, Raw]:
        Program.steps += 1
        return ask(self.twin, operation, **request)

    @invariant()
    def meters_agree(self) -> None:
        """What the oracle charged so far, refused writes too, is what the twin's own meters counted."""
        state = self.twin.state()["tables"]
        for made in self.tables[: len(state)]:
            meters = state[made.name]["meters"]
            kinds = ("read", "write")
            counted = {(what, kind): meters[what][kind]["consumed_units"] for what in meters for kind in kinds}
            assert nonzero(counted) == nonzero(made.consumed)

    def teardown(self) -> None:
        """In the end both hold the same bytes."""
        state = self.twin.state()["tables"]
        for made in self.tables[: len(state)]:
            told = state[made.name]["items"], state[made.name]["bytes"]
            assert told == (len(made.items), sum(map(item_bytes, made.items.values())))


def anything(_: Item) -> bool:
    """What holds of every item."""
    return True


def predicate(condition: Any) -> Test:
    """A condition of the oracle as a function of an item."""
    return anything if condition is None else lambda item: holds(condition, item)


def error_of(answer: Raw) -> str:
    """The name of an error."""
    return str(answer.get("__type")).rpartition("#")[2]


def units_of(consumed: Raw) -> dict[str, float]:
    """ConsumedCapacity by the name of what gave the units; the total must be their sum (A14)."""
    units = {"": consumed["Table"]["CapacityUnits"]}
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        units |= {name: part["CapacityUnits"] for name, part in consumed.get(kind, {}).items()}
    assert consumed["CapacityUnits"] == sum(units.values())
    return nonzero(units)


def nonzero(units: Any) -> dict[Any, float]:
    """Without what gave nothing: it may be told as zero or left out."""
    return {name: float(amount) for name, amount in units.items() if amount}


def test_the_twin_answers_every_program_as_the_oracle_does() -> None:
    """At least 5,000 requests in programs of up to fifty steps; the same in every run."""
    Program.steps = 0
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Program,
        settings=settings(
            max_examples=100,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=checks,
            phases=[Phase.generate],  # a failure shows the program as it was: to make it short takes minutes
        ),
    )
    print(f"{Program.steps:,} requests compared, derandomised")
    assert Program.steps >= STEPS
