"""What botocore knows of a call's parameters and doesn't check itself: words of a fixed set, and lengths."""

from collections.abc import Iterator
from typing import Any


def misfits(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Each value that the service's model doesn't allow, as one line; ``shape`` is botocore's.

    A value of another type is passed over: botocore says that.
    """
    if shape is None:
        return
    match shape.type_name, value:
        case "structure", dict():
            for name, member in value.items():
                if name in shape.members:
                    yield from misfits(shape.members[name], member, f"{path}.{name}".lstrip("."))
        case "list", list() | tuple():
            yield from _too_long(shape, value, path, "entries")
            for number, member in enumerate(value):
                yield from misfits(shape.member, member, f"{path}[{number}]")
        case "map", dict():
            for key, member in value.items():
                yield from misfits(shape.value, member, f"{path}.{key}")
        case "string", str():
            yield from _too_long(shape, value, path, "characters")
            words = shape.metadata.get("enum")
            if words and value not in words:
                yield f"{path} is {value!r}, must be one of {', '.join(words)}"


def _too_long(shape: Any, value: Any, path: str, unit: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and len(value) > most:
        yield f"{path} has {len(value):,} {unit}, at most {most:,} are allowed"
