"""What Locust writes and offers of its statistics, with our columns behind its own: CSV, JSON, HTML; and CSV files of what it hasn't.

Locust's functions are replaced in their modules, as ``bucket_response_time`` is meant to be; what it has stays where it is. Its CSV
has whole milliseconds: our latencies have three significant digits.
"""

import csv
import html as markup
import json
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import Any

import locust.html
import locust.stats

from harness.live import COLUMNS, Live

KEY = "dbharness"  # of our member in JSON
COUNTS = {key: title for key, title in COLUMNS.items() if key not in ("op", "name")}
LATENCIES = {"p50_ms": "Latency p50, ms", "p95_ms": "Latency p95, ms", "p99_ms": "Latency p99, ms"}
_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
TITLES = (*(title.removeprefix("# ") for title in COUNTS.values()), *LATENCIES.values())

Latest = Callable[[], Live]
Row = dict[str, Any]


def ours(live: Live, stats: Any) -> Callable[[str | None, str], Row]:
    """Our figures by a request's type and name; of Locust's total, which has no type, all together. None for what isn't known."""
    rows = {(row["op"], row["name"]): row for row in live.rows()}

    def of(method: str | None, name: str) -> Row:
        known = [row for key, row in rows.items() if not method or key == (method, name)]
        entry = stats.entries.get((name, method)) if method else stats.total
        counts = {key: sum(row[key] for row in known) if known else None for key in COUNTS}
        answered = entry is not None and entry.num_requests
        return counts | {
            key: entry.get_response_time_percentile(share) if answered else None for key, share in _QUANTILES.items()
        }

    return of


def extend(latest: Latest) -> None:
    """Put our figures into all that Locust writes in this process; called again, for another one's counts."""
    _extend_csv(latest)
    _extend_json(latest)
    _extend_html(latest)


def _extend_csv(latest: Latest) -> None:
    writer: Any = locust.stats.StatsCSV
    theirs = getattr(writer, "rows_before_ours", writer._requests_data_rows)

    def rows(self: Any, csv_writer: Any) -> None:
        theirs(self, _WithOurs(csv_writer, ours(latest(), self.environment.stats)))

    writer.rows_before_ours, writer._requests_data_rows = theirs, rows
    # Locust has made its writer by now: a property is looked at before what that one keeps under the name.
    name = "requests_csv_columns"
    writer.requests_csv_columns = property(
        lambda self: [*vars(self)[name], *TITLES], lambda self, columns: vars(self).__setitem__(name, columns)
    )


class _WithOurs:
    """A CSV writer that puts our figures behind the row of a request."""

    def __init__(self, writer: Any, of: Callable[[str | None, str], Row]) -> None:
        self._writer, self._of = writer, of

    def writerow(self, row: Iterable[Any]) -> None:
        theirs = list(row)
        self._writer.writerow([*theirs, *self._of(theirs[0], theirs[1]).values()])


def _extend_json(latest: Latest) -> None:
    def entries(stats: Any) -> list[Row]:
        of = ours(latest(), stats)
        known = {key: of(key[1], key[0]) for key in stats.entries}  # before Locust clears what it serialises
        return [entry | {KEY: known[entry["name"], entry["method"]]} for entry in stats.serialize_stats()]

    def print_stats_json(stats: Any) -> None:
        print(json.dumps(entries(stats), indent=4))  # noqa: T201 - Locust's own does

    def save_stats_json(stats: Any, filename: str) -> None:
        with open(f"{filename}.json", "w") as file:  # noqa: PTH123 - Locust's own name for it
            json.dump(entries(stats), file, indent=4)

    locust.stats.print_stats_json, locust.stats.save_stats_json = print_stats_json, save_stats_json


def _extend_html(latest: Latest) -> None:
    page: Any = locust.html
    theirs = getattr(page, "render_before_ours", page.render_template_from)

    def render_template_from(file: str, *more: Any, **kept: Any) -> str:
        text: str = theirs(file, *more, **kept)
        if file != "report.html":
            return text
        table = _table(latest(), dark=kept.get("theme") == "dark")
        return text.replace("</body>", f"{table}</body>", 1)

    page.render_before_ours, page.render_template_from = theirs, render_template_from


def _table(live: Live, *, dark: bool) -> str:
    """Our counts as a table of its own below Locust's page, which has no place for columns of others."""
    head = "".join(f'<th scope="col">{markup.escape(title)}</th>' for title in COLUMNS.values())
    body = "".join(
        f"<tr>{''.join(f'<td>{markup.escape(_said(value))}</td>' for value in row.values())}</tr>"
        for row in live.rows()
    )
    ink = "#fff" if dark else "#1b1f24"
    style = f"color:{ink};font:1rem/1.5 sans-serif;margin:2rem auto;max-width:75rem;overflow:auto;text-align:left"
    return (
        f'<section id="{KEY}" style="{style}"><h2>Units and throttles</h2>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"
    )


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def offer(web_ui: Any, latest: Latest, feeds: Callable[[], Mapping[str, Any]], *, base_path: str) -> None:
    """Two more CSV files among those that Locust's page offers: our counts, and what was live second by second."""
    files: dict[str, tuple[str, Callable[[], Iterable[Iterable[Any]]]]] = {
        "units.csv": ("Download units and throttles CSV", lambda: _units(latest())),
        "seconds.csv": ("Download live seconds CSV", lambda: _seconds(feeds())),
    }
    for name, (_, rows) in files.items():
        web_ui.app.add_url_rule(
            f"{base_path}/dbharness/{name}", f"dbharness_{name.removesuffix('.csv')}",
            web_ui.auth_required_if_enabled(_answering(web_ui, name, rows)),
        )  # fmt: skip
    web_ui.template_args["extended_csv_files"] = [
        {"href": f"./dbharness/{name}", "title": title} for name, (title, _) in files.items()
    ]


def _answering(web_ui: Any, name: str, rows: Callable[[], Iterable[Iterable[Any]]]) -> Callable[[], Any]:
    def view() -> Any:
        text = StringIO()
        csv.writer(text).writerows(rows())
        headers = {"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "no-store"}
        return web_ui.app.response_class(text.getvalue(), mimetype="text/csv", headers=headers)

    return view


def _units(live: Live) -> Iterable[Iterable[Any]]:
    yield COLUMNS.values()
    yield from (row.values() for row in live.rows())


def _seconds(feeds: Mapping[str, Any]) -> Iterable[Iterable[Any]]:
    yield "Second", "Feed", "Name", "Value"
    for feed, kept in feeds.items():
        for row in kept.rows(-1):
            yield from ([row["second"], feed, name, value] for name, value in row.items() if name != "second")
