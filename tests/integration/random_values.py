"""Seeded random values and expressions over them, with their placeholders."""

import random
from collections.abc import Callable
from typing import Any

Value = dict[str, Any]
Path = tuple[str, ...]

PARTITIONS = ("a", "b", "c")
NUMBERS = ("-10", "-1.5", "0", "1", "1.0", "2", "10", "1e2", "0.1", "123456789.123456789")
FURTHER_PARTITION = "ä\N{GRINNING FACE}"
FURTHER_TEXTS = ("", "é", "\N{GRINNING FACE}" * 400)
TEXTS = ("a", "ab", "abc", "b", "x" * 900, "y" * 3000, "z" * 5000)
ATTRIBUTES = ("g", "n", "t", "u", "set", "numbers", "list", "map", "flag", "nothing", "bytes")
PATHS = (
    ("g",), ("n",), ("t",), ("u",), ("set",), ("list", "[0]"), ("map", "a"), ("map", "b"), ("flag",), ("bytes",),
    ("numbers",), ("map",), ("list",),
)  # fmt: skip
SIMPLE_PATHS = (("g",), ("n",), ("t",))
PROJECTED_PATHS = (("pk",), ("t",), ("n",), ("map", "a"), ("list", "[0]"), ("set",))


class Words:
    """The placeholders of one request while its expressions are written."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self._payload = payload
        self._names: dict[str, str] = payload.get("ExpressionAttributeNames", {})
        self._values: dict[str, Value] = payload.get("ExpressionAttributeValues", {})

    def name(self, path: Path) -> str:
        """A path with a placeholder for each name; an index in brackets stays."""
        text = ""
        for part in path:
            if part.startswith("["):
                text += part
                continue
            self._names[f"#{part}"] = part
            text += f".#{part}" if text else f"#{part}"
        return text

    def value(self, value: Value) -> str:
        """A new placeholder for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def store(self) -> None:
        """Put what was used into the payload."""
        if self._names:
            self._payload["ExpressionAttributeNames"] = self._names
        if self._values:
            self._payload["ExpressionAttributeValues"] = self._values


class Drawing:
    """Values, keys, items and expressions drawn from one source of randomness.

    ``plain`` leaves out what emulators get wrong where they look at a value in their own language: empty texts and bytes and
    ``false``, taken for nothing, and texts beyond ASCII, measured in other units than bytes. ``simple`` draws only conditions
    that compare top-level attributes with values of their own type, and projects only those.
    """

    def __init__(self, rng: random.Random, *, plain: bool, simple: bool) -> None:
        self.rng, self._plain, self._simple = rng, plain, simple

    def projected(self) -> list[Path]:
        """Two paths for a ProjectionExpression."""
        return self.rng.sample(SIMPLE_PATHS if self._simple else PROJECTED_PATHS, 2)

    def partition(self) -> Value:
        """A partition key."""
        return {"S": self.rng.choice(PARTITIONS if self._plain else (*PARTITIONS, FURTHER_PARTITION))}

    def number(self) -> Value:
        """A number; some are equal in value and different in text."""
        return {"N": self.rng.choice(NUMBERS)}

    def text(self) -> Value:
        """A text, sometimes of several KB."""
        return {"S": self.rng.choice(TEXTS if self._plain else (*TEXTS, *FURTHER_TEXTS))}

    def value(self, depth: int = 2) -> Value:
        """A value of any type."""
        rng = self.rng
        kinds: list[Callable[[], Value]] = [
            self.number,
            self.text,
            lambda: {"BOOL": self._plain or rng.random() < 0.5},
            lambda: {"NULL": True},
            lambda: {"B": rng.choice(("AA==", "AQI=", "/w==", "/w==" if self._plain else ""))},
            lambda: {"SS": rng.sample(("a", "b", "c", "dd"), rng.randint(1, 3))},
            lambda: {"NS": rng.sample(("1", "2", "3.5", "-4"), rng.randint(1, 3))},
        ]
        if depth:
            kinds += [
                lambda: {"L": [self.value(depth - 1) for _ in range(rng.randint(0, 3))]},
                lambda: {"M": {name: self.value(depth - 1) for name in rng.sample("abc", rng.randint(0, 3))}},
            ]
        return rng.choice(kinds)()

    def attribute(self, name: str) -> Value:
        """A value of the type that an attribute of this name mostly has."""
        rng = self.rng
        match name:
            case "g":
                return {"S": rng.choice(("g1", "g2", "g3"))}
            case "n":
                return self.number()
            case "t" | "u":
                return self.text()
            case "set":
                return {"SS": rng.sample(("a", "b", "c", "dd"), rng.randint(1, 3))}
            case "numbers":
                return {"NS": rng.sample(("1", "2", "3.5", "-4"), rng.randint(1, 3))}
            case "list":
                return {"L": [self.value(1) for _ in range(rng.randint(0, 3))]}
            case "map":
                return {"M": {part: self.value(1) for part in rng.sample("abc", rng.randint(0, 3))}}
        return self.value()

    def key(self, table: str) -> dict[str, Value]:
        """A primary key of one of the tables."""
        key: dict[str, Value] = {"pk": self.partition()}
        if table == "ranged":
            key["sk"] = self.number()
        return key

    def item(self, table: str) -> dict[str, Value]:
        """A whole item."""
        rng = self.rng
        names = rng.sample(ATTRIBUTES, rng.randint(0, 5))
        return {**self.key(table), **{name: self.attribute(name) for name in names}}

    def compose(self, payload: dict[str, Any], member: str, make: Callable[[Words], str]) -> None:
        """Add an expression, with the placeholders it uses merged into those that are there."""
        words = Words(payload)
        payload[member] = make(words)
        words.store()

    def condition(self, words: Words, depth: int = 2) -> str:
        """A condition or filter, nested to some depth."""
        rng = self.rng
        if depth and rng.random() < 0.35:
            form = rng.choice(("{} AND {}", "({}) OR {}", "NOT ({})", "NOT {}"))
            return form.format(*(self.condition(words, depth - 1) for _ in range(form.count("{}"))))
        path = rng.choice(SIMPLE_PATHS if self._simple else PATHS)
        name, value = words.name(path), lambda: words.value(self.attribute(path[0]))
        forms = [
            lambda: f"attribute_exists({name})",
            lambda: f"attribute_not_exists({name})",
            lambda: f"{name} {rng.choice(('=', '<>', '<', '<=', '>', '>='))} {value()}",
            lambda: f"{name} IN ({value()}, {value()})",
        ]
        if not self._simple:
            forms += [
                lambda: f"{name} BETWEEN {words.value({'N': '0'})} AND {words.value({'N': '10'})}",
                lambda: f"begins_with({name}, {words.value({'S': 'a'})})",
                lambda: f"contains({name}, {words.value({'S': 'a'})})",
                lambda: f"size({name}) > {words.value({'N': '2'})}",
                lambda: f"attribute_type({name}, {words.value({'S': rng.choice(('S', 'N', 'SS', 'M', 'L'))})})",
            ]
        return rng.choice(forms)()

    def changes(self, words: Words) -> str:
        """An UpdateExpression of one to three clauses over different attributes."""
        rng = self.rng
        clauses = []
        names = rng.sample(("n", "t", "u", "set", "numbers", "list", "map", "flag", "g"), 7)
        # One that only takes away makes no item where there is none, which not every emulator knows.
        kinds = rng.sample(("SET", "REMOVE", "ADD", "DELETE"), rng.randint(1, 3))
        for clause in [*kinds, "SET"] if self._plain and "SET" not in kinds else kinds:
            if clause == "SET":
                clauses.append(f"SET {self._assignment(words, names.pop())}, {self._assignment(words, names.pop())}")
            elif clause == "REMOVE":
                clauses.append(f"REMOVE {words.name((names.pop(),))}")
            elif clause == "ADD":
                name = rng.choice(("n", "set", "numbers"))
                if name in names:
                    names.remove(name)
                    clauses.append(f"ADD {words.name((name,))} {words.value(self.attribute(name))}")
            elif "set" in names:
                names.remove("set")
                clauses.append(f"DELETE {words.name(('set',))} {words.value(self.attribute('set'))}")
        return " ".join(clauses) or f"REMOVE {words.name(('u',))}"

    def _assignment(self, words: Words, name: str) -> str:
        path = words.name((name,))
        given = words.value(self.attribute(name))
        forms = [f"{path} = {given}", f"{path} = if_not_exists({path}, {given})"]
        if name == "n":
            forms += [f"{path} = {path} + {given}", f"{path} = if_not_exists({path}, {given}) - {given}"]
        if name == "list":
            forms += [f"{path} = list_append({path}, {given})", f"{path}[0] = {given}"]
        if name == "map":
            forms += [f"{words.name(('map', 'a'))} = {given}"]
        return self.rng.choice(forms)
