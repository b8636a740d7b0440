"""Percentile plots and heatmaps of latency are drawn from tables that can be checked by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from reports import charts, stats
from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.section import Chart
from reports.words import milliseconds


def plot(*of: Distribution) -> Chart | None:
    return percentile_plot(of, id="p", title="P", what="service time", unit="ms", show=milliseconds)


def shuffled(values: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """In an order in which none is told by the one before."""
    return np.random.default_rng(7).permutation(np.asarray(values, dtype=np.float64))


def heatmap(*panels: Panel, shaded_s: tuple[float, float] | None = None) -> Chart | None:
    return latency_heatmap(
        panels, id="h", title="H", what="latency", unit="ms", clock="seconds", alt="So it was.", shaded_s=shaded_s
    )


def panel(name: str, at_s: Sequence[float], latency: Sequence[float], troubles: Sequence[str] = ()) -> Panel:
    befell = np.array(troubles or [""] * len(at_s), dtype=object)
    return Panel(name=name, at_s=np.array(at_s), latency=np.array(latency, dtype=np.float64), troubles=befell)


def test_each_percentile_is_of_all_trials_and_of_each_and_stands_where_a_sample_lies_beyond_it() -> None:
    """1 to 100 and 101 to 200 ms: p50 of all is 100.5, of the first 50.5. Of 100 samples one lies beyond p99, none beyond p99.25."""
    chart = plot(Distribution(name="a", trials=[shuffled(range(1, 101)), shuffled(range(101, 201))]))
    assert chart is not None
    rows = chart.table.set_index("percentile")
    assert rows.loc[50.0, ["all trials, ms", "trial 1, ms", "trial 2, ms"]].tolist() == [100.5, 50.5, 150.5]
    assert rows.loc[0.0, ["all trials, ms", "trial 1, ms", "trial 2, ms"]].tolist() == [1, 1, 101]
    assert np.isfinite(rows.loc[99.0, "trial 1, ms"]) and np.isnan(rows.loc[99.25, "trial 1, ms"])
    assert rows.index.max() == 99.5, "of 200 samples one lies beyond p99.5"


def test_grey_begins_where_the_samples_cannot_carry_a_percentile() -> None:
    """72 equal samples are worth 72, which is what p95 takes (0.95⁷² = 0.0249); 71 are too few (0.0262)."""
    for n, carried in ((72, True), (71, False)):
        chart = plot(Distribution(name="a", trials=[[5.0] * n]))
        assert chart is not None
        assert bool(chart.table.set_index("percentile").loc[95.0, "enough samples"]) is carried


def test_the_highest_percentile_is_the_one_whose_least_samples_these_are() -> None:
    """The table of METHOD §1: 72, 368 and 3,688 carry p95, p99 and p99.9, one less doesn't."""
    for p, least in stats.LEAST_SAMPLES.items():
        if p > 50:
            assert stats.highest_percentile(least) >= p > stats.highest_percentile(least - 1)


def test_the_conclusion_names_median_and_the_highest_percentile_that_is_carried() -> None:
    """73 samples carry up to 0.025^(1/73) = 95.07 %: p95. Three carry 29 %, and no median."""
    chart = plot(Distribution(name="a", trials=[[2.0] * 73]), Distribution(name="b", trials=[[9.0] * 3]))
    assert chart is not None
    assert "a: 2 ms at the median, 2 ms at p95; b: too few independent samples for a median" in chart.alt


def test_arms_and_trials_without_samples_are_left_out_and_nothing_at_all_is_no_chart() -> None:
    """An arm of which nothing was answered has no line."""
    chart = plot(Distribution(name="a", trials=[[], [1.0, 2.0]]), Distribution(name="b", trials=[[]]))
    assert chart is not None
    assert chart.table["arm"].unique().tolist() == ["a"]
    assert [column for column in chart.table if column.startswith("trial")] == ["trial 1, ms"]
    assert plot(Distribution(name="b", trials=[[]])) is None
    assert plot() is None


def test_the_axis_of_percentiles_is_one_over_one_minus_p() -> None:
    """50 % stands at 2, 90 % at 10, 99 % at 100."""
    chart = plot(Distribution(name="a", trials=[shuffled(range(1, 201))]))
    assert chart is not None
    axes = chart.draw(chart.table).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xticks() == pytest.approx([1, 2, 10, 100])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0 %", "50 %", "90 %", "99 %"]


def test_a_window_counts_what_was_due_in_it_by_how_long_it_took_and_what_befell_it() -> None:
    """39 s of windows of 1 s. In the first: 1.2 and 1.4 ms (both 1 to 1.5), one refused and never served; in the last: 3 ms."""
    chart = heatmap(panel("a", [0.0, 0.5, 0.9, 39.0], [1.2, 1.4, np.nan, 3.0], ["", "", "throttled", ""]))
    assert chart is not None and chart.dense
    rows = chart.table.set_index("from, s")
    assert len(rows) == 40
    assert rows.loc[0.0, ["requests", "median, ms", "throttled, %", "1 to 1.5 ms"]].tolist() == pytest.approx(
        [3, 1.3, 100 / 3, 2]
    )
    assert rows.loc[39.0, ["requests", "median, ms", "throttled, %", "3 to 5 ms"]].tolist() == pytest.approx(
        [1, 3, 0, 1]
    )
    assert rows.loc[1.0, "requests"] == 0 and np.isnan(rows.loc[1.0, "median, ms"])


def test_every_answered_request_is_in_one_cell_and_panels_share_their_windows() -> None:
    """2,000 requests from 10 µs to 10 s in two panels: coarse bands, and none is lost at an edge."""
    rng = np.random.default_rng(3)
    panels = [
        panel(name, rng.uniform(-3, 9, 1000).tolist(), (10 ** rng.uniform(-2, 4, 1000)).tolist()) for name in "ab"
    ]
    chart = heatmap(*panels)
    assert chart is not None
    bands = [column for column in chart.table if " to " in column]
    assert chart.table[bands].to_numpy().sum() == chart.table["requests"].sum() == 2000
    assert len({tuple(rows["from, s"]) for _, rows in chart.table.groupby("arm")}) == 1
    assert 0.0 in chart.table["from, s"].tolist(), "a fault at 0 begins a window"


def test_a_trouble_that_the_strip_cannot_show_is_refused_and_nothing_answered_is_no_chart() -> None:
    """A word without a look would silently be missing from the strip."""
    with pytest.raises(ValueError, match="no look for strange"):
        heatmap(panel("a", [0.0], [1.0], ["strange"]))
    assert heatmap(panel("a", [0.0], [np.nan], ["error"])) is None
    assert heatmap() is None


def test_the_strip_stands_under_each_panel_only_where_something_befell_a_request() -> None:
    """Two panels and the scale of colours; with a strip each, two more."""
    calm = [panel(name, [0.0, 1.0], [1.0, 2.0]) for name in "ab"]
    troubled = [*calm[:1], panel("b", [0.0, 1.0], [1.0, np.nan], ["", "error"])]
    for panels, axes in ((calm, 3), (troubled, 5)):
        chart = heatmap(*panels, shaded_s=(0.0, 0.5))
        assert chart is not None
        figure = chart.draw(chart.table)
        assert len(figure.axes) == axes
        assert charts.to_png(figure) == charts.to_png(chart.draw(chart.table)), "the same table gives the same bytes"
