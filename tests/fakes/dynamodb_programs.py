"""What random programs against DynamoDB are made of: three tables, small pools of values, conditions, updates, their texts."""

import base64
import random
from collections.abc import Iterable, Sequence
from typing import Any

import hypothesis.strategies as st
from dynamodb_oracle import Item, Source, Table, item_bytes, plain, plain_item

Raw = dict[str, Any]
KB = 1_024
TYPES = {"pk": "S", "sk": "N", "a": "S", "b": "N", "c": "B"}
THROUGHPUT = {"ReadCapacityUnits": 3_000, "WriteCapacityUnits": 1_000}
PLAIN = ("d", "e", "n", "s")
"""The attributes that are no key of anything."""


def texts(*contents: str) -> list[Raw]:
    """Strings."""
    return [{"S": content} for content in contents]


def numbers(*contents: str) -> list[Raw]:
    """Numbers."""
    return [{"N": content} for content in contents]


def binaries(*contents: bytes) -> list[Raw]:
    """Binaries."""
    return [{"B": base64.b64encode(content).decode()} for content in contents]


# Few values, so that operations meet; numbers that are equal in other words, texts that UTF-16 would order otherwise.
POOLS: dict[str, list[Raw]] = {
    "pk": texts("x", "y", "é"),
    "sk": numbers("0", "-0.0", "1", "1.0", "10E-1", "2", "-3.5", "10", "007", "1e2"),
    "a": texts("a", "ab", "é", "\uffee", "\U00010348"),
    "b": numbers("-1", "0", "1", "1.00", "12", "120", "1e10", "-0.012"),
    "c": binaries(b"\x00", b"\x00\xff", b"a", b"ab"),
    "d": [*texts("d", "d" * 900, "d" * 1_100, "é" * 2_500), *numbers("5", "5.0")],
    "e": [
        {"L": [{"N": "1.50"}, {"S": "é"}]},
        {"M": {"é": {"NULL": True}, "x": {"L": []}}},
        {"BOOL": False},
        {"L": []},
    ],
    "n": [*numbers("0", "7", "-7.25", "99999999999999999999"), {"S": "7"}],
    "s": [{"SS": ["p", "q"]}, {"SS": ["q"]}, {"SS": ["q", "r"]}, {"NS": ["1", "2.0"]}, {"NS": ["2"]}],
}
WRONG: list[Raw] = [{"BOOL": True}, {"L": []}]
"""What no key of an index may be."""
SIZES = [0] * 8 + [KB, KB + 1, 4 * KB, 4 * KB + 1, 100 * KB, 350 * KB, 400 * KB]


def index(name: str, *keys: str, projected: Iterable[str] | None = None, local: bool = False) -> Source:
    """An index; the keys of its table join what it projects when the table is made."""
    return Source(name=name, keys=keys, projected=None if projected is None else frozenset(projected), local=local)


def table(name: str, keys: tuple[str, ...], *indexes: Source) -> Table:
    """A table of the oracle."""
    whole = []
    for one in indexes:
        projected = None if one.projected is None else {*one.projected, *one.keys, *keys}
        whole.append(index(one.name, *one.keys, projected=projected, local=one.local))
    return Table(name=name, source=Source(name="", keys=keys), types=TYPES, indexes=tuple(whole))


def tables() -> list[Table]:
    """Three tables: of two keys, of one number, of binary and text; with indexes of every kind."""
    return [
        table(
            "alpha", ("pk", "sk"),
            index("all", "a", "b"), index("keys", "c", projected=()), index("some", "a", "sk", projected=("d", "e")),
            index("near_all", "pk", "a", local=True), index("near_keys", "pk", "b", projected=(), local=True),
            index("near_some", "pk", "c", projected=("d",), local=True),
        ),
        table("beta", ("b",), index("by_text", "a", "b"), index("by_number", "sk", projected=("n",))),
        table("gamma", ("c", "a"), index("near_keys", "c", "sk", projected=(), local=True), index("by_pk", "pk")),
    ]  # fmt: skip


def definition(made: Table) -> Raw:
    """CreateTable's request for a table of the oracle."""

    def keys(source: Source) -> list[Raw]:
        return [
            {"AttributeName": name, "KeyType": role} for name, role in zip(source.keys, ("HASH", "RANGE"), strict=False)
        ]

    def described(one: Source) -> Raw:
        extra = (one.projected or frozenset()) - {*one.keys, *made.source.keys}
        kind = "ALL" if one.projected is None else "INCLUDE" if extra else "KEYS_ONLY"
        projection = {"ProjectionType": kind} | ({"NonKeyAttributes": sorted(extra)} if extra else {})
        own = {} if one.local else {"ProvisionedThroughput": THROUGHPUT}
        return {"IndexName": one.name, "KeySchema": keys(one), "Projection": projection, **own}

    used = {*made.source.keys, *(name for one in made.indexes for name in one.keys)}
    by_kind = {
        "LocalSecondaryIndexes": [described(one) for one in made.indexes if one.local],
        "GlobalSecondaryIndexes": [described(one) for one in made.indexes if not one.local],
    }
    return {
        "TableName": made.name,
        "KeySchema": keys(made.source),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": TYPES[name]} for name in sorted(used)],
        "ProvisionedThroughput": THROUGHPUT,
        **{kind: indexes for kind, indexes in by_kind.items() if indexes},
    }


class Expression:
    """Collects the names and values that an expression's text stands on."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Raw] = {}

    def name(self, name: str) -> str:
        """A placeholder for a name."""
        self.names[f"#{name}"] = name
        return f"#{name}"

    def value(self, raw: Raw) -> str:
        """A placeholder for a value."""
        self.values[f":v{len(self.values)}"] = raw
        return f":v{len(self.values) - 1}"

    def condition(self, condition: Any) -> str:
        """The text of a condition of the oracle."""
        op, name, *operands = condition
        if op in ("and", "or"):
            return f" {op.upper()} ".join(f"({self.condition(one)})" for one in (name, *operands))
        if op == "not":
            return f"NOT ({self.condition(name)})"
        path, given = self.name(name), [self.value(one) for one in operands]
        match op:
            case "exists":
                return f"attribute_exists({path})"
            case "missing":
                return f"attribute_not_exists({path})"
            case "between":
                return f"{path} BETWEEN {given[0]} AND {given[1]}"
            case "begins_with":
                return f"begins_with({path}, {given[0]})"
        return f"{path} {op} {given[0]}"

    def update(self, actions: Sequence[tuple[Any, ...]]) -> str:
        """The text of some actions of the oracle, each in its section."""
        sections: dict[str, list[str]] = {}
        for action, name, *operands in actions:
            path, given = self.name(name), "".join(self.value(one) for one in operands)
            section, text = {
                "set": ("SET", f"{path} = {given}"),
                "plus": ("SET", f"{path} = {path} + {given}"),
                "default": ("SET", f"{path} = if_not_exists({path}, {given})"),
                "remove": ("REMOVE", path),
                "add": ("ADD", f"{path} {given}"),
                "delete": ("DELETE", f"{path} {given}"),
            }[action]
            sections.setdefault(section, []).append(text)
        return " ".join(f"{section} {', '.join(parts)}" for section, parts in sections.items())

    def members(self) -> Raw:
        """The request's members."""
        return {
            **({"ExpressionAttributeNames": self.names} if self.names else {}),
            **({"ExpressionAttributeValues": self.values} if self.values else {}),
        }


def random_item(made: Table, seed: int) -> Raw:
    """A well-formed item of any size, most of them small."""
    chosen = random.Random(seed)
    names = [name for name in POOLS if name in made.source.keys or chosen.random() < 0.7]
    return padded({name: chosen.choice(POOLS[name]) for name in names}, chosen.choice(SIZES))


def padded(item: Raw, size: int) -> Raw:
    """The item with as much filler as makes it that many bytes, if it isn't larger yet."""
    room = size - item_bytes(plain_item(item)) - len("filler")
    return item | ({"filler": {"S": "f" * room}} if room >= 0 else {})


def keys(made: Table) -> st.SearchStrategy[Raw]:
    """Any key of a table."""
    return st.fixed_dictionaries({name: st.sampled_from(POOLS[name]) for name in made.source.keys})


def good_items(made: Table) -> st.SearchStrategy[Raw]:
    """Items that nothing is wrong with."""
    return st.integers(0, 2**32).map(lambda seed: random_item(made, seed))


def any_items(made: Table) -> st.SearchStrategy[Raw]:
    """Mostly good items; some too large, some with a key of an index that isn't of its type."""
    names = sorted({name for one in made.indexes for name in one.keys} - {*made.source.keys})
    several = [good_items(made)] * 6 + [good_items(made).map(lambda item: padded(item, 400 * KB + 1))]
    if names:
        wrong = st.dictionaries(st.sampled_from(names), st.sampled_from(WRONG), min_size=1, max_size=1)
        several.append(st.builds(lambda item, bad: item | bad, good_items(made), wrong))
    return st.one_of(*several)


def _ordered(pair: Sequence[Raw]) -> list[Raw]:
    return sorted(pair, key=lambda raw: plain(raw)[1])


def _leaves(names: Sequence[str]) -> st.SearchStrategy[Any]:
    """Conditions on one attribute, against values of its own pool or of another's."""
    name = st.sampled_from(names)
    pool = st.sampled_from([*POOLS])
    scalar = st.sampled_from([*TYPES])
    pairs = scalar.flatmap(lambda one: st.lists(st.sampled_from(POOLS[one]), min_size=2, max_size=2)).map(_ordered)
    text = st.sampled_from([*POOLS["a"], *POOLS["c"], *texts("d")])
    order = st.sampled_from(["<", "<=", ">", ">="])
    equal = st.sampled_from(["=", "<>"])
    return st.one_of(
        st.tuples(st.sampled_from(["exists", "missing"]), name),
        name.flatmap(lambda one: st.tuples(equal, st.just(one), st.sampled_from(POOLS[one]))),
        st.tuples(equal, name, pool.flatmap(lambda one: st.sampled_from(POOLS[one]))),
        st.tuples(order, name, scalar.flatmap(lambda one: st.sampled_from(POOLS[one]))),
        st.builds(lambda one, bounds: ("between", one, *bounds), name, pairs),
        st.tuples(st.just("begins_with"), name, text),
    )


def conditions(names: Sequence[str]) -> st.SearchStrategy[Any]:
    """None, one comparison, or some of them."""
    leaf = _leaves(names)
    some = st.tuples(st.sampled_from(["and", "or"]), leaf, leaf)
    return st.one_of(st.none(), st.none(), st.none(), leaf, some, st.tuples(st.just("not"), leaf))


def sort_conditions(name: str) -> st.SearchStrategy[Any]:
    """None, or any comparison of a sort key."""
    value = st.sampled_from(POOLS[name])
    pairs = st.lists(value, min_size=2, max_size=2).map(_ordered)
    several: list[st.SearchStrategy[Any]] = [
        st.none(),
        st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), st.just(name), value),
        st.builds(lambda bounds: ("between", name, *bounds), pairs),
    ]
    if TYPES[name] != "N":
        several.append(st.tuples(st.just("begins_with"), st.just(name), value))
    return st.one_of(*several)


def actions(made: Table) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Up to three actions of an update, each on another attribute that is no key of the table."""
    of_indexes = {name for one in made.indexes for name in one.keys}
    names = [name for name in POOLS if name not in made.source.keys]
    chosen = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    return chosen.flatmap(lambda some: st.tuples(*(_actions_on(name, name in of_indexes) for name in some))).map(list)


def _actions_on(name: str, is_index_key: bool) -> st.SearchStrategy[tuple[Any, ...]]:
    pool = POOLS[name] * 4 + WRONG if is_index_key else POOLS[name]
    several: list[st.SearchStrategy[tuple[Any, ...]]] = [
        st.just(("remove", name)),
        st.tuples(st.sampled_from(["set", "default"]), st.just(name), st.sampled_from(pool)),
    ]
    if name in ("n", "b", "sk"):
        several.append(
            st.tuples(st.sampled_from(["plus", "add"]), st.just(name), st.sampled_from(numbers("1", "-2.5")))
        )
    if name == "s":
        several.append(st.tuples(st.sampled_from(["add", "delete"]), st.just(name), st.sampled_from(POOLS["s"])))
    return st.one_of(*several)


def projections(source: Source | None = None) -> st.SearchStrategy[list[str]]:
    """Names for a ProjectionExpression, none for the whole item; with a source, only of what it projects."""
    known = [name for name in POOLS if source is None or source.projected is None or name in source.projected]
    return st.one_of(st.just([]), st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))


def shown(item: Item, names: Sequence[str]) -> Item:
    """What a projection leaves of an item."""
    return {name: item[name] for name in names if name in item} if names else item
