"""TransactWriteItems and TransactGetItems: up to 100 items, all or none, at twice the price (A13)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import orjson

from harness.dynamodb.metering import read_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.asked import CONDITION, bindings_of, condition_of, projection_of
from harness.local.dynamodb.data.consumed import Consumed, Wanted, wanted
from harness.local.dynamodb.data.items import UPDATE, collection_metrics
from harness.local.dynamodb.data.keys import located
from harness.local.dynamodb.data.storage import Place
from harness.local.dynamodb.data.work import Work
from harness.local.dynamodb.data.writing import (
    ConditionRefused,
    Plan,
    Write,
    account,
    admit,
    carry_out,
    check_of,
    delete_of,
    plan,
    put_of,
    update_of,
)
from harness.local.dynamodb.errors import ServiceError, idempotent_mismatch, transaction_cancelled, validation
from harness.local.dynamodb.expressions.grammar import parse_update
from harness.local.dynamodb.expressions.paths import Selection, project
from harness.local.dynamodb.expressions.updates import bind_update
from harness.local.dynamodb.members import fault, refusal
from harness.local.dynamodb.tables.tables import Table, Tables

MAX_ITEMS, MAX_BYTES = 100, 4 * 1024 * 1024
TOKEN_KEPT_S = 600.0
"""How long a ClientRequestToken is remembered (developer guide, *Idempotency*)."""
Reason = dict[str, Any]
_Read = tuple[Table, Place, Selection | None]


@dataclass(frozen=True, slots=True)
class _Done:
    """A transaction that was carried out under a token."""

    digest: bytes
    until_s: float
    reads: tuple[Consumed, ...]


class Transactions:
    """The transactions over some tables, and the tokens of those that were carried out lately."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._done: dict[str, _Done] = {}

    def write(self, request: dict[str, Any], now_s: float) -> Work:
        """TransactWriteItems."""
        token = request.get("ClientRequestToken")
        digest = sha256(orjson.dumps(request["TransactItems"], option=orjson.OPT_SORT_KEYS)).digest() if token else b""
        if token and (before := self._remembered(token, now_s)):
            if before.digest != digest:
                raise idempotent_mismatch()
            for again in before.reads:
                again.table.meter.account("read", again.units, now_s)
            return _answer(wanted(request), before.reads)
        writes = self._writes(request["TransactItems"])
        if sum(one.size for one in writes) > MAX_BYTES:
            raise validation("Collection size has exceeded 4194304 bytes")
        yield
        plans, reasons = _planned(writes, now_s)
        if any(reasons):
            _pay_for_cancelled(plans, writes, now_s)
            raise transaction_cancelled([reason or {"Code": "None"} for reason in reasons])
        whole = [one for one in plans if isinstance(one, Plan)]
        for one in whole:
            carry_out(one, now_s)
        if token:
            self._done[token] = _Done(digest, now_s + TOKEN_KEPT_S, _as_reads(whole))
        answer = _answer(wanted(request), _totals([one.consumed for one in whole]))
        if request.get("ReturnItemCollectionMetrics") == "SIZE":
            metrics: dict[str, list[Any]] = {}
            for one in whole:
                if found := collection_metrics(one):
                    metrics.setdefault(one.table.name, []).append(found)
            answer["ItemCollectionMetrics"] = metrics
        return answer

    def get(self, request: dict[str, Any], now_s: float) -> Work:
        """TransactGetItems."""
        asked = _counted(request["TransactItems"])
        parts, reasons = self._reads([one["Get"] for one in asked])
        if any(reasons):
            raise transaction_cancelled([reason or {"Code": "None"} for reason in reasons])
        if len({(id(table), place) for table, place, _ in parts}) != len(parts):
            raise validation("Transaction request cannot include multiple operations on one item")
        yield
        reasons = [_refusal(partial(_admit_read, table, place, now_s)) for table, place, _ in parts]
        if any(reasons):
            raise transaction_cancelled([reason or {"Code": "None"} for reason in reasons])
        responses: list[dict[str, Any]] = []
        consumed: list[Consumed] = []
        size = 0
        for table, place, selection in parts:
            entry = table.items.get(*place)
            total = Consumed(table, "read")
            total.units = read_units(0 if entry is None else entry.size, "transactional")
            table.meter.account("read", total.units, now_s, table.items.hash_of(place[0]))
            consumed.append(total)
            size += 0 if entry is None else entry.size
            if entry is None:
                responses.append({})
            elif selection is None:
                responses.append({"Item": orjson.Fragment(entry.raw)})
            else:
                responses.append({"Item": project(entry.parsed(), selection)})
        if size > MAX_BYTES:
            raise validation("Collection size has exceeded 4194304 bytes")
        return {"Responses": responses} | _answer(wanted(request), _totals(consumed))

    def _remembered(self, token: str, now_s: float) -> _Done | None:
        for old in [name for name, done in self._done.items() if done.until_s <= now_s]:
            del self._done[old]
        return self._done.get(token)

    def _writes(self, asked: list[dict[str, Any]]) -> list[Write]:
        writes = [self._write(one) for one in _counted(asked)]
        if len({(id(write.table), write.place) for write in writes}) != len(writes):
            raise validation("Transaction request cannot include multiple operations on one item")
        return writes

    def _write(self, asked: dict[str, Any]) -> Write:
        if len(asked) != 1:
            raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
        ((kind, request),) = asked.items()
        if kind == "Put":
            item, condition = values.measured(request["Item"]), condition_of(request)
            return put_of(self._tables.find(request), *item, condition)
        key = values.item(request["Key"])
        if kind == "Update":
            bindings = bindings_of(request, UPDATE, CONDITION)
            updater = bind_update(parse_update(request[UPDATE]), bindings)
            condition = condition_of(request, bindings)
            return update_of(self._tables.find(request), key, updater, condition)
        condition = condition_of(request)
        table = self._tables.find(request)
        if kind == "Delete":
            return delete_of(table, key, condition)
        assert condition is not None  # the shape requires it
        return check_of(table, key, condition)

    def _reads(self, asked: list[dict[str, Any]]) -> tuple[list[_Read], list[Reason | None]]:
        """What is to be read; a key that doesn't fit its table cancels the transaction, what else is wrong refuses it."""
        reads: list[_Read] = []
        reasons: list[Reason | None] = []
        for request in asked:
            key, selection = values.item(request["Key"]), projection_of(request)
            table = self._tables.find(request)
            try:
                reads.append((table, located(table.schema, key), selection))
                reasons.append(None)
            except ServiceError as error:
                reasons.append(_reason("ValidationError", str(error)))
        return reads, reasons


def _counted(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(asked) <= MAX_ITEMS:
        bound = f"less than or equal to {MAX_ITEMS}" if asked else "greater than or equal to 1"
        shown = f"[{len(asked)} items]" if asked else "[]"
        raise refusal(iter([fault(shown, "transactItems", f"Member must have length {bound}")]))
    return asked


def _planned(writes: list[Write], now_s: float) -> tuple[list[Plan | ConditionRefused | None], list[Reason | None]]:
    """For each write its plan, or the refusal; beside it the reason for which it cancels the transaction."""
    plans: list[Plan | ConditionRefused | None] = []
    reasons: list[Reason | None] = []
    for write in writes:
        try:
            planned = plan(write, transactional=True)
        except ConditionRefused as refused:
            plans.append(refused)
            reasons.append(_reason("ConditionalCheckFailed", "The conditional request failed", refused.shown))
        except ServiceError as error:
            plans.append(None)
            reasons.append(_reason("ValidationError", str(error)))
        else:
            plans.append(planned)
            reasons.append(_refusal(partial(admit, planned, now_s)))
    return plans, reasons


def _admit_read(table: Table, place: Place, now_s: float) -> None:
    table.meter.check("read", now_s, table.items.hash_of(place[0]))


def _refusal(check: Callable[[], None]) -> Reason | None:
    """The reason that a throttling error gives a cancelled transaction."""
    try:
        check()
    except ServiceError as error:
        name = error.kind.rpartition("#")[2]
        code = "ProvisionedThroughputExceeded" if name.startswith("ProvisionedThroughput") else "ThrottlingError"
        return _reason(code, str(error))
    return None


def _reason(code: str, message: str, item: orjson.Fragment | None = None) -> Reason:
    return {"Code": code, "Message": message} | ({} if item is None else {"Item": item})


def _pay_for_cancelled(plans: list[Plan | ConditionRefused | None], writes: list[Write], now_s: float) -> None:
    """A cancelled transaction has consumed what its base writes would have (A13); nothing reached an index."""
    for one, write in zip(plans, writes, strict=True):
        if one is None:
            continue
        base = Consumed(write.table, "write")
        base.units = one.consumed.units
        account(base, write.place, now_s, [])


def _totals(parts: list[Consumed]) -> tuple[Consumed, ...]:
    """By table, in the order they were asked for."""
    by_table: dict[int, Consumed] = {}
    for part in parts:
        total = by_table.setdefault(id(part.table), Consumed(part.table, part.kind))
        total.include(part)
    return tuple(by_table.values())


def _as_reads(plans: list[Plan]) -> tuple[Consumed, ...]:
    """What a repetition of the request under the same token consumes: it reads the items instead of writing them."""
    reads = []
    for one in plans:
        read = Consumed(one.table, "read")
        sizes = [entry.size for entry in (one.old, one.new) if entry is not None]
        read.units = read_units(max(sizes, default=0), "transactional")
        reads.append(read)
    return _totals(reads)


def _answer(how: Wanted, totals: tuple[Consumed, ...]) -> dict[str, Any]:
    return {} if how == "NONE" else {"ConsumedCapacity": [total.told(how, both_kinds=True) for total in totals]}
