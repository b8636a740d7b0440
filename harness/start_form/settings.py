"""Which fields a start page shows, and what the harness says of what came back: by the same rules, in the same sentences, as ``dbharness run``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field as Bounds
from pydantic import ValidationError

from harness import config as configuration
from harness import target
from harness.config import Config, Settings
from harness.config_words import Complaint, KeyPath, WrongSettings, complaints
from harness.errors import HarnessError, UsageError
from harness.start_form.comments import Note, notes
from harness.start_form.fields import Field, fields_of, override
from harness.yaml_lines import read_lines

GENERAL = ("target", "seed", "months")
"""Keys at the top of config.yaml that a run is begun with; all others there are of the machine or of reports."""
SLOTS = "slots"
MOST_SLOTS = 10_000
WHOLE_FORM = "whole_form"
"""A hidden field that says that every field was shown: boxes none of which is ticked are sent as nothing at all."""

Given = Callable[[str], Sequence[str]]
"""What was sent for a field; empty where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What is asked for one scenario in one profile: the general fields, its own, and the complaints about config.yaml itself."""

    scenario: str
    profile: str
    general: tuple[Field, ...]
    own: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them."""
        return self.general + self.own


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of a form: what ``--set`` would be told, slots; or what is wrong, by field, "" being none in particular."""

    overrides: tuple[str, ...] = ()
    slots: int = 0
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where settings come from: the file, the models of the scenarios, and what this Locust was told on its command line."""

    file: Path
    models: Mapping[str, type[Settings]]
    given: tuple[str, ...] = ()

    def load(self, profile: str | None, overrides: Sequence[str] = ()) -> Config:
        """The configuration with these laid over it. Raises UsageError with everything that is wrong."""
        return configuration.load(self.file, self.models, profile=profile, overrides=[*self.given, *overrides])


class _Slots(Settings):
    slots: int = Bounds(ge=1, le=MOST_SLOTS)


def form_of(source: Source, scenario: str, profile: str | None, slots: int) -> Form:
    """The form with the defaults of a profile. Raises UsageError where config.yaml, or what the command line said, is wrong."""
    if scenario not in source.models:
        raise UsageError(f"{scenario} isn't in the list of scenarios; add it to scenarios/__init__.py")
    config = source.load(profile)
    text, lines = source.file.read_text(), read_lines(source.file)[1]
    top = notes(text, lines, ())
    slots_note = Note(said="places for operations in flight; a closed loop takes fewer where its settings say so")
    return Form(
        scenario=scenario, profile=config.profile,
        general=(
            *fields_of(config, top, keys=GENERAL), *fields_of(_Slots(slots=slots), {SLOTS: slots_note}),
        ),
        own=tuple(fields_of(config.scenarios[scenario], notes(text, lines, ("scenarios", scenario)), section=scenario)),
    )  # fmt: skip


def check(source: Source, form: Form, given: Given) -> Checked:
    """Hold what was sent against the rules; nothing is begun by it."""
    wrong: dict[str, list[str]] = {}
    overrides, whole = [], bool(given(WHOLE_FORM))
    for one in form.fields:
        sent = given(one.name)
        if one.name == SLOTS or (not sent and not (whole and one.kind == "choices")):
            continue
        if (text := override(one, sent if one.kind == "choices" else sent[-1])) is None:
            continue
        try:
            configuration.parsed_override(text, source.models)
        except UsageError as error:
            wrong.setdefault(one.name, []).append(str(error))
        else:
            overrides.append(text)
    slots = _slots(form, given, wrong)
    unread = bool(wrong.keys() - {SLOTS})
    for name, sentence in _complaints(source, form, overrides):
        if name or not unread:  # a rule between several keys may be about one that couldn't be read
            wrong.setdefault(name, []).append(sentence)
    return Checked(overrides=tuple(overrides), slots=slots, wrong=wrong)


def _slots(form: Form, given: Given, wrong: dict[str, list[str]]) -> int:
    default = next(str(one.default) for one in form.general if one.name == SLOTS)
    try:
        return _Slots.model_validate({SLOTS: (given(SLOTS) or [default])[-1].strip()}).slots
    except ValidationError as error:
        wrong[SLOTS] = [one.sentence for one in complaints(error, (), _Slots, lambda _: "--users")]
        return 0


def _complaints(source: Source, form: Form, overrides: Sequence[str]) -> list[tuple[str, str]]:
    """What the command line would say of the whole, each with the field it is about."""
    try:
        config = source.load(form.profile, overrides)
        configuration.load_prices(config)
    except WrongSettings as error:
        return [(_field_of(form, one), one.sentence) for one in error.complaints]
    except UsageError as error:
        return [("", str(error))]
    try:
        target.refuse_nothing_named(config)
    except HarnessError as error:
        return [("target", str(error))]
    return []


def _field_of(form: Form, complaint: Complaint) -> str:
    """The field that shows a complaint: that of its key, none where it is about several."""
    path: KeyPath = complaint.path[1:] if complaint.path[0] == "scenarios" else complaint.path
    names = {".".join(map(str, path[:length])) for length in (1, 2)}
    return next((one.name for one in form.fields if one.name in names), "")


def as_record(form: Form) -> dict[str, Any]:
    """The form for programs: ``GET /dbharness/settings``."""
    return {
        "schema": 1, "scenario": form.scenario, "profile": form.profile,
        "fields": [{slot: getattr(one, slot) for slot in one.__slots__} for one in form.fields],
    }  # fmt: skip
