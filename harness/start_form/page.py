"""The start page as HTML: no script in it, each complaint at its field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.start_form.fields import Field, grouped
from harness.start_form.settings import Form

HERE = Path(__file__).parent
GENERAL_TITLE, OWN_TITLE = "Every scenario", "What this scenario asks"
Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page says. ``form`` is None where config.yaml itself is wrong; ``sent``: what a user gave that couldn't be used.

    ``going_on`` names the run under way, "" where there is none; ``reports`` are links to those of this process.
    """

    scenarios: Sequence[str]
    profiles: Sequence[str]
    scenario: str
    profile: str
    profile_said: str
    token: str
    form: Form | None = None
    given: Sequence[str] = ()
    sent: Mapping[str, Value] = field(default_factory=dict)
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)
    going_on: str = ""
    reports: Sequence[Mapping[str, str]] = ()


def html(shown: Shown) -> str:
    """The whole page."""
    form = shown.form
    fields = form.fields if form else ()
    groups = [(GENERAL_TITLE, list(form.general))] if form else []
    groups += [(title or OWN_TITLE, inside) for title, inside in grouped(form.own if form else ())]
    text: str = _template().render(
        {name: getattr(shown, name) for name in shown.__slots__},
        groups=groups, values={one.name: one.default for one in fields} | dict(shown.sent),
    )  # fmt: skip
    return text


def _place(name: str) -> str:
    """A field's id on the page."""
    return f"field-{name.replace('.', '-')}"


def _is_open(fields: Sequence[Field], wrong: Mapping[str, Any], values: Mapping[str, Value]) -> bool:
    """Whether a group has something to look at: a complaint, or what a user has changed."""
    return any(one.name in wrong or values[one.name] != one.default for one in fields)


def _coded(said: str) -> Markup:
    """What stands between backticks as code."""
    parts = said.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(place=_place, is_open=_is_open, coded=_coded)
    return environment.get_template("start.html.j2")
