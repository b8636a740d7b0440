"""A request's names and values: what ``#placeholders`` and ``:values`` stand for in its expressions."""

import re
from collections.abc import Iterable, Mapping

from harness.local.dynamodb.data.values import Value
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.grammar import parse_projection
from harness.local.dynamodb.expressions.paths import BoundPath, Selection, select
from harness.local.dynamodb.expressions.trees import Path, Placeholder
from harness.local.dynamodb.expressions.well_formed import invalid

MAX_PLACEHOLDER_BYTES, MAX_PATH_DEPTH = 255, 32
_NAME, _VALUE = (re.compile(rf"{sign}[A-Za-z0-9_]{{1,{MAX_PLACEHOLDER_BYTES - 1}}}\Z") for sign in "#:")


class Bindings:
    """A request's names and values; remembers which were used, since the service refuses unused ones."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        if names:
            _check_keys(names, _NAME, "ExpressionAttributeNames")
            for key, name in names.items():
                if not name:
                    raise validation(
                        f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}"
                    )
        if values:
            _check_keys(values, _VALUE, "ExpressionAttributeValues")
        self._names, self._values = names, values
        self._unused_names, self._unused_values = set(names), set(values)

    def name(self, part: str, kind: str) -> str:
        """The attribute a name or ``#placeholder`` stands for."""
        if not part.startswith("#"):
            return part
        if part not in self._names:
            raise invalid(
                kind, f"An expression attribute name used in the document path is not defined; attribute name: {part}"
            )
        self._unused_names.discard(part)
        return self._names[part]

    def path(self, path: Path, kind: str) -> BoundPath:
        """A path with its placeholders replaced."""
        first = path.parts[0]
        if len(path.parts) == 1 and isinstance(first, str) and first[0] != "#":
            return path.parts  # what most paths are
        bound = tuple(part if isinstance(part, int) else self.name(part, kind) for part in path.parts)
        if len(bound) > MAX_PATH_DEPTH:
            raise invalid(kind, f"The document path has too many nesting levels; nesting levels: {len(bound)}")
        return bound

    def projection(self, text: str) -> Selection:
        """What a ProjectionExpression selects."""
        return select([self.path(path, "ProjectionExpression") for path in parse_projection(text)])

    def value(self, placeholder: Placeholder, kind: str) -> Value:
        """The value a ``:placeholder`` stands for."""
        if placeholder.name not in self._values:
            raise invalid(
                kind,
                f"An expression attribute value used in expression is not defined; attribute value: {placeholder.name}",
            )
        self._unused_values.discard(placeholder.name)
        return self._values[placeholder.name]

    def check_all_used(self) -> None:
        """Raise what the service raises when a name or value served no expression."""
        for unused, what in ((self._unused_names, "Names"), (self._unused_values, "Values")):
            if unused:
                raise validation(
                    f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
                )


def _check_keys(keys: Iterable[str], form: re.Pattern[str], member: str) -> None:
    for key in keys:
        if form.match(key):
            continue
        size = len(key.encode())
        if size > MAX_PLACEHOLDER_BYTES:
            too_long = "The expression attribute map contains a key that is too long"
            raise validation(f"{member} contains invalid key: {too_long}; size of key: {size}")
        raise validation(f'{member} contains invalid key: Syntax error; key: "{key}"')
