"""A scenario's settings as the fields of a form: what kind each is, its choices, its unit, what is said of it, its default. Pure."""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from harness.config import Settings
from harness.start_form.comments import Note

Kind = Literal["choice", "choices", "list", "text"]
NOTHING = "null"
# By the end of a key's name; the longest that fits is the unit.
_UNITS = {
    "_service_s": "s of the service's clock", "_per_s": "per second", "_s": "s", "_ms": "ms", "_bytes": "bytes", "_percent": "%",
    "_units": "capacity units", "_items": "items", "_multiple": "times", "_multiples": "times",
    "_share": "share, 0 to 1", "_shares": "shares, 0 to 1", "_hours": "hours", "_days": "days", "_sizes": "bytes",
}  # fmt: skip
_ABBREVIATED = ("_service_s", "_per_s", "_s", "_ms", "_percent")
"""Ends that are no words: a label has the unit beside it instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: ``name`` is what ``--set`` calls the key. ``default`` is a text, as a user would type it; of *choices* the ticked.

    ``choice`` takes one of ``choices``, ``choices`` any of them, ``list`` what a user types with commas between, ``text`` one value.
    """

    name: str
    label: str
    kind: Kind
    default: str | tuple[str, ...]
    choices: tuple[str, ...] = ()
    optional: bool = False
    unit: str = ""
    heading: str = ""
    said: str = ""

    @property
    def key(self) -> str:
        """The key's own name, without its section."""
        return self.name.rpartition(".")[2]


def fields_of(
    settings: Settings, notes: Mapping[str, Note], *, section: str = "", keys: Sequence[str] | None = None
) -> list[Field]:
    """A field for each of ``keys`` of ``settings`` (all of them: None), in the order of ``notes``; those it doesn't know come last."""
    model = type(settings).model_fields
    wanted = [key for key in (model if keys is None else keys) if key in model]
    order = {key: place for place, key in enumerate(notes)}
    return [
        _field(f"{section}.{key}" if section else key, model[key].annotation, getattr(settings, key), notes.get(key, Note()))
        for key in sorted(wanted, key=lambda key: order.get(key, len(order)))
    ]  # fmt: skip


def grouped(fields: Sequence[Field]) -> list[tuple[str, list[Field]]]:
    """The fields under their headings, in order."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        groups.setdefault(field.heading, []).append(field)
    return list(groups.items())


def typed(field: Field, value: object) -> str | tuple[str, ...]:
    """``value`` as a user would give it to this field."""
    if field.kind == "choices":
        return tuple(map(_word, _entries(value)))
    return ", ".join(map(_word, _entries(value))) if field.kind == "list" else _word(value)


def override(field: Field, given: str | Sequence[str]) -> str | None:
    """What ``--set`` would be told for what a user gave; None where that is the field's default."""
    if field.kind == "choices":
        ticked = set([given] if isinstance(given, str) else given)
        if ticked == set(field.default):
            return None
        order = [*field.default, *(one for one in field.choices if one not in field.default)]
        return f"{field.name}=[{', '.join(one for one in order if one in ticked)}]"
    text = (given if isinstance(given, str) else ", ".join(given)).strip()
    if text == field.default:
        return None
    if field.kind == "list":
        return f"{field.name}={text if text.startswith('[') else f'[{text}]'}"
    return f"{field.name}={text}"


def _field(name: str, annotation: Any, value: object, note: Note) -> Field:
    kind, choices, optional = _shape(annotation)
    key = name.rpartition(".")[2]
    blank = Field(
        name=name, label=_label(key, kind), kind=kind, choices=(*choices, NOTHING) if optional and choices else choices,
        optional=optional, unit=_unit(key) if kind in ("list", "text") else "", heading=note.heading, said=note.said, default="",
    )  # fmt: skip
    return Field(**{slot: getattr(blank, slot) for slot in blank.__slots__} | {"default": typed(blank, value)})


def _shape(annotation: Any) -> tuple[Kind, tuple[str, ...], bool]:
    """Kind, choices, and whether it may be nothing at all."""
    inner, optional = _bare(annotation)
    if choices := _choices(inner):
        return "choice", choices, optional
    if get_origin(inner) is tuple:
        entry, _ = _bare(get_args(inner)[0])
        several = len(get_args(inner)) > 1 and get_args(inner)[1] is Ellipsis
        choices = _choices(entry) if several else ()
        return ("choices" if choices else "list"), choices, optional
    return "text", (), optional


def _bare(annotation: Any) -> tuple[Any, bool]:
    """The type without what is said about it, and whether None is one of its values."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return (_bare(rest[0])[0], True) if len(rest) == 1 else (annotation, True)
    return annotation, False


def _choices(inner: Any) -> tuple[str, ...]:
    if inner is bool:
        return ("true", "false")
    return tuple(map(_word, get_args(inner))) if get_origin(inner) is Literal else ()


def _entries(value: object) -> Iterator[object]:
    if value is not None:
        yield from value if isinstance(value, (tuple, list)) else (value,)


def _word(value: object) -> str:
    """As YAML would have it, in one line."""
    match value:
        case None:
            return NOTHING
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.15g}"
        case dict() | BaseModel():
            plain = to_jsonable_python(value, exclude_none=True)
            return yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10**6).strip()
        case _:
            return str(value)


def _unit(key: str) -> str:
    return _UNITS.get(_end(key), "")


def _label(key: str, kind: Kind) -> str:
    end = _end(key) if kind in ("list", "text") else ""
    return (key.removesuffix(end) if end in _ABBREVIATED else key).replace("_", " ")


def _end(key: str) -> str:
    """The end of a key that says its unit; "" where none does."""
    return max((end for end in _UNITS if key.endswith(end)), key=len, default="")
