"""The kinds of members that requests have, and what the service says of one that breaks its model.

Every request is checked quickly, up to the first fault. Only then a second pass tells all faults, in the order of the
service's model, as the service collects them in one message. A member of a wrong type ends either pass at once: the
service finds out about types before it looks at values.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from harness.local.dynamodb.errors import ServiceError, mistyped, not_built, serialization, validation

MAX_FAULTS = 10
MAX_SHOWN_CHARACTERS = 2_000
NAME_PATTERN = "[a-zA-Z0-9_.-]+"
_MATCHES_NAME = re.compile(f"{NAME_PATTERN}\\Z").match
_IS_TABLE = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z|arn:[^\s]{1,768}:table/[a-zA-Z0-9_.-]{3,255}\Z").match


class BrokenError(Exception):
    """A value breaks its constraint; the second pass tells which and how."""


class Constraint(NamedTuple):
    """What must hold of a value, and how the service says that it doesn't."""

    holds: Callable[[Any], Any]
    says: str


class Member:
    """Whatever it is: somebody else checks it."""

    __slots__ = ()

    def check(self, raw: Any) -> Any:
        """The value, checked and without nulls; raises BrokenError or a ServiceError."""
        return raw

    def faults(self, _raw: Any, _path: str) -> Iterator[str]:
        """Every fault of the value that stands at a path."""
        return iter(())

    def shown(self, raw: Any) -> str:
        """The value as the service's messages show it."""
        return str(raw)[:MAX_SHOWN_CHARACTERS]

    def _told(self, raw: Any, path: str, constraints: tuple[Constraint, ...]) -> Iterator[str]:
        return (fault(self.shown(raw), path, says) for holds, says in constraints if not holds(raw))


def fault(shown: str | None, path: str, says: str) -> str:
    """One broken constraint in the service's words."""
    value = "null" if shown is None else f"'{shown}'"
    return f"Value {value} at '{path}' failed to satisfy constraint: {says}"


def refusal(faults: Iterator[str]) -> ServiceError:
    """The validation error that tells the first ten of some faults."""
    told = list(islice(faults, MAX_FAULTS))
    return validation(f"{len(told)} validation error{'s'[: len(told) != 1]} detected: {'; '.join(told)}")


def _length(least: int, most: int | None) -> tuple[Constraint, ...]:
    limits = []
    if most is not None:
        limits.append(Constraint(lambda raw: len(raw) <= most, f"Member must have length less than or equal to {most}"))
    if least:
        says = f"Member must have length greater than or equal to {least}"
        limits.append(Constraint(lambda raw: len(raw) >= least, says))
    return tuple(limits)


class Text(Member):
    """A string, of a length or out of some words where that is said."""

    __slots__ = ("_constraints",)

    def __init__(self, *words: str, least: int = 0, most: int | None = None, name: bool = False) -> None:
        enumerated = (Constraint(words.__contains__, f"Member must satisfy enum value set: [{', '.join(words)}]"),)
        pattern = (Constraint(_MATCHES_NAME, f"Member must satisfy regular expression pattern: {NAME_PATTERN}"),)
        self._constraints = (
            (enumerated if words else ()) + _length(3 if name else least, 255 if name else most) + pattern * name
        )

    def check(self, raw: Any) -> str:
        """A string that keeps its constraints."""
        if type(raw) is not str:
            raise mistyped(raw, "String")
        for holds, _ in self._constraints:
            if not holds(raw):
                raise BrokenError
        return raw

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """Every constraint that is broken."""
        if type(raw) is not str:
            raise mistyped(raw, "String")
        return self._told(raw, path, self._constraints)


class TableName(Member):
    """A table's name or, where it needn't be new, its ARN. The service looks at it before all other members."""

    __slots__ = ("_new",)

    def __init__(self, *, new: bool = False) -> None:
        self._new = new

    def check(self, raw: Any) -> str:
        """A name that a table can have."""
        if type(raw) is not str:
            raise mistyped(raw, "String")
        if not _IS_TABLE(raw) or (self._new and raw.startswith("arn:")):
            raise BrokenError
        return raw

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """What is wrong with a name; of a name that is only empty that alone, as its type in the model says."""
        if type(raw) is not str:
            raise mistyped(raw, "String")
        if not raw and not self._new:
            return iter([fault("", path, "Member must have length greater than or equal to 1")])
        if _IS_TABLE(raw) and not self._new:
            return iter(())
        return _NAME.faults(raw, path)


class Flag(Member):
    """True or false."""

    __slots__ = ()

    def check(self, raw: Any) -> bool:
        """Nothing but a boolean."""
        if type(raw) is not bool:
            if isinstance(raw, str):
                raise serialization("Unexpected token received from parser")
            raise mistyped(raw, "Boolean")
        return raw

    def faults(self, raw: Any, _path: str) -> Iterator[str]:
        """None; but its type is checked."""
        self.check(raw)
        return iter(())


class Whole(Member):
    """A whole number between limits that are included; a fraction is cut off, as the service does.

    ``told_as`` is for a member that the service names so, with its capital and without its value.
    """

    __slots__ = ("_constraints", "_kind", "_told_as")

    def __init__(
        self, least: int | None = None, most: int | None = None, *, kind: str = "Integer", told_as: str | None = None
    ) -> None:
        self._kind, self._told_as = kind, told_as
        at_least = Constraint(
            lambda raw: least is None or raw >= least, f"Member must have value greater than or equal to {least}"
        )
        at_most = Constraint(
            lambda raw: most is None or raw <= most, f"Member must have value less than or equal to {most}"
        )
        self._constraints = (at_least, at_most)

    def check(self, raw: Any) -> int:
        """A number that keeps its limits."""
        number = self._cut(raw)
        for holds, _ in self._constraints:
            if not holds(number):
                raise BrokenError
        return number

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """The limit that is broken."""
        if self._told_as is not None:
            broken = (says for holds, says in self._constraints if not holds(self._cut(raw)))
            return (f"Value at '{self._told_as}' failed to satisfy constraint: {says}" for says in broken)
        return self._told(self._cut(raw), path, self._constraints)

    def _cut(self, raw: Any) -> int:
        if type(raw) is int:
            return raw
        if type(raw) is float and math.isfinite(raw):
            return math.floor(raw)
        raise mistyped(raw, self._kind)


class Listed(Member):
    """A list of something."""

    __slots__ = ("_constraints", "_of")

    def __init__(self, of: Member, *, least: int = 0, most: int | None = None) -> None:
        self._of = of
        self._constraints = _length(least, most)

    def check(self, raw: Any) -> list[Any]:
        """A list whose entries are checked."""
        if type(raw) is not list:
            raise mistyped(raw, "List")
        for holds, _ in self._constraints:
            if not holds(raw):
                raise BrokenError
        check = self._of.check
        return [check(one) for one in raw]

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """The list's own, then those of its entries, which count from 1."""
        if type(raw) is not list:
            raise mistyped(raw, "List")
        return _own_first(
            lambda: self._told(raw, path, self._constraints),
            (self._of.faults(one, f"{path}.{at}.member") for at, one in enumerate(raw, 1)),
        )

    def shown(self, raw: Any) -> str:
        """Its entries in brackets."""
        return f"[{', '.join(map(self._of.shown, raw))[:MAX_SHOWN_CHARACTERS]}]"


class Mapped(Member):
    """Something by names of the client's choice."""

    __slots__ = ("_constraints", "_of")

    def __init__(self, of: Member, *, least: int = 0) -> None:
        self._of = of
        self._constraints = _length(least, None)

    def check(self, raw: Any) -> dict[str, Any]:
        """A map whose entries are checked."""
        if type(raw) is not dict:
            raise mistyped(raw, "Map")
        for holds, _ in self._constraints:
            if not holds(raw):
                raise BrokenError
        check = self._of.check
        return {name: check(one) for name, one in raw.items()}

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """The map's own, then those of its entries."""
        if type(raw) is not dict:
            raise mistyped(raw, "Map")
        return _own_first(
            lambda: self._told(raw, path, self._constraints),
            (self._of.faults(one, f"{path}.{name}.member") for name, one in raw.items()),
        )


class Structure(Member):
    """Named members, some of which must be there; those that nobody names are left out, as the service ignores them."""

    __slots__ = ("_checks", "_kind", "_members", "_required")

    def __init__(self, *required: str, **members: Member) -> None:
        self._required, self._kind = required, ""
        # A required member that isn't named is told of last: whoever minds the order names it.
        self._members = members | {name: Member() for name in required if name not in members}
        self._checks = {name: member.check for name, member in self._members.items()}

    def called(self, kind: str) -> "Structure":
        """The same with its name in the service's model, by which messages show it."""
        self._kind = kind
        return self

    def check(self, raw: Any) -> dict[str, Any]:
        """The members that aren't null, each checked."""
        if type(raw) is not dict:
            raise mistyped(raw, "Structure")
        checked = {}
        checks = self._checks
        for name, content in raw.items():
            check = checks.get(name)
            if check is not None and content is not None:
                checked[name] = check(content)
        for name in self._required:
            if name not in checked:
                raise BrokenError
        return checked

    def faults(self, raw: Any, path: str) -> Iterator[str]:
        """Those of every member, in the order of the model."""
        if type(raw) is not dict:
            raise mistyped(raw, "Structure")
        for name, member in self._members.items():
            content, place = raw.get(name), f"{path}.{_lower(name)}" if path else _lower(name)
            if content is not None:
                yield from member.faults(content, place)
            elif name in self._required:
                yield fault(None, place, "Member must not be null")

    def shown(self, raw: Any) -> str:
        """Its members in parentheses, after its name."""
        shown = (
            f"{_lower(name)}={member.shown(raw[name])}"
            for name, member in self._members.items()
            if raw.get(name) is not None
        )
        return f"{self._kind}({', '.join(shown)})"


class Unbuilt(Member):
    """A member that the twin must not ignore, and can't heed; false or empty it says nothing."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def check(self, raw: Any) -> None:
        """Nothing may be asked for."""
        if raw:
            raise not_built(f"the parameter {self._name}")

    def faults(self, raw: Any, _path: str) -> Iterator[str]:
        """None: what is asked for is refused at once."""
        self.check(raw)
        return iter(())


def _own_first(own: Callable[[], Iterator[str]], of_entries: Iterable[Iterator[str]]) -> Iterator[str]:
    """A container's own faults, then its entries'; but entries are gone through first: one may be of a wrong type."""
    told = list(chain.from_iterable(of_entries))
    return chain(own(), told)


_NAME = Text(name=True)


def table_name(name: str) -> str:
    """The name in a table's name or ARN. Raises the service's error for what is neither."""
    if not _IS_TABLE(name):
        raise refusal(TableName().faults(name, "tableName"))
    return name.rpartition("/")[2]


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
