"""What pydantic says of a configuration, in our words: where, what was expected, what was found."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import UsageError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong: at which key, where that was set, and what is wrong in a sentence that names the key."""

    path: KeyPath
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


class WrongSettings(UsageError):  # noqa: N818 - what is wrong are the settings
    """A configuration that can't be used; ``complaints`` has each thing that is wrong, for who shows it at its field."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


def complaints(
    error: ValidationError, prefix: KeyPath, model: type[BaseModel], place: Callable[[KeyPath], str]
) -> list[Complaint]:
    """Everything that is wrong with the section at ``prefix``, each with its place."""
    found, details = [], error.errors()
    wrong = {detail["loc"][:-1] for detail in details}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in wrong:
            continue  # an entry that is wrong isn't counted: it is there, and has a line of its own
        path = (*prefix, *detail["loc"])
        sentence = f"{'.'.join(map(str, path))} {_say(detail, model)}"
        found.append(Complaint(path=path, place=place(path), sentence=sentence))
    return found


def _say(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """pydantic's complaint in our words: what was expected, what was found."""
    limits = {
        "greater_than": (">", "gt"),
        "greater_than_equal": (">=", "ge"),
        "less_than": ("<", "lt"),
        "less_than_equal": ("<=", "le"),
    }
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a key of this section{nearest(str(detail['loc'][-1]), list(_section(model, detail['loc'][:-1]).model_fields))}"
    if kind in limits:
        sign, key = limits[kind]
        return f"must be {sign} {context[key]:g}, got {detail['input']!r}"
    if kind == "missing":
        return "is missing"
    if kind == "tuple_type":
        return f"must be a list, such as [a, b], got {detail['input']!r}"
    if kind == "too_short":
        least = context["min_length"]
        return f"must have at least {least} {'entry' if least == 1 else 'entries'}, got {detail['input']!r}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = f"{message[0].lower()}{message[1:]}"
    found = repr(detail["input"])
    if (isinstance(detail["input"], Mapping) and kind == "value_error") or found in message:
        return message  # a rule between several keys names those it means; the whole section would bury it
    return f"{message}, got {found}"


def _section(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """The model of the section at ``path`` below ``model``; of a mapping of sections too."""
    for key in path:
        field = model.model_fields.get(str(key))
        inside = _models(field.annotation) if field else []
        model = inside[0] if inside else model
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type: of ``X | None`` and ``dict[str, X]`` it is X."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def nearest(word: str, known: Sequence[str]) -> str:
    """The end of an error about a word that isn't known: what may have been meant, or what there is."""
    matches = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {matches[0]!r}?" if matches else f"; there are {', '.join(known)}"
