"""Tabs and tables of ours on Locust's own page, through its extension points; the same rows for programs in ``/stats/requests``."""

from collections.abc import Iterator
from typing import Any

from harness.cockpit.shown import CHARTS, figure, title_of
from harness.cockpit.state import LiveState
from harness.live import COLUMNS, Live, three_digits

KEY, TITLE = "dbharness", "Units and throttles"
FEED_TITLES = {"capacity": "Capacity", "cache": "Cache", "failover": "Failover", "servers": "Servers", "truth": "Truth"}
FEED_COLUMNS = {"what": "What", "now": "Last second", "least": "Least of a minute", "most": "Most of a minute"}
MINUTE_S = 60
LINK = (
    '<nav aria-label="dbharness" style="padding:6px 12px;background:#14532d;font:16px sans-serif">'
    '<a href="./dbharness/start" style="color:#fff;margin-right:1rem">Start with all settings</a> <a href="./dbharness/" style="color:#fff">Live charts and report</a></nav>'
)


def show(web_ui: Any, live: Live, state: LiveState) -> None:
    """Put tabs, tables and a link on the page, and the tables' rows into its statistics."""
    from flask import json, request

    tabs = {KEY: TITLE} | {key_of(feed): title for feed, title in FEED_TITLES.items()}
    structures = {KEY: COLUMNS} | {key_of(feed): FEED_COLUMNS for feed in FEED_TITLES}
    web_ui.template_args["extended_tabs"] = [{"title": title, "key": key} for key, title in tabs.items()]
    web_ui.template_args["extended_tables"] = [
        {"key": key, "structure": [{"key": name, "title": title} for name, title in columns.items()]}
        for key, columns in structures.items()
    ]

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def add_ours(response: Any) -> Any:
        if request.endpoint == "locust.index" and response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace('<div id="root">', f'{LINK}<div id="root">', 1))
        if request.path.endswith("/stats/requests") and response.is_json:
            extended = [{"key": KEY, "data": live.rows()}]
            extended += [{"key": key_of(feed), "data": list(minute(state, feed))} for feed in FEED_TITLES]
            told = response.get_json()
            for entry in told["stats"]:
                _in_full(web_ui.environment.stats, entry)
            response.set_data(json.dumps(told | {"extended_stats": extended}))
        return response


def _in_full(stats: Any, entry: dict[str, Any]) -> None:
    """Least and most of an entry with three digits, where Locust rounds to whole milliseconds: 0.35 ms doesn't become 0."""
    known = stats.entries.get((entry["name"], entry["method"]), stats.total)
    entry["min_response_time"] = three_digits(known.min_response_time or 0)
    entry["max_response_time"] = three_digits(known.max_response_time)


def key_of(feed: str) -> str:
    """The tab of a feed."""
    return f"{KEY}-{feed}"


def minute(state: LiveState, feed: str) -> Iterator[dict[str, str]]:
    """A row for each value of a feed: what it was last, and within what it was in the last minute; in words, with units."""
    newest = state.feed(feed).rows(-1)[-1:]
    rows = state.feed(feed).rows(newest[0]["second"] - MINUTE_S) if newest else []
    for name in sorted(dict.fromkeys(name for row in rows for name in row if name != "second"), key=_place):
        said = [row[name] for row in rows if row.get(name) is not None]
        numbers = [value for value in said if not isinstance(value, str)]
        yield {
            "what": title_of(name),
            "now": figure(name, rows[-1].get(name)),
            "least": figure(name, min(numbers, default=None)) if numbers else "",
            "most": figure(name, max(numbers, default=None)) if numbers else "",
        }


_ORDER = {name: place for place, name in enumerate(name for chart in CHARTS for name in chart.values)}


def _place(name: str) -> tuple[int, str]:
    return _ORDER.get(name.partition("|")[0], len(_ORDER)), name
