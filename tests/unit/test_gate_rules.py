"""A gate's text: what each form says, that it can be written and read again, and what is said of a text that is none."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate_rules import SIGNS, Gate, GateError, Limit, NoWorse, Selector, parse, same

WORDS = st.text(string.ascii_letters + "_", min_size=1, max_size=6)
NAMES = st.builds(
    lambda first, rest: first + rest, WORDS, st.text(string.ascii_letters + string.digits + "_", max_size=4)
)
IDS = st.lists(NAMES, min_size=2, max_size=4).map(".".join)
LABELS = st.dictionaries(NAMES, st.text(max_size=8), max_size=3).map(lambda found: tuple(sorted(found.items())))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
UNITS = st.sampled_from(["", "%", "ms", "µs", "read units", "reads/s", "×"])
DEMANDS = st.one_of(
    st.builds(Limit, sign=st.sampled_from(SIGNS), value=NUMBERS, unit=UNITS),
    st.builds(NoWorse, percent=st.floats(min_value=0, allow_nan=False, allow_infinity=False)),
)
GATES = st.builds(
    Gate,
    selector=st.builds(Selector, id=IDS, labels=LABELS),
    demand=DEMANDS,
    which=st.sampled_from([None, "all", "any"]),
)


def refusal(text: str) -> str:
    with pytest.raises(GateError) as caught:
        parse(text)
    return str(caught.value)


@given(GATES)
def test_any_gate_that_is_written_is_read_as_the_same(gate: Gate) -> None:
    """Labels of any characters at all, numbers of any size."""
    assert parse(str(gate)) == gate


@given(GATES, st.sampled_from(["", " ", "   "]))
def test_white_space_around_signs_says_nothing(gate: Gate, space: str) -> None:
    """Only between words of letters is one needed."""
    spread = str(gate)
    for sign in ("<=", ">=", "<", ">"):
        if isinstance(gate.demand, Limit) and gate.demand.sign == sign:
            before, _, after = spread.rpartition(f" {sign} ")
            spread = f"{before}{space}{sign}{space}{after}"
    assert parse(f"{space}{spread}{space}") == gate


def test_a_limit_with_a_unit() -> None:
    """The issue's own line, with the unit written out."""
    gate = parse("rds_failover.mysql.multi_az_instance.crash.write_downtime_s{client=tuned} <= 1.0 s")
    selector = Selector(id="rds_failover.mysql.multi_az_instance.crash.write_downtime_s", labels=(("client", "tuned"),))
    assert gate == Gate(selector=selector, demand=Limit(sign="<=", value=1.0, unit="s"))
    assert (selector.scenario, gate.which) == ("rds_failover", None)


def test_no_worse_than_for_all_of_several() -> None:
    """Spaces between the words and before the sign are free."""
    gate = parse("all query_vs_scan.latency_p95_ms{arm=query, client = lean} no  worse than 5 %")
    assert gate.demand == NoWorse(percent=5)
    assert (gate.which, gate.selector.labels) == ("all", (("arm", "query"), ("client", "lean")))
    assert str(gate) == "all query_vs_scan.latency_p95_ms{arm=query,client=lean} no worse than 5%"


def test_a_label_is_quoted_where_it_holds_what_the_grammar_does() -> None:
    """A server's name with a comma and a quote in it; an equals sign needs none."""
    gate = parse(r'a.b{server="My, \"own\" {1}",setting=x=1} > -2.5e-3')
    assert dict(gate.selector.labels) == {"server": 'My, "own" {1}', "setting": "x=1"}
    assert gate.demand == Limit(sign=">", value=-0.0025)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must have a figure's id, such as query_vs_scan.units_ratio, at column 1, where the text ends"),
        ("latency <= 5", "must have a figure's id, such as query_vs_scan.units_ratio, at column 1, where 'latency <= 5' stands"),
        ("a.b == 5", "must have <=, >=, <, > or no worse than at column 5, where '== 5' stands"),
        ("a.b <=", "must have a number at column 7, where the text ends"),
        ("a.b <= five", "must have a number at column 8, where 'five' stands"),
        ("a.b <= 1,000", "must have nothing more, or the unit of a limit at column 9, where ',000' stands"),
        ("a.b <= 1e999", "must have a finite number at column 8, where '1e999' stands"),
        ("a.b{} < 1", "must have a label, such as arm=query, at column 5, where '} < 1' stands"),
        ("a.b{arm} < 1", "must have = and what label arm must be at column 8, where '} < 1' stands"),
        ("a.b{arm=query", "must have a comma or } at column 14, where the text ends"),
        ("a.b{arm=x,arm=y} < 1", "must have each label once, and not arm again, at column 11, where 'arm=y} < 1' stands"),
        ("a.b no worse than 5", "must have % at column 20, where the text ends"),
        ("a.b no worse than -5%", "must have a number of per cent that isn't below 0 at column 19, where '-5%' stands"),
        ("a.b no better than 5%", "must have <=, >=, <, > or no worse than at column 5, where 'no better than 5%' stands"),
    ],
)  # fmt: skip
def test_what_is_no_gate_is_told_where_and_what_was_expected(text: str, said: str) -> None:
    """Columns count from 1."""
    assert refusal(text) == said


def test_labels_are_alike_as_text_or_as_numbers() -> None:
    """A share of 0.250 is 0.25; a version is no number."""
    assert same("0.250", "0.25")
    assert same("1e3", "1000")
    assert not same("0.25", "0.26")
    assert not same("10.11.19", "10.11.190")
    assert not same("nan", "NaN")


def test_a_selector_means_figures_that_have_its_labels_and_others() -> None:
    """Not those of another id, nor those without one of its labels."""
    selector = Selector(id="a.b", labels=(("share", "0.3"),))
    assert selector.means("a.b", {"share": "0.30", "arm": "lazy"})
    assert not selector.means("a.c", {"share": "0.3"})
    assert not selector.means("a.b", {"arm": "lazy"})


ROOT = Path(__file__).parents[2]


def test_every_gate_that_the_documentation_shows_can_be_read() -> None:
    """Those of docs/gates.md and, commented out, of config.yaml: nine in all, and each is of a scenario that there is."""
    [block] = re.findall(r"```yaml\ngates:\n(.*?)```", (ROOT / "docs" / "gates.md").read_text(), re.DOTALL)
    shown = re.findall(r"^  - (.*)$", block, re.MULTILINE)
    commented = re.findall(r"^gates: .*\n((?:  # - .*\n)+)", (ROOT / "config.yaml").read_text(), re.MULTILINE)
    shown += re.findall(r"# - (.*)", commented[0])
    scenarios = {parse(text).selector.scenario for text in shown}
    assert len(shown) == 9
    assert all((ROOT / "scenarios" / f"{name}.py").is_file() for name in scenarios)
