"""What comes back from the start page is held to the command line's rules, in its sentences, each shown at its field."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import config as configuration
from harness.errors import UsageError
from harness.paths import PROJECT_ROOT
from harness.registry import settings_models
from harness.start_form.settings import Checked, Form, Source, as_record, check, form_of

FILE = PROJECT_ROOT / "config.yaml"
SOURCE = Source(file=FILE, models=settings_models())


@pytest.fixture(scope="module")
def form() -> Form:
    return form_of(SOURCE, "query_vs_scan", "smoke", 32)


def checked(form: Form, *, source: Source = SOURCE, **sent: Sequence[str]) -> Checked:
    """A field's name is given with ``__`` for its dot."""
    by_name = {name.replace("__", "."): value for name, value in sent.items()}
    return check(source, form, lambda name: by_name.get(name, ()))


def test_a_form_has_the_general_fields_and_the_scenarios_own_with_the_profiles_defaults(form: Form) -> None:
    """smoke says pairs: 3 and tables of 1000 and 4000."""
    assert [one.name for one in form.general] == ["target", "seed", "months", "slots"]
    assert {one.key: one.default for one in form.own}["table_items"] == "1000, 4000"
    assert {one.key: one.default for one in form.own}["pairs"] == "3"


def test_nothing_changed_is_no_override_and_the_slots_are_those_shown(form: Form) -> None:
    """Every field sent as it was."""
    sent = {
        one.name.replace(".", "__"): [one.default] if isinstance(one.default, str) else one.default
        for one in form.fields
    }
    assert checked(form, whole_form=["1"], **sent) == Checked(slots=32)


def test_what_was_changed_is_told_as_set_would_be(form: Form) -> None:
    """A seed, slots and a list; the run that comes of it has them."""
    found = checked(form, seed=["7"], slots=["5"], query_vs_scan__table_items=["1000, 2000"])
    assert found == Checked(overrides=("seed=7", "query_vs_scan.table_items=[1000, 2000]"), slots=5)
    config = SOURCE.load("smoke", found.overrides)
    assert (config.seed, config.scenarios["query_vs_scan"].table_items) == (7, (1000, 2000))


@pytest.mark.parametrize(
    ("name", "text"),
    [("query_vs_scan.pairs", "0"), ("query_vs_scan.pairs", "six"), ("query_vs_scan.trial_s", ""), ("seed", "-1"), ("months", "13"),
     ("query_vs_scan.item_sizes", "narrow, 3"), ("query_vs_scan.client", "other")],
)  # fmt: skip
def test_a_wrong_value_has_the_sentence_of_the_command_line_at_its_field(form: Form, name: str, text: str) -> None:
    """What ``dbharness run --set`` says of it, without the place, which the field itself is."""
    found = check(SOURCE, form, lambda asked: [text] if asked == name else [])
    listed = next(one for one in form.fields if one.name == name).kind == "list"
    with pytest.raises(UsageError) as said:
        configuration.load(
            FILE, SOURCE.models, profile="smoke", overrides=[f"{name}={f'[{text}]' if listed else text}"]
        )
    assert list(found.wrong) == [name]
    assert [line.partition(": ")[2] for line in str(said.value).splitlines()] == list(found.wrong[name])


def test_all_wrong_fields_are_told_at_once(form: Form) -> None:
    """One of the run, one of the scenario, and the slots, which are Locust's."""
    found = checked(form, seed=["x"], slots=["0"], query_vs_scan__pairs=["0"])
    assert set(found.wrong) == {"seed", "slots", "query_vs_scan.pairs"}
    assert found.wrong["slots"] == ["slots must be >= 1, got '0'"]


def test_boxes_none_of_which_is_ticked_are_an_empty_list_where_the_whole_form_was_sent(form: Form) -> None:
    """Browsers send nothing for them; a program that sends a few fields leaves the others as they are."""
    whole = checked(form, whole_form=["1"])
    assert whole.wrong == {"query_vs_scan.parts": ["scenarios.query_vs_scan.parts must have at least 1 entry, got []"]}
    assert checked(form).wrong == {}


def test_a_rule_between_fields_is_told_of_the_form() -> None:
    """Neither cells nor synchrony_ms: which of the two is wrong can't be said."""
    form = form_of(SOURCE, "rds_failover", "smoke", 8)
    found = checked(form, rds_failover__cells=[""])
    assert list(found.wrong) == [""]
    assert "has nothing to measure" in found.wrong[""][0]


def test_target_aws_with_nothing_named_is_told_at_the_target(form: Form) -> None:
    """As ``dbharness run --target aws`` says it, before anything is begun."""
    assert "dbharness aws up" in checked(form, target=["aws"]).wrong["target"][0]


def test_what_isnt_yaml_is_told_at_its_field(form: Form) -> None:
    """A quote that isn't closed, in the words of ``--set``."""
    found = checked(form, seed=['"'])
    assert found.wrong == {"seed": ['--set seed=": the value is not valid YAML']}


def test_what_the_command_line_was_told_is_the_default_of_the_form() -> None:
    """Given back unchanged it is no override of the form's: it has its effect already."""
    source = Source(file=FILE, models=SOURCE.models, given=("query_vs_scan.pairs=4",))
    form = form_of(source, "query_vs_scan", "smoke", 32)
    assert {one.key: one.default for one in form.own}["pairs"] == "4"
    assert checked(form, source=source, query_vs_scan__pairs=["4"]).overrides == ()
    assert checked(form, source=source, query_vs_scan__pairs=["3"]).overrides == ("query_vs_scan.pairs=3",)


def test_a_wrong_config_yaml_has_no_form(tmp_path: Path) -> None:
    """File and line, as everywhere."""
    file = tmp_path / "config.yaml"
    file.write_text("seed: -1\n")
    with pytest.raises(UsageError, match=r"config.yaml:1: seed must be >= 0, got -1"):
        form_of(Source(file=file, models=SOURCE.models), "query_vs_scan", "smoke", 1)


def test_programs_get_the_same_fields(form: Form) -> None:
    """Names, kinds, defaults and help, with a schema."""
    record = as_record(form)
    assert record["schema"] == 1 and len(record["fields"]) == len(form.fields)
    assert record["fields"][0]["name"] == "target" and record["fields"][0]["choices"] == ("local", "aws")


def test_a_scenario_that_isnt_in_the_list_has_no_form_and_the_way_out_is_said() -> None:
    """A file of somebody's own, before its name stands in scenarios/__init__.py."""
    with pytest.raises(UsageError, match="count_star isn't in the list of scenarios; add it to scenarios/__init__.py"):
        form_of(SOURCE, "count_star", "smoke", 1)
