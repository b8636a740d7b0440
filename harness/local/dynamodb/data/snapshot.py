"""All tables in a folder, written when the twin stops and read when it starts.

``tables.json`` says what there is: for each table the CreateTable request that makes it again, and the name of its files.
A table's items and each index's entries are an Arrow file, in the order of a scan. An index that projects everything has the
rows of its table's items instead of the items again. What buckets held isn't kept: they begin as a new table's.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from harness.errors import CannotMeasure, UsageError
from harness.local.dynamodb.data.storage import NO_SORT, Entry, Index, KeySchema, Partition, Partitions, Place
from harness.local.dynamodb.data.values import SortKey
from harness.local.dynamodb.tables.table import Table
from harness.local.dynamodb.tables.tables import Tables

SCHEMA = 1
LISTING = "tables.json"
_BILLING = ("ProvisionedThroughput", "OnDemandThroughput")
_INDEX = ("IndexName", "KeySchema", "Projection", *_BILLING)
_TABLE = ("TableName", "AttributeDefinitions", "KeySchema", "DeletionProtectionEnabled", *_BILLING)
Columns = dict[str, list[Any]]


def save(tables: Tables, folder: Path, now_s: float) -> None:
    """Write every table that serves; the listing goes last and whole, so that a stop halfway leaves what was there.

    Raises CannotMeasure where the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        generation = 1 + max((int(name.split(".")[0]) for name in names if name.split(".")[0].isdigit()), default=0)
        listed = []
        for number, table in enumerate(one for one in tables.by_name.values() if one.serving):
            stem = f"{generation}.{number}"
            listed.append(_described(table, stem, now_s))
            _write_table(table, folder, stem)
        beside = folder / f".{LISTING}.{os.getpid()}"
        beside.write_text(json.dumps({"schema": SCHEMA, "tables": listed}, indent=1))
        beside.replace(folder / LISTING)
        for name in names - {LISTING}:
            if name.endswith(".arrow"):
                (folder / name).unlink()
    except OSError as error:
        raise CannotMeasure(f"the tables can't be written to {folder}: {error.strerror}") from error


def load(tables: Tables, folder: Path, now_s: float) -> None:
    """Make the tables of a folder; one that isn't there, or is empty, has none. Raises UsageError for what is no snapshot."""
    listing = folder / LISTING
    if folder.is_file():
        raise UsageError(f"--data {folder} is a file; give a folder")
    if not listing.exists():
        return
    try:
        found = json.loads(listing.read_text())
        if found["schema"] != SCHEMA:
            raise UsageError(f"{listing} is of schema {found['schema']}, this version reads {SCHEMA}")
        for saved in found["tables"]:
            _restore(tables, saved, folder, now_s)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{listing} can't be read ({type(error).__name__}: {error}); move the folder away, or mend it"
        ) from error


def _described(table: Table, stem: str, now_s: float) -> dict[str, Any]:
    told = table.describe(now_s)
    request = _only(told, _TABLE) | {"BillingMode": "PAY_PER_REQUEST" if table.on_demand else "PROVISIONED"}
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if kind in told:
            request[kind] = [_only(index, _INDEX) for index in told[kind]]
    for part in (request, *request.get("GlobalSecondaryIndexes", ())):
        if table.on_demand:
            part.pop("ProvisionedThroughput", None)
        elif "ProvisionedThroughput" in part:
            part["ProvisionedThroughput"] = _only(
                part["ProvisionedThroughput"], ("ReadCapacityUnits", "WriteCapacityUnits")
            )
    return {
        "request": request, "files": stem, "id": table.id, "ttl_attribute": table.ttl_attribute,
        "created_epoch_s": table.account.epoch_s(table.created_s),
    }  # fmt: skip


def _only(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: told[name] for name in names if told.get(name) is not None}


def _write_table(table: Table, folder: Path, stem: str) -> None:
    columns = _keys(table.items)
    rows: dict[Place, int] = {}
    for key, held in _groups(table.items):
        columns["raw"] += held.raws
        columns["size"] += held.sizes
        rows.update(zip(((key, order) for order in held.orders), count(len(rows)), strict=False))
    _write(folder / f"{stem}.arrow", columns)
    for index in table.indexes.values():
        if index.name in table.states and table.states[index.name].status != "ACTIVE":
            continue  # it is made anew from the items
        _write(folder / f"{stem}.{index.name}.arrow", _index_columns(index, rows))


def _keys(entries: Partitions) -> Columns:
    """The columns of keys, and empty ones for what else an entry has."""
    columns: Columns = {"partition": [], "sort": [], "raw": [], "size": []}
    for key, held in _groups(entries):
        columns["partition"] += [_written(key)] * len(held.orders)
        columns["sort"] += [_written(order[0]) for order in held.orders]
    return columns


def _index_columns(index: Index, rows: dict[Place, int]) -> Columns:
    columns = _keys(index.entries) | {"row": []}
    whole = index.projection == "ALL"
    for _, held in _groups(index.entries):
        columns["row"] += [rows[order[1], order[2:]] for order in held.orders]
        if not whole:
            columns["raw"] += held.raws
            columns["size"] += held.sizes
    return {name: column for name, column in columns.items() if not (whole and name in ("raw", "size"))}


def _groups(entries: Partitions) -> Iterator[tuple[SortKey, Partition]]:
    return ((stretch.key, stretch.partition) for stretch in entries.everything())


def _written(key: SortKey) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()


def _reader(schema: KeySchema, name: str | None) -> Callable[[bytes], SortKey] | None:
    """How a key's bytes become the key again; None where they are it already."""
    return (lambda raw: Decimal(raw.decode())) if name is not None and schema.types[name] == "N" else None


def _write(path: Path, columns: Columns) -> None:
    import pyarrow as pa  # only who keeps data pays for it

    types = {"size": pa.uint32(), "row": pa.uint32()}
    arrays = {name: pa.array(column, types.get(name, pa.large_binary())) for name, column in columns.items()}
    table = pa.table(arrays)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read(path: Path) -> Columns:
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as source:
        columns: Columns = pa.ipc.open_file(source).read_all().to_pydict()
        return columns


def _restore(tables: Tables, saved: dict[str, Any], folder: Path, now_s: float) -> None:
    tables.create(saved["request"], now_s)
    tables.settle(now_s)
    table = tables.by_name[saved["request"]["TableName"]]
    table.id, table.ttl_attribute = saved["id"], saved["ttl_attribute"]
    table.created_s = saved["created_epoch_s"] - table.account.epoch_s(0)
    columns = _read(folder / f"{saved['files']}.arrow")
    _read_keys(columns, table.schema)
    orders = [(sort,) for sort in columns["sort"]] if table.schema.sort else [NO_SORT] * len(columns["sort"])
    _fill(table.items, columns["partition"], orders, columns["raw"], columns["size"])
    base = columns | {"order": orders}
    for index in table.indexes.values():
        path = folder / f"{saved['files']}.{index.name}.arrow"
        if path.exists():
            _restore_index(index, _read(path), base)
        else:
            _rebuild(table, index, base)
    table.resize(now_s)


def _restore_index(index: Index, columns: Columns, base: Columns) -> None:
    _read_keys(columns, index.schema)
    rows = columns["row"]
    partitions, orders = base["partition"], base["order"]
    placed = [(sort, partitions[row], *orders[row]) for sort, row in zip(columns["sort"], rows, strict=True)]
    raws = columns.get("raw") or [base["raw"][row] for row in rows]
    sizes = columns.get("size") or [base["size"][row] for row in rows]
    _fill(index.entries, columns["partition"], placed, raws, sizes)


def _rebuild(table: Table, index: Index, base: Columns) -> None:
    for place in zip(base["partition"], base["order"], base["raw"], base["size"], strict=True):
        stored = Entry(*place)
        entry = index.entry(table.schema, stored.parsed(), stored)
        if entry is not None:
            index.entries.put(entry)


def _read_keys(columns: Columns, schema: KeySchema) -> None:
    for column, name in (("partition", schema.partition), ("sort", schema.sort)):
        read = _reader(schema, name)
        if read is not None:
            columns[column] = list(map(read, columns[column]))


def _fill(entries: Partitions, keys: list[SortKey], orders: list[Any], raws: list[bytes], sizes: list[int]) -> None:
    """Put columns in the order of a scan into an empty storage."""
    first = 0
    groups = []
    for key, same in groupby(enumerate(keys), itemgetter(1)):
        last = first + sum(1 for _ in same)
        groups.append((key, orders[first:last], raws[first:last], sizes[first:last]))
        first = last
    entries.restore(groups)
