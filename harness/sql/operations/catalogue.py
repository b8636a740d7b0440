"""What each engine says of its parameters, and how one is set while it runs. Nothing of it is a list of ours: servers are asked."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal, Protocol

from harness.errors import CannotMeasure
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine

ApplyType = Literal["dynamic", "static"]
_FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_WORDS = {"ON": "1", "OFF": "0", "TRUE": "1", "FALSE": "0", "YES": "1", "NO": "0"}


class Catalogue(Protocol):
    """One engine's parameters, asked of a server that runs."""

    def apply_types(self, connection: SqlConnection, names: Iterable[str]) -> dict[str, ApplyType]:
        """How a change of each parameter is applied. Raises CannotMeasure for one that there isn't, or that can't be set."""

    def apply(self, connection: SqlConnection, values: Mapping[str, str | None]) -> None:
        """Set dynamic parameters, as far as that takes a statement; None: what the product has itself."""

    def pending(self, connection: SqlConnection, values: Mapping[str, str]) -> set[str]:
        """Names of those that the server doesn't run with."""


class MariaDbCatalogue:
    """``information_schema.SYSTEM_VARIABLES``: READ_ONLY is what a statement can't change."""

    def apply_types(self, connection: SqlConnection, names: Iterable[str]) -> dict[str, ApplyType]:
        """See Catalogue."""
        rows = connection.query(
            "SELECT lower(VARIABLE_NAME), READ_ONLY = 'YES', COMMAND_LINE_ARGUMENT IS NOT NULL"
            " FROM information_schema.SYSTEM_VARIABLES"
        )
        known = {name: (bool(fixed), bool(settable)) for name, fixed, settable in rows}
        _require(names, known, "MySQL")
        if unsettable := [name for name in names if known[name] == (True, False)]:
            raise CannotMeasure(f"MySQL's {', '.join(unsettable)} can't be set by anybody")
        return {name: "static" if known[name][0] else "dynamic" for name in names}

    def apply(self, connection: SqlConnection, values: Mapping[str, str | None]) -> None:
        """See Catalogue."""
        for name, value in values.items():
            if value is None:
                connection.execute(f"SET GLOBAL {name} = DEFAULT")
            else:
                number = _number(value)
                connection.execute(f"SET GLOBAL {name} = %s", (value if number is None else number,))

    def pending(self, connection: SqlConnection, values: Mapping[str, str]) -> set[str]:
        """See Catalogue."""
        rows = connection.query("SELECT lower(VARIABLE_NAME), VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES")
        has = dict(rows)
        return {name for name, value in values.items() if _same(has[name]) != _same(value)}


class PostgresCatalogue:
    """``pg_settings``: its context says when a change is heeded; the file of settings is read by a reload."""

    def apply_types(self, connection: SqlConnection, names: Iterable[str]) -> dict[str, ApplyType]:
        """See Catalogue."""
        known = dict(connection.query("SELECT name, context FROM pg_settings"))
        _require(names, known, "PostgreSQL")
        if unsettable := [name for name in names if known[name] == "internal"]:
            raise CannotMeasure(f"PostgreSQL's {', '.join(unsettable)} can't be set by anybody")
        return {name: "static" if known[name] == "postmaster" else "dynamic" for name in names}

    def apply(self, connection: SqlConnection, values: Mapping[str, str | None]) -> None:
        """Nothing: its file of settings is read again."""

    def pending(self, connection: SqlConnection, values: Mapping[str, str]) -> set[str]:
        """See Catalogue."""
        rows = connection.query("SELECT name FROM pg_settings WHERE pending_restart")
        return {name for (name,) in rows} & values.keys()


def catalogue_of(engine: Engine) -> Catalogue:
    """The engine's."""
    return PostgresCatalogue() if engine == "postgres" else MariaDbCatalogue()


def _require(names: Iterable[str], known: Mapping[str, object], product: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise CannotMeasure(f"{product} has no parameter {name}" + (f"; did you mean {near[0]}?" if near else ""))


def _number(value: str) -> int | float | None:
    """``64M`` -> 67108864; None for what isn't a number."""
    factor = _FACTORS.get(value[-1:].upper(), 1)
    digits = value[:-1] if factor > 1 else value
    try:
        return int(digits) * factor
    except ValueError:
        pass
    try:
        return float(digits) * factor
    except ValueError:
        return None


def _same(value: str) -> str | float:
    """What two ways to write one value have in common."""
    plain = _WORDS.get(value.upper(), value)
    number = _number(plain)
    return plain if number is None else float(number)
