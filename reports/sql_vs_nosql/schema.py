"""What a store's tables look like, read from the statements that made them: columns, key, and indexes with what is in them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TABLE = re.compile(r"CREATE TABLE (\w+)\s*\((.*)\)[^)]*$", re.DOTALL)
_INDEX = re.compile(r"CREATE (FULLTEXT |UNIQUE )?INDEX (\w+) ON (\w+)\s*(.*)$", re.DOTALL)
_INLINE = re.compile(r"(FULLTEXT |UNIQUE )?(?:INDEX|KEY) (\w+)\s*(\(.*\).*)$", re.DOTALL)
_KEY = re.compile(r"PRIMARY KEY\s*\(([^)]*)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """``of`` is what it is by, and what it has besides, as the statement says."""

    name: str
    of: str


@dataclass(slots=True, kw_only=True)
class Table:
    """``columns`` are those that the statement declares."""

    name: str
    key: str
    columns: tuple[str, ...]
    indexes: list[Index] = field(default_factory=list)


def tables_of(ddl: Sequence[str]) -> list[Table]:
    """The tables of a schema event in the order they are made; what is neither a table nor an index is left out."""
    tables: dict[str, Table] = {}
    for statement in ddl:
        if statement.lstrip().startswith("{"):
            made = _document(json.loads(statement))
            tables[made.name] = made
        elif of_table := _TABLE.match(statement):
            tables[of_table[1]] = _table(of_table[1], of_table[2])
        elif (of_index := _INDEX.match(statement)) and of_index[3] in tables:
            name = of_index[2].removeprefix(f"{of_index[3]}_")
            tables[of_index[3]].indexes.append(Index(name=name, of=_one_line(f"{of_index[1] or ''}{of_index[4]}")))
    return list(tables.values())


def _table(name: str, inner: str) -> Table:
    columns, indexes, key = [], [], ""
    for part in map(_one_line, _split(inner)):
        if of_key := _KEY.match(part):
            key = of_key[1]
        elif inline := _INLINE.match(part):
            indexes.append(Index(name=inline[2].removeprefix(f"{name}_"), of=f"{inline[1] or ''}{inline[3]}"))
        else:
            column = part.split(" ", 1)[0]
            columns.append(column)
            key = column if part.endswith("PRIMARY KEY") else key
    return Table(name=name, key=key, columns=tuple(columns), indexes=indexes)


def _split(inner: str) -> Iterator[str]:
    """At commas that aren't inside brackets."""
    depth, start = 0, 0
    for at, sign in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            yield inner[start:at]
            start = at + 1
    yield inner[start:]


def _document(document: Mapping[str, Any]) -> Table:
    """A CreateTable: only keys are declared; an index has the attributes of its projection."""
    indexes = [
        Index(name=one["IndexName"], of=f"{_keys(one)}; {_projected(one['Projection'])}")
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for one in document.get(kind, ())
    ]
    return Table(name=document["TableName"], key=_keys(document), columns=(), indexes=indexes)


def _keys(document: Mapping[str, Any]) -> str:
    said = {"HASH": "partition", "RANGE": "sort"}
    return ", ".join(f"{one['AttributeName']} ({said[one['KeyType']]})" for one in document["KeySchema"])


def _projected(projection: Mapping[str, Any]) -> str:
    match projection["ProjectionType"]:
        case "INCLUDE":
            return f"has {', '.join(projection['NonKeyAttributes'])}"
        case "KEYS_ONLY":
            return "has keys alone"
    return "has all attributes"


def _one_line(text: str) -> str:
    return " ".join(text.split())
