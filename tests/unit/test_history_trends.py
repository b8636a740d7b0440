"""Every figure is followed over the runs that have it; a change says what the manifests say changed there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planted_history import Value, noisy, planted_nights, planted_run, record

from reports.compare.matching import match
from reports.history import words
from reports.history.charts import LEVEL, STEP, chart, draw, table
from reports.history.runs import read, series_of
from reports.history.trends import History, Trend, history
from reports.records import Recorded


def followed(paths: list[Path], allow: tuple[str, ...] = ()) -> History:
    runs, left_out = read(paths)
    assert left_out == []
    return history(series_of("query_vs_scan", runs, profile=None, allow=allow, last=None))


def nights(store: Path, values: list[Value], **fields: Any) -> History:
    return followed(planted_nights(store, values, **fields))


def only(found: History) -> Trend:
    (trend,) = found.trends
    return trend


def commit(letter: str) -> Mapping[str, Any]:
    return {"git": {"commit": letter * 40, "dirty": False}}


def test_a_planted_change_is_found_at_its_run_with_what_changed_there(tmp_path: Path) -> None:
    """6 nights around 10 ms and 6 around 14: the commit of night 7 is named, that of night 4 isn't."""
    found = nights(
        tmp_path, [*noisy(10, 6), *noisy(14, 6)],
        changes={0: commit("a"), 3: commit("b"), 6: commit("c") | {"versions": {"dbharness": "0.2.0"}}},
    )  # fmt: skip
    (change,) = only(found).changes
    # By turns −1, 0.4, 1, −0.4 %: six of these add up to −0.6 %, a mean of −0.1 %.
    assert (change.run, change.at.n_before, change.at.n_after) == (6, 6, 6)
    assert round(change.at.before, 6) == 9.99 and round(change.at.after, 6) == 13.986
    assert [(one.topic, one.name, one.base[:3], one.candidate[:3]) for one in change.differs] == [
        ("versions", "dbharness", "0.1", "0.2"), ("git", "commit", "bbb", "ccc"),
    ]  # fmt: skip
    assert words.what_changed(change) == "versions: dbharness 0.1.0 → 0.2.0; git: commit bbbbbbbbbbbb → cccccccccccc"
    assert words.relative(change) == "+40 %"
    assert words.levels(only(found), change) == "9.99 → 13.99 ms"
    assert list(found.steps) == [3, 6]
    assert (len(found.changed), len(found.steady), len(found.untested)) == (1, 0, 0)


def test_a_change_that_nothing_recorded_explains_says_so_and_what_was_close_by(tmp_path: Path) -> None:
    """A commit a night earlier than the change is worth a word; one that is four nights off isn't."""
    far = nights(tmp_path / "far", [*noisy(10, 6), *noisy(14, 6)], changes={0: commit("a"), 2: commit("b")})
    assert words.what_changed(only(far).changes[0]) == "nothing that the manifest records"
    near = nights(tmp_path / "near", [*noisy(10, 6), *noisy(14, 6)], changes={0: commit("a"), 5: commit("b")})
    assert words.what_changed(only(near).changes[0]) == (
        "nothing that the manifest records; 1 run earlier: git: commit aaaaaaaaaaaa → bbbbbbbbbbbb"
    )


def test_settings_of_other_scenarios_and_gates_explain_nothing(tmp_path: Path) -> None:
    """Only what can change this scenario's figures is named."""
    own = {"scenarios": {"query_vs_scan": {"client": "lean"}}}
    other = {
        "scenarios": own["scenarios"] | {"rds_failover": {"trials": 3}},
        "gates": ["a.b <= 1"],
        "comparison": {"margin": 0.1},
    }
    found = nights(tmp_path, [*noisy(10, 6), *noisy(14, 6)], changes={6: {"config": other}})
    assert only(found).changes[0].differs == ()
    assert found.steps == {}


def test_a_label_with_one_value_a_run_that_changes_between_runs_tells_runs_apart_and_not_figures(
    tmp_path: Path,
) -> None:
    """lean, then boto3: one figure with a change, not two that end and begin; arm, which varies inside a run, stays."""
    paths = []
    for night in range(12):
        client, level = ("lean", 1.0) if night < 6 else ("boto3", 2.0)
        findings = [
            record("p50", (level * factor * (1 + 0.01 * (night % 2)), None, None), labels={"arm": arm, "client": client})
            for arm, factor in (("query", 1), ("scan", 5))
        ]  # fmt: skip
        config = {"config": {"scenarios": {"query_vs_scan": {"client": client}}}}
        paths.append(planted_run(tmp_path / f"{night:02}", findings, night=night, **config))
    found = followed(paths)
    assert [str(trend.figure) for trend in found.trends] == [
        "query_vs_scan.p50{arm=query}",
        "query_vs_scan.p50{arm=scan}",
    ]
    for trend in found.trends:
        (change,) = trend.changes
        assert [(one.name, one.before, one.after) for one in change.labels] == [("client", "lean", "boto3")]
        assert words.what_changed(change) == "configuration: scenarios.query_vs_scan.client lean → boto3"


def test_a_figure_at_another_step_is_another_figure_as_in_a_comparison(tmp_path: Path) -> None:
    """Tables of 1,000 flights, then of 4,000: two figures of three runs each, though the client changed with them."""
    paths = []
    for night in range(6):
        labels = {"step": "1000", "client": "lean"} if night < 3 else {"step": "4000", "client": "boto3"}
        paths.append(
            planted_run(tmp_path / f"{night}", [record("units", float(labels["step"]), labels=labels)], night=night)
        )
    trends = {str(trend.figure): len(trend.points) for trend in followed(paths).trends}
    assert trends == {"query_vs_scan.units{step=1000}": 3, "query_vs_scan.units{step=4000}": 3}
    base, candidate = (Recorded.load(path) for path in (paths[0], paths[5]))
    found = match([base], [candidate])
    assert (found.matches, [one.name for one in found.labels]) == ((), ["client"])


def test_a_label_that_no_setting_tells_of_is_named_by_itself(tmp_path: Path) -> None:
    """A server of another version answered."""
    paths = [
        planted_run(tmp_path / f"{night}", [record("units", 1.0 + night // 3, labels={"server": f"v{night // 3}"})], night=night)
        for night in range(6)
    ]  # fmt: skip
    (change,) = only(followed(paths)).changes
    assert words.what_changed(change) == "server v0 → v1"


def test_an_exact_figure_changes_with_one_run_and_one_that_always_varies_isnt_exact(tmp_path: Path) -> None:
    """Units 46.5, 46.5, 47: a change, though it's three runs. Values that differ each night have chance in them, whatever they say."""
    exact = only(nights(tmp_path / "exact", [46.5, 46.5, 47.0], unit="read units"))
    assert exact.exact and exact.tested
    assert [(change.run, change.at.before, change.at.after) for change in exact.changes] == [(2, 46.5, 47.0)]
    assert words.chance(exact, exact.changes[0]) == "exact"
    varying = only(nights(tmp_path / "varying", [3.0, 4.0, 3.0, 5.0]))
    assert (varying.exact, varying.tested, varying.changes) == (False, False, ())


def test_runs_without_a_plain_value_have_no_point_and_dont_shift_the_others(tmp_path: Path) -> None:
    """Not measured in nights 3 and 7; the change is still of night 8, and is held against night 6."""
    before, after = noisy(10, 5), noisy(14, 6)
    values: list[Value] = [*before[:2], None, *before[2:], None, *after]
    trend = only(nights(tmp_path, values))
    assert [point.run for point in trend.points] == [0, 1, 3, 4, 5, 7, 8, 9, 10, 11, 12]
    (change,) = trend.changes
    assert (change.run, change.previous) == (7, 5)


def test_bounds_and_numbers_that_are_none_have_no_point(tmp_path: Path) -> None:
    """At least 3 s isn't 3 s; and no file makes the analysis fail."""
    odd = [
        record("a", 1.0), record("b", 3.0, status="at_least"), record("c", 1.0) | {"value": "1"}, record("d", 1.0) | {"value": True},
        record("e", 1.0) | {"value": float("nan")}, record("f", (1.0, float("nan"), float("inf"))), record("g", 2.0, status="tool_bound"),
    ]  # fmt: skip
    found = followed([planted_run(tmp_path / f"{night}", odd, night=night) for night in range(2)])
    assert {trend.figure.id[-1]: len(trend.points) for trend in found.trends} == {
        "a": 2, "b": 0, "c": 0, "d": 0, "e": 0, "f": 2, "g": 2,
    }  # fmt: skip
    assert [(point.low, point.high) for point in found.trends[5].points] == [(None, None)] * 2


def test_a_figure_whose_unit_changed_keeps_the_runs_of_the_last_one(tmp_path: Path) -> None:
    """1,000 µs and 1 ms are no change, and no series."""
    paths = [
        planted_run(tmp_path / f"{night}", [record("p50", 1000.0 if night < 3 else 1.0, unit="µs" if night < 3 else "ms")], night=night)
        for night in range(6)
    ]  # fmt: skip
    trend = only(followed(paths))
    assert ([point.run for point in trend.points], trend.unit, trend.changes) == ([3, 4, 5], "ms", ())


def test_headlines_come_first_then_the_largest_change_up_or_down(tmp_path: Path) -> None:
    """From 8 to 1 is larger than from 1 to 4, from 0 larger than any; a headline goes before all."""
    levels = {
        "up": (1.0, 4.0, {}),
        "down": (8.0, 1.0, {}),
        "from_nothing": (0.0, 1.0, {}),
        "main": (1.0, 1.1, {"headline": True}),
    }
    paths = [
        planted_run(
            tmp_path / f"{night:02}", night=night,
            findings=[record(id, after if night > 2 else before, **more) for id, (before, after, more) in levels.items()],
        )
        for night in range(6)
    ]  # fmt: skip
    found = followed(paths)
    assert [trend.figure.id.partition(".")[2] for trend in found.changed] == ["main", "from_nothing", "down", "up"]
    assert [words.relative(trend.changes[0]) for trend in found.changed] == ["+10 %", "–", "−87.5 %", "+300 %"]


def test_so_many_figures_are_said_to_change_by_chance_as_the_length_of_their_series_makes(tmp_path: Path) -> None:
    """40 figures over 50 runs, at 0.001 a run: about two. Exact ones have no chance in them."""
    values = noisy(10, 50)
    paths = [
        planted_run(
            tmp_path / f"{night:02}", night=night,
            findings=[record("exact", 1.0), *(record(f"p{number}", values[night]) for number in range(40))],
        )
        for night in range(50)
    ]  # fmt: skip
    found = followed(paths)
    assert round(words.expected_by_chance(found), 9) == 2.0
    assert words.summary(found) == (
        "0 of 41 figures changed their level, 41 didn't. By chance alone up to about 2 would seem to, more where runs are like their "
        "neighbours."
    )


def test_the_chart_draws_its_table_a_row_a_run(tmp_path: Path) -> None:
    """Shares in per cent; the level of each run; the number of what changed in the manifest before it; a gap stays a gap."""
    values: list[Value] = [(value / 100, low / 100, high / 100) for value, low, high in (*noisy(10, 6), *noisy(14, 6))]
    values[2] = None
    found = nights(tmp_path, values, unit="share", changes={0: commit("a"), 4: commit("b"), 6: commit("c")})
    trend = only(found)
    rows = table(found, trend)
    assert list(rows.columns) == ["Run", "Name", "Started", "Value, %", "Low, %", "High, %", LEVEL, STEP]
    assert rows["Run"].tolist() == list(range(1, 13))
    assert rows[STEP].dropna().to_dict() == {4: 1, 6: 2}
    assert rows["Value, %"].isna().tolist() == [index == 2 for index in range(12)]
    assert round(rows["Value, %"][0], 9) == 9.9
    assert [round(level, 3) for level in rows[LEVEL].dropna().unique()] == [9.968, 13.986]  # without the third, 10.1
    drawn = chart(found, trend, 1)
    assert drawn.alt == "query_vs_scan.latency_p95_ms, over 12 runs: from 9.968 → 13.99 % at run 7."
    figure = draw(rows)
    (axes,) = figure.axes
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"run, with its 95 % interval", "level", "change point", "the manifest changed"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("run, in the order they started", "%")


def test_a_figure_without_chance_is_drawn_without_intervals(tmp_path: Path) -> None:
    """Twelve units, then eleven, exactly: nothing is said of an interval that nobody can see."""
    figure = draw(table(found := nights(tmp_path, [12.0] * 3 + [11.0] * 3), only(found)))
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"run", "level", "change point"}


def test_a_series_of_one_run_and_of_none_can_be_told_and_drawn(tmp_path: Path) -> None:
    """Nothing can be tested; nothing fails."""
    one = nights(tmp_path, [(10.0, 9.0, 11.0)])
    assert words.summary(one) == "1 can't be tested: fewer than 6 runs have them."
    assert len(draw(table(one, only(one))).axes) == 1
    none = nights(tmp_path / "absent", [None, None])
    assert words.summary(none) == "1 can't be tested: fewer than 6 runs have them."
    assert len(draw(table(none, only(none))).axes) == 1
