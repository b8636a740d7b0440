"""Makes docs/gallery.md and its pictures from real runs: every kind of chart, what it answers, what it was measured on.

``python -m tools.gallery RUN… [--comparison FOLDER [--gate TEXT]] [--history RUN…]``: runs, a folder that ``dbharness ab`` wrote, runs of one make. The
charts are the reports' own, drawn from the samples; nothing of them is typed by hand but the questions below. A kind that isn't there
is left out, and said.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from harness.paths import PROJECT_ROOT
from reports import charts
from reports.build import analyse
from reports.compare import designs
from reports.compare.compared import compared
from reports.compare.page import drawn
from reports.history.charts import chart as trend_chart
from reports.history.runs import read, scenarios_of, series_of
from reports.history.trends import history
from reports.load import NotARun, Run
from reports.places import target_words
from reports.render.run import when
from reports.section import Chart

PAGE = PROJECT_ROOT / "docs" / "gallery.md"
_PNG_DPI = 110  # a page's width; heatmaps are too dense for vectors

# A pattern of a chart's id, and the question that this kind of chart answers. The first chart that fits is shown.
KINDS = {
    "query_vs_scan-arms": "What does one answer consume, whichever way it is asked for?",
    "query_vs_scan-units": "What does it consume as the table grows, and the answer stays?",
    "query_vs_scan-p50-ms": "How long does it take as the table grows?",
    "query_vs_scan-percentiles": "How long do the slowest answers take, and how far do so few samples carry?",
    "query_vs_scan-answer-share": "From which share of the table on is one Scan cheaper, and how sure is that?",
    "query_vs_scan-item-bytes": "What does it consume as items grow?",
    "query_vs_scan-index-cost": "From how many reads a write on does an index pay?",
    "query_vs_scan-neighbour": "What do everyone else's reads meet while somebody scans, and which cure helps?",
    "query_vs_scan-neighbour-percentiles": "How does that wait look beyond the median?",
    "query_vs_scan-neighbour-time": "When, within a trial, were they slow or throttled?",
    "capacity_modes-share": "How much is throttled at which demand, and does arithmetic agree?",
    "capacity_modes-onset-*": "When does the burst bucket run dry, and what happens then?",
    "capacity_modes-spike-*": "Who follows a spike, and how soon?",
    "capacity_modes-diurnal-*": "Who follows a day of flights?",
    "capacity_modes-hot-*": "What do uneven keys cost, though the table has capacity to spare?",
    "capacity_modes-policy": "Do retries serve more, and what do they cost in attempts and time?",
    "capacity_modes-policy-percentiles": "What do retries do to the slowest writes that were served?",
    "capacity_modes-policy-time": "When do waits begin, beside the throttles?",
    "capacity_modes-cost": "From which use of what is provisioned on is it cheaper than on demand?",
    "cache_hit_rate-hit-rate": "How many reads does a cache of which size answer?",
    "cache_hit_rate-latency": "Below which hit rate does the cache stop paying?",
    "cache_hit_rate-*-percentiles": "Where do hits end and misses begin?",
    "cache_hit_rate-skew": "Does theory foretell the hit rate of unevenly asked keys?",
    "cache_hit_rate-ttl": "Does theory foretell what a TTL leaves?",
    "cache_hit_rate-write-share": "What do writes do to the hit rate, under which strategy?",
    "cache_hit_rate-value-size": "What do larger values do to it?",
    "cache_hit_rate-policy": "Which eviction policy keeps what is asked for, and which refuses?",
    "cache_hit_rate-warm-up": "How soon is an empty cache worth having?",
    "cache_hit_rate-stampede": "What does the database bear when a hot key expires, and who shields it?",
    "cache_hit_rate-lost-*": "What do reads and the database bear while the cache is lost?",
    "cache_hit_rate-lost-time": "Which reads waited how long for it?",
    "cache_hit_rate-stale": "Who reads what is no longer true?",
    "rds_failover-cells": "How long is it down, in every case?",
    "rds_failover-*-clients": "How long is each client down, trial by trial?",
    "rds_failover-*-steps": "Where does that time go?",
    "rds_failover-*-timeline": "What happened in one failover, event by event?",
    "rds_failover-*-trials": "Are the trials alike?",
    "rds_failover-*-time": "Which operations got no answer, and how slow were the others?",
    "rds_failover-*-percentiles": "Is it as fast as before once it is back?",
    "rds_failover-ledger": "Was anything that was acknowledged lost?",
    "rds_failover-ledger-clients": "What became of each client's writes?",
    "rds_failover-synchrony": "What does waiting for a second zone cost a commit?",
    "sql_vs_nosql-matrix": "Which store answers which question, how fast, in how many trips, for how much, and how consistently?",
    "sql_vs_nosql-latency": "How far apart are the stores for each question?",
    "sql_vs_nosql-months": "From which rate on is which store cheaper?",
    "sql_vs_nosql-growth": "Whose answers take longer as the data grow?",
    "sql_vs_nosql-growth-usd": "And whose cost more?",
    "sql_vs_nosql-cached": "Which answers are worth a cache?",
    "sql_vs_nosql-server": "What does an answer cost a server's processor?",
    "sql_vs_nosql-schema-*": "What does a store need to be able to answer?",
    "rds_operations-groups": "What does each parameter group bring, and what does a crash lose with it?",
    "rds_operations-pending": "Which parameters wait for a reboot?",
    "rds_operations-*-backup-time": "What do reads and writes meet while a backup is made?",
    "rds_operations-*-backup-percentiles": "How much slower are the slowest beside a backup?",
    "rds_operations-*-restore": "How long does it take to be back at the second before a mistake, and what is missing then?",
    "rds_operations-sizes": "How do backups, snapshots and restores grow with the data?",
    "rds_operations-*-snapshot-time": "What do clients meet while a snapshot is made?",
    "rds_operations-*-lag-percentiles": "How old is what a read replica shows?",
    "rds_operations-*-lag-time": "Does a replica fall behind as writes go on?",
    "rds_operations-*-connections-*": "How many connections does an application get, and what then?",
    "family": "Is the candidate worse, by more than the margin that was declared?",
    "*-ratios": "What else changed, and how sure is that?",
    "*-latency-*-percentiles": "Is it the whole distribution that moved, or its tail?",
    "*-latency-*-quantile-ratio": "By how much, at each quantile, and where do the pairs no longer tell?",
    "*-[0-9]": "How did one figure go over many runs, and where did it change?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One heading of the gallery: charts of one report, and what they were measured on."""

    title: str
    about: str
    charts: Sequence[Chart]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A chart of the gallery, the question it answers, and the file of its picture."""

    room: Room
    chart: Chart
    question: str
    file: str


def of_run(run: Run) -> list[Room]:
    """A room for each scenario of a run's report."""
    return [
        Room(
            title=section.title, charts=section.charts,
            about=f"`{section.scenario}`, measured on {', '.join(run.scenario(section.scenario).get('servers', {}).values())}; "
            f"{_run_words(run.manifest)}.",
        )
        for section in analyse(run)
    ]  # fmt: skip


def of_comparison(folder: Path, gates: Sequence[str] | None) -> Room:
    """The charts of a folder that ``dbharness ab`` wrote; ``gates`` as it was given them, where they weren't the configuration's."""
    of = compared(designs.of_folder(folder), gates=gates)
    base, candidate = of.sides.base, of.sides.candidate
    return Room(
        title="Comparison", charts=drawn(of),
        about=f"`dbharness ab`: {candidate.name} against {base.name}, {len(base.runs)} pairs of runs of {', '.join(of.comparison.scenarios)}; "
        f"{_run_words(base.runs[0].manifest)}.",
    )  # fmt: skip


def of_history(paths: Sequence[Path]) -> Room:
    """The trend of a median latency, else of the first figure there is, over runs of one make."""
    runs, _ = read(paths)
    one = history(series_of(scenarios_of(runs)[0], runs, profile=None, allow=(), last=None))
    trends = [*one.changed, *one.steady, *one.untested]
    trend = next((trend for trend in trends if "latency_p50" in trend.figure.id), trends[0])
    return Room(
        title="History", charts=[trend_chart(one, trend, 1)],
        about=f"`dbharness history`: {len(one.series.runs)} runs; {_run_words(runs[0].manifest)}.",
    )  # fmt: skip


def _run_words(manifest: Mapping[str, Any]) -> str:
    machine = manifest["machine"]
    return (
        f"profile {manifest['profile']}, {target_words(manifest)}, {when(manifest['started'])}, seed {manifest['seed']}, "
        f"{machine['cpu']} with {machine['cores']} cores"
    )


def chosen(rooms: Sequence[Room]) -> list[Shown]:
    """The first chart of each kind, in the order of the rooms; a chart that is of no kind is a KeyError."""
    found: dict[str, Shown] = {}
    for room in rooms:
        for chart in room.charts:
            kind = kind_of(chart.id)
            name = kind.replace("[0-9]", "trend").replace("-*", "").replace("*-", "")
            file = f"{name}.{'png' if chart.dense else 'svg'}"
            found.setdefault(kind, Shown(room=room, chart=chart, question=KINDS[kind], file=file))
    return list(found.values())


def kind_of(id: str) -> str:
    """The pattern that fits, the id itself where none does; one that is the id goes before any with a star."""
    return id if id in KINDS else next((kind for kind in KINDS if fnmatch(id, kind)), id)


def write(rooms: Sequence[Room], page: Path = PAGE) -> list[Shown]:
    """The page and its pictures, in a folder beside it that has its name; pictures that were there and aren't of it go."""
    shown, folder = chosen(rooms), page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for old in {one.name for one in folder.iterdir()} - {one.file for one in shown}:
        (folder / old).unlink()
    for one in shown:
        (folder / one.file).write_bytes(_picture(one.chart))
    page.write_text("\n".join(_lines(shown, folder.name)) + "\n", encoding="utf-8")
    return shown


def _picture(chart: Chart) -> bytes:
    """On white, for a page of its own knows no colours to follow."""
    figure = chart.draw(chart.table)
    if chart.dense:
        return charts.to_png(figure, _PNG_DPI)
    svg = charts.to_svg(figure, chart.title, chart.alt)
    return svg.replace("<svg ", '<svg style="background:#fff;color:#000" ', 1).encode()


def _lines(shown: Sequence[Shown], folder: str) -> Iterator[str]:
    yield "# Gallery"
    yield ""
    yield (
        "Every kind of chart that a report has, each from a real run: what it answers, and what that run saw. Beneath each, in a report, "
        "stands the table that it draws. This page is written by `python -m tools.gallery`; no figure on it is typed by hand."
    )
    yield ""
    yield (
        "Latencies and downtimes of local stand-ins compare arms of one run; units, throttles, hit rates and lost writes stand as they are."
    )
    for title in dict.fromkeys(one.room.title for one in shown):
        mine = [one for one in shown if one.room.title == title]
        yield from ("", f"## {title}", "", mine[0].room.about)
        for one in mine:
            alt = one.chart.alt.replace("[", "(").replace("]", ")")
            yield from ("", f"### {one.chart.title}", "", f"**{one.question}**", "", f"![{alt}]({folder}/{one.file})")
            yield from ("", one.chart.caption)


def main() -> int:
    """Write the page; say what it shows, what isn't there, and how large it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.gallery", description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, nargs="+", help="run directories; a kind is shown from the first that has it")
    parser.add_argument("--comparison", type=Path, help="a folder that dbharness ab wrote")
    parser.add_argument("--gate", action="append", help="that ab was given; repeatable")
    parser.add_argument("--history", type=Path, nargs="+", help="runs of one make")
    asked = parser.parse_args()
    try:
        rooms = [room for run in asked.run for room in of_run(Run.load(run))]
        rooms += [of_comparison(asked.comparison, asked.gate)] if asked.comparison else []
        rooms += [of_history(asked.history)] if asked.history else []
    except NotARun as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    shown = write(rooms)
    size = sum(one.stat().st_size for one in PAGE.with_suffix("").iterdir())
    lacking = set(KINDS) - {kind_of(one.chart.id) for one in shown}
    print(f"{PAGE}: {len(shown)} charts, {size / 1e6:.2f} MB; not shown: {', '.join(sorted(lacking)) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
