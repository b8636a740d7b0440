"""A scenario's settings as fields: what config.yaml says beside a key, its kind, its choices, its unit, and the way back to --set."""

from typing import Annotated, Literal

import pytest

from harness import config as configuration
from harness.config import EachOnce, Settings
from harness.paths import PROJECT_ROOT
from harness.registry import settings_models
from harness.start_form.comments import Note, notes
from harness.start_form.fields import Field, fields_of, grouped, override
from harness.yaml_lines import read_lines

TEXT = """\
scenarios:
  one:                    # which is asked?
    # Which parts are there. A sentence above.
    parts: [a, b]         # said beside, too
                          # and below it
    # part first: how it begins
    rise_s: 3             # it rises for so long …
    stay_s: 4             # … and stays for so long
    note: "a # in it"     # after quotes
    # all other parts
    more_s: 5             # … begins anew here
    bare: 1
"""


def said_of(tmp_path: object, text: str) -> dict[str, Note]:
    file = tmp_path / "config.yaml"  # type: ignore[operator]
    file.write_text(text)
    return notes(text, read_lines(file)[1], ("scenarios", "one"))


def test_a_key_is_told_by_the_comments_above_beside_and_below_it(tmp_path: object) -> None:
    """In the order of the file; a hash within quotes begins no comment, and what nobody explains is told by nothing."""
    found = said_of(tmp_path, TEXT)
    assert list(found) == ["parts", "rise_s", "stay_s", "note", "more_s", "bare"]
    assert found["parts"] == Note(said="Which parts are there. A sentence above. said beside, too and below it")
    assert found["note"].said == "after quotes"
    assert found["bare"].said == ""


def test_a_part_is_the_heading_of_the_keys_below_it_and_a_sentence_that_goes_on_is_said_whole(tmp_path: object) -> None:
    """The ellipsis joins a key to the one before it, under the same heading only."""
    found = said_of(tmp_path, TEXT)
    assert [found[key].heading for key in ("parts", "rise_s", "stay_s", "more_s")] == [
        "", "part first: how it begins", "part first: how it begins", "all other parts",
    ]  # fmt: skip
    assert found["stay_s"].said == "it rises for so long … and stays for so long"
    assert found["more_s"].said == "… begins anew here"


class Inner(Settings):
    """A section of its own."""

    loud: bool = False
    size: str | None = None


class Planted(Settings):
    """One key of each kind."""

    word: Literal["lean", "boto3"] = "lean"
    on: bool = False
    perhaps: Literal["fast", "rds"] | None = None
    some: Annotated[tuple[Literal["a", "b", "c"], ...], EachOnce] = ("b", "a")
    sizes: tuple[float, ...] = (0.5, 2.0)
    pair: tuple[int, int] = (5, 10)
    wait_ms: float = 0.00001
    rest_s: float | None = None
    groups: dict[str, Inner] = {"first": Inner(loud=True)}  # noqa: RUF012 - pydantic copies it


FIELDS = {one.name: one for one in fields_of(Planted(), {"rest_s": Note(said="a rest")}, section="one")}


def test_what_has_choices_is_a_drop_down_or_boxes_and_all_else_is_typed() -> None:
    """None, where it may be chosen, is one of the choices; a truth value has two."""
    assert {name.removeprefix("one."): (one.kind, one.choices, one.default) for name, one in FIELDS.items()} == {
        "word": ("choice", ("lean", "boto3"), "lean"),
        "on": ("choice", ("true", "false"), "false"),
        "perhaps": ("choice", ("fast", "rds", "null"), "null"),
        "some": ("choices", ("a", "b", "c"), ("b", "a")),
        "sizes": ("list", (), "0.5, 2"),
        "pair": ("list", (), "5, 10"),
        "wait_ms": ("text", (), "1e-05"),
        "rest_s": ("text", (), "null"),
        "groups": ("text", (), "{first: {loud: true}}"),
    }  # fmt: skip


def test_a_unit_is_the_end_of_the_name_and_what_is_known_of_comes_first() -> None:
    """Of ``wait_ms`` it is ms, of ``rest_s`` s, which their labels leave out; a choice has none."""
    assert [FIELDS[f"one.{key}"].unit for key in ("wait_ms", "rest_s", "word")] == ["ms", "s", ""]
    assert [FIELDS[f"one.{key}"].label for key in ("wait_ms", "rest_s", "word")] == ["wait", "rest", "word"]
    assert next(iter(FIELDS)) == "one.rest_s"


@pytest.mark.parametrize(
    ("key", "given", "told"),
    [
        ("word", "lean", None), ("word", "boto3", "one.word=boto3"), ("some", ["a", "b"], None),
        ("some", ["c", "a"], "one.some=[a, c]"), ("some", [], "one.some=[]"), ("sizes", " 0.5, 2 ", None),
        ("sizes", "1, 2", "one.sizes=[1, 2]"), ("sizes", "[3]", "one.sizes=[3]"), ("sizes", "", "one.sizes=[]"),
        ("rest_s", "3", "one.rest_s=3"), ("rest_s", "", "one.rest_s="),
    ],
)  # fmt: skip
def test_what_differs_from_the_default_is_what_set_would_be_told(
    key: str, given: str | list[str], told: str | None
) -> None:
    """The order of boxes is the default's; those that it hasn't come after, as the form shows them."""
    assert override(FIELDS[f"one.{key}"], given) == told


@pytest.mark.parametrize("profile", ["smoke", "quick", "standard"])
def test_every_setting_of_every_scenario_is_a_field_whose_default_given_back_changes_nothing(profile: str) -> None:
    """All defaults as overrides at once, in one configuration: it is the same one. Each has help, but keys that explain themselves."""
    file, models = PROJECT_ROOT / "config.yaml", settings_models()
    config = configuration.load(file, models, profile=profile)
    text, lines = file.read_text(), read_lines(file)[1]
    told = []
    for name, settings in config.scenarios.items():
        fields = fields_of(settings, notes(text, lines, ("scenarios", name)), section=name)
        assert {one.key for one in fields} == set(type(settings).model_fields)
        assert sum(not one.said for one in fields) <= 4, [one.name for one in fields if not one.said]
        told += [f"{one.name}={_all_of(one)}" for one in fields]
    assert configuration.load(file, models, profile=profile, overrides=told) == config


def _all_of(one: Field) -> str:
    given = one.default if isinstance(one.default, str) else ", ".join(one.default)
    return given if one.kind in ("choice", "text") else f"[{given}]"


def test_fields_stand_under_their_headings_in_order() -> None:
    """Two headings, the first of them nobody's."""
    groups = grouped([
        Field(name="a", label="a", kind="text", default=""), Field(name="b", label="b", kind="text", default="", heading="part b"),
        Field(name="c", label="c", kind="text", default=""),
    ])  # fmt: skip
    assert [(title, [one.name for one in inside]) for title, inside in groups] == [("", ["a", "c"]), ("part b", ["b"])]
