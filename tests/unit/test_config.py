"""config.yaml: profiles over the base, overrides over both, and every error with its place and the way out."""

from pathlib import Path
from typing import Annotated, Self

import pytest
from pydantic import Field, model_validator

from harness.config import CacheSettings, EachOnce, Settings, load
from harness.errors import UsageError


class Cache(Settings):
    ttl_s: float = Field(default=1.0, gt=0)
    sizes: Annotated[tuple[int, ...], EachOnce] = Field(default=(1, 2), min_length=1)

    @model_validator(mode="after")
    def _ttl_is_no_size(self) -> Self:
        if self.ttl_s == max(self.sizes):
            raise ValueError(f"ttl_s must be no size, is {self.ttl_s:g}")
        return self


MODELS: dict[str, type[Settings]] = {"cache": Cache}
BASE = """\
profile: quick
seed: 7
scenarios:
  cache:
    ttl_s: 5
profiles:
  smoke:
    seed: 8
    scenarios:
      cache: {sizes: [9]}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def refusal(tmp_path: Path, text: str, **options: object) -> str:
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, text), MODELS, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_profile_is_laid_over_the_base_key_by_key(tmp_path: Path) -> None:
    """smoke replaces the seed and the sizes and keeps the TTL."""
    config = load(written(tmp_path, BASE), MODELS, profile="smoke")
    assert (config.seed, config.scenarios["cache"]) == (8, Cache(ttl_s=5, sizes=(9,)))


def test_an_option_beats_an_override_and_an_override_beats_the_profile(tmp_path: Path) -> None:
    """--seed wins over --set seed, which wins over the file."""
    config = load(written(tmp_path, BASE), MODELS, profile="smoke", seed=11, overrides=["seed=10", "cache.ttl_s=2"])
    assert (config.seed, config.scenarios["cache"].ttl_s) == (11, 2.0)


def test_a_value_out_of_range_names_file_line_key_limit_and_value(tmp_path: Path) -> None:
    """The TTL stands on line 5."""
    message = refusal(tmp_path, BASE.replace("ttl_s: 5", "ttl_s: -1"))
    assert message == "config.yaml:5: scenarios.cache.ttl_s must be > 0, got -1"


def test_a_cache_with_a_ttl_of_0_is_refused(tmp_path: Path) -> None:
    """Line 5 says that nothing is kept."""
    message = refusal(tmp_path, BASE.replace("ttl_s: 5", "ttl_s: 0"))
    assert message == "config.yaml:5: scenarios.cache.ttl_s must be > 0, got 0"


def test_the_cache_of_every_scenario_has_a_section_of_its_own(tmp_path: Path) -> None:
    """Plain unless said otherwise; what isn't yes or no is refused with its line, the last."""
    file = tmp_path / "config.yaml"
    file.write_text(BASE)
    assert load(file, MODELS).cache == CacheSettings(auth=False, tls=False, cluster=False)
    file.write_text(BASE + "cache: {auth: true, cluster: true}\n")
    assert load(file, MODELS).cache == CacheSettings(auth=True, cluster=True)
    message = refusal(tmp_path, BASE + "cache: {tls: maybe}\n")
    assert message.startswith("config.yaml:11: cache.tls should be a valid boolean")
    message = refusal(tmp_path, BASE + "cache: {tsl: true}\n")
    assert message.startswith("config.yaml:11: cache.tsl is not a key of this section")


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    """ttl is nearly ttl_s."""
    message = refusal(tmp_path, BASE.replace("ttl_s: 5", "ttl: 5"))
    assert message == "config.yaml:5: scenarios.cache.ttl is not a key of this section; did you mean 'ttl_s'?"


def test_an_error_in_a_profile_points_into_the_profile(tmp_path: Path) -> None:
    """The sizes of smoke stand on line 10, not in the base."""
    message = refusal(tmp_path, BASE.replace("[9]", "[nine]"), profile="smoke")
    assert message.startswith("config.yaml:10: scenarios.cache.sizes.0 should be a valid integer")


def test_an_error_in_an_override_points_at_the_option(tmp_path: Path) -> None:
    """Nobody should look for it in the file."""
    assert (
        refusal(tmp_path, BASE, overrides=["cache.ttl_s=0"])
        == "--set cache.ttl_s=0: scenarios.cache.ttl_s must be > 0, got 0"
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("seed: [", "config.yaml:1: not valid YAML"),
        ("- a", "config.yaml:1: expected keys and values, found list"),
        ("months: [13]", "config.yaml:1: months must be 1 to 12, got 13"),
        ("seed: x", "config.yaml:1: seed should be a valid integer"),
        ("sede: 1", "config.yaml:1: sede is not a key of this section; did you mean 'seed'?"),
        ("scenarios: {cash: {}}", "config.yaml:1: unknown scenario 'cash'; did you mean 'cache'?"),
        ("profile: fast", "config.yaml:1: unknown profile 'fast'; there are smoke, quick, standard"),
        ("profiles: {quik: {}}", "config.yaml:1: unknown profile 'quik'; did you mean 'quick'?"),
    ],
)
def test_each_mistake_in_the_file_is_one_line_with_its_place(tmp_path: Path, text: str, start: str) -> None:
    """No traceback, and no error that leaves the user searching."""
    assert refusal(tmp_path, text).startswith(start)


def test_an_error_inside_a_list_that_was_overridden_points_at_the_option_too(tmp_path: Path) -> None:
    """Not at the line of the profile's list, which is no longer there."""
    message = refusal(tmp_path, BASE, profile="smoke", overrides=["cache.sizes=[nine]"])
    assert message.startswith("--set cache.sizes=[nine]: scenarios.cache.sizes.0 should be a valid integer")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("cache.sizes=[nine]", "sizes.0 should be a valid integer, unable to parse string as an integer, got 'nine'"),
        ("cache.sizes=[]", "sizes must have at least 1 entry, got []"),
        ("cache.sizes=", "sizes must be a list, such as [a, b], got None"),
        ("cache.sizes=[3, 1, 3]", "sizes must have each entry once, has 3 more than once, got [3, 1, 3]"),
        ("cache.ttl_s=.inf", "ttl_s should be a finite number, got inf"),
        ("cache.ttl_s=.nan", "ttl_s should be a finite number, got nan"),
    ],
)
def test_each_mistake_in_a_value_is_one_line(tmp_path: Path, override: str, says: str) -> None:
    """What is wrong in a list isn't said once more of the list; numbers without end would reach timers and JSON."""
    assert refusal(tmp_path, BASE, overrides=[override]) == f"--set {override}: scenarios.cache.{says}"


@pytest.mark.parametrize("override", ["cache.ttl_s", "=3", "cache.ttl_s=[", "cache.nope=1"])
def test_a_malformed_override_is_refused(tmp_path: Path, override: str) -> None:
    """The message starts with the option as it was typed."""
    assert refusal(tmp_path, BASE, overrides=[override]).startswith(f"--set {override}:")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the way to give another."""
    with pytest.raises(UsageError, match="No such file or directory; give a configuration with --config"):
        load(tmp_path / "none.yaml", MODELS)


def test_a_rule_between_keys_is_said_without_the_whole_section_and_with_what_was_overridden_in_it(
    tmp_path: Path,
) -> None:
    """The section begins on line 4; the override of the seed has no part in it."""
    rule = "scenarios.cache ttl_s must be no size, is 2"
    assert refusal(tmp_path, BASE.replace("ttl_s: 5", "ttl_s: 2")) == f"config.yaml:4: {rule}"
    message = refusal(tmp_path, BASE, overrides=["seed=3", "cache.ttl_s=2"])
    assert message == f"config.yaml:4 with --set cache.ttl_s=2: {rule}"


GATED = """\
gates:
  - cache.hit_rate{share=0.30} >= 90 %
  - GATE
scenarios: {cache: {}}
"""


def test_a_gate_that_cannot_be_read_is_told_with_its_line_and_column(tmp_path: Path) -> None:
    """The second entry of the list stands on line 3; its sign is at column 16."""
    said = refusal(tmp_path, GATED.replace("GATE", "cache.hit_rate == 0.9"))
    assert said == (
        "config.yaml:3: gates.1 must have <=, >=, <, > or no worse than at column 16, where '== 0.9' stands, "
        "got 'cache.hit_rate == 0.9'"
    )


def test_a_gate_of_a_scenario_that_is_none_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    """What scenario a gate is about is the first word of its figure's id."""
    said = refusal(tmp_path, GATED.replace("GATE", "cahce.hit_rate >= 0.9"))
    assert said == "config.yaml:3: gates.1 is about unknown scenario 'cahce'; did you mean 'cache'?"


def test_the_same_gate_twice_is_refused_however_it_is_written(tmp_path: Path) -> None:
    """A share of 90 % with other spaces."""
    said = refusal(tmp_path, GATED.replace("GATE", "cache.hit_rate{share=0.30}>=90%"))
    assert said.startswith(
        "config.yaml:1: gates must have each entry once, has cache.hit_rate{share=0.30} >= 90 % more"
    )


def test_gates_of_a_profile_replace_those_of_the_base(tmp_path: Path) -> None:
    """As lists do everywhere in the file; an error in them is on the profile's line."""
    text = GATED.replace("GATE", "cache.loads <= 5") + "profiles:\n  smoke:\n    gates:\n      - cache.loads < 9\n"
    assert load(written(tmp_path, text), MODELS).gates == ("cache.hit_rate{share=0.30} >= 90 %", "cache.loads <= 5")
    assert load(written(tmp_path, text), MODELS, profile="smoke").gates == ("cache.loads < 9",)
    assert refusal(tmp_path, text.replace("< 9", "9"), profile="smoke").startswith("config.yaml:8: gates.0 must have")
