"""A run of query_vs_scan, all parts, with known answers: cells are collected, numbered as the plan numbers them, and written."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rundir import PlantedRun, trial

from reports import query_vs_scan
from reports.section import Section

NAME = "query_vs_scan"
EXTRA: Any = {"question": "text", "role": "text", "round_trips": "int"}
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "least_answers": 16}
ROUNDS, ANSWERS = 6, 4
# Logs that add up to 0 and whose squares add up to 0.1: s = √(0.1 / 5) = 0.14142, and with t(0.975, 5) = 2.5706 the
# interval of a mean of six is ± 2.5706 × 0.14142 / √6 = ± 0.14841.
SWINGS = (0.2, -0.2, 0.1, -0.1, 0.0, 0.0)
HALF = 0.14841
MS = 10**6
S = 10**9

Answer = Mapping[str, Any]  # an answer's columns; `ms` is its time
Arm = Callable[[int], Answer]  # the answers of one round, all alike


class PlantedAnswers:
    """Cells of a run; each arm says what its answers are in a round."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        planted.manifest["prices"]["values"] |= {"dynamodb.storage_gb_month_usd": 0.25}
        self.cells: list[tuple[dict[str, str], str, Mapping[str, Any], Mapping[str, Any]]] = []

    def ask(
        self, part: str, question: str, step: str, arms: Mapping[str, "Answer | Arm | None"], **params: Any
    ) -> None:
        """A cell of a part, all its arms side by side in every round; a param that is a dict says it for each arm."""
        self.cells.append(({"part": part, "question": question}, step, arms, params))

    def write(
        self, *, rounds: int = ROUNDS, rows_of: Any = None, until: Any = lambda about, number: True, **fields: Any
    ) -> None:
        """Number pairs and trials over the whole plan, and write samples and scenario.

        ``rows_of`` makes a trial's rows where they aren't answers that are all alike; a trial that ``until`` is false of was planned and not measured.
        """
        rows, trials, pair = [], [], 0
        for number in range(rounds):
            for labels, step, arms, params in self.cells:
                for arm, answer in arms.items():
                    about = {"trial": len(trials), "pair": pair, "arm": arm, "step": step}
                    own = {name: value[arm] if isinstance(value, dict) else value for name, value in params.items()}
                    done = until(about, number)
                    trials.append(trial(len(trials), arm, step, pair=pair, labels=labels, params=own, done=done))
                    if not done:
                        continue
                    if answer is None:
                        rows += rows_of(about, number)
                    else:
                        said = answer(number) if callable(answer) else answer
                        rows += answers(about | {"question": labels["question"], "role": "report"}, said)
                pair += 1
        self.planted.samples(NAME, rows, EXTRA)
        self.planted.scenario(NAME, params=PARAMS, trials=trials, servers={"dynamodb": "dbharness twin"}, **fields)


def answers(about: Mapping[str, Any], said: Answer) -> Iterator[dict[str, Any]]:
    """A warm-up answer a hundred times as dear and slow, then the trial's own, all alike."""
    columns = {"pages": 1, "items_returned": 10, "items_scanned": 10, "bytes": 1000, "round_trips": 1} | dict(said)
    time_ns, start = round(columns.pop("ms", 1.0) * MS), about["trial"] * 1000 * S
    dear = {name: 100 * columns[name] for name in ("read_units", "write_units") if name in columns}
    yield {**about, **columns, **dear, "phase": "warm-up", "t_start": start, "t_end": start + 100 * time_ns}
    for index in range(1, ANSWERS + 1):
        at = start + index * S
        yield {**about, **columns, "t_start": at, "t_end": at + time_ns}


def swung(units: float, column: str = "read_units", sign: int = 1, **also: Any) -> Arm:
    """``units`` × e^x with the x of each round."""
    return lambda number: {column: units * math.exp(sign * SWINGS[number]), **also}


def reads(count: int, **also: Any) -> dict[str, Any]:
    """An answer of so many read units."""
    return {"read_units": count, **also}


def base_cell(run: PlantedAnswers) -> None:
    """Every arm on 10,000 items. A Scan evaluates all of them for 300 units; a strong read costs twice that of an eventual one."""
    scan = {"read_units": 300.0, "items_scanned": 10_000, "pages": 3, "round_trips": 3, "ms": 30.0}
    aircraft = {
        "query": {"read_units": 1.5, "items_scanned": 40, "items_returned": 40},
        "query_strong": {"read_units": 3.0},
        "get_item": {"read_units": 5.0, "round_trips": 10, "pages": 10, "ms": 8.0},
        "get_item_strong": {"read_units": 10.0, "round_trips": 10, "pages": 10, "ms": 8.0},
        "batch_get": {"read_units": 5.0}, "batch_get_strong": {"read_units": 10.0},
        "scan": scan, "scan_strong": scan | {"read_units": 600.0},
        "scan_projection": scan | {"bytes": 400}, "scan_count": scan | {"bytes": 90},
        "parallel_scan_2": scan | {"read_units": 301.0}, "parallel_scan_8": scan | {"read_units": 303.0},
    }  # fmt: skip
    run.ask("arms", "aircraft", "10000", aircraft, table_items=10_000)
    airport = {
        "gsi_all": {"read_units": 10.0, "index_units": 10.0}, "gsi_include": {"read_units": 4.0, "index_units": 4.0},
        "gsi_keys_only": {"read_units": 60.0, "index_units": 2.0, "round_trips": 2}, "scan": scan,
    }  # fmt: skip
    run.ask("arms", "airport", "10000", airport, table_items=10_000)
    route = {
        "lsi_include": {"read_units": 0.5, "index_units": 0.5}, "lsi_include_strong": {"read_units": 1.0, "index_units": 1.0},
        "lsi_fetch": {"read_units": 5.5, "index_units": 0.5}, "lsi_fetch_strong": {"read_units": 11.0, "index_units": 1.0},
        "query_filter": {"read_units": 1.5, "items_scanned": 40, "items_returned": 2}, "scan": scan,
    }  # fmt: skip
    run.ask("arms", "route", "10000", route, table_items=10_000)


def growing_tables(run: PlantedAnswers) -> None:
    """A look-up of 2.5 units whatever the size, a Scan of 30 and 300; at the larger one times e^x (SWINGS)."""
    for question, lookup in (("aircraft", "query"), ("airport", "gsi_all")):
        run.ask("table_items", question, "1000", {lookup: reads(2.5), "scan": reads(30, ms=3.0)}, table_items=1000)
        run.ask("table_items", question, "10000", {lookup: reads(2.5), "scan": swung(300, ms=30.0)}, table_items=10_000)


def growing_answers(run: PlantedAnswers) -> None:
    """Of 10,000 items: Queries take 500 × share units × e^x, Gets half a unit a key up to 1,000 keys, a Scan 300."""
    for step, keys in (("0.001", 10), ("0.01", 100), ("0.1", 1000), ("1", 10_000)):
        share = keys / 10_000
        arms: dict[str, Any] = {"query": swung(500 * share, items_returned=keys), "scan": reads(300, ms=30.0)}
        if keys <= 1000:
            arms |= dict.fromkeys(("get_item", "batch_get"), reads(keys / 2, items_returned=keys))
        run.ask("answer_share", "range", step, arms, table_items=10_000, answer_items=keys, answer_share=share)


def growing_items(run: PlantedAnswers) -> None:
    """Ten items of 1,000 of them, of four sizes."""
    for step, size, query, get, scan in (
        ("narrow", 60, 0.5, 5, 7.5), ("as_is", 250, 0.5, 5, 31), ("2048", 2048, 2.5, 5, 250), ("20480", 20_480, 25, 25, 2500),
    ):  # fmt: skip
        arms = {"query": reads(query), "batch_get": reads(get), "scan": reads(scan)}
        run.ask("item_bytes", "aircraft", step, arms, table_items=1000, mean_item_bytes=size)


ENTRY_BYTES = {"no_index": 0, "keys_only": 60, "include": 80, "all": 250}
WRITE_UNITS = {
    "new_flight": {"no_index": 1, "keys_only": 2, "include": 2, "all": 2},
    "changed_delay": {"no_index": 1, "keys_only": 1, "include": 2, "all": 2},
    "moved": {"no_index": 1, "keys_only": 3, "include": 3, "all": 3},
}


def index_writes(run: PlantedAnswers, **new_flight: Arm) -> None:
    """Writes without an index and with each projection; ``new_flight`` says other answers for arms of that question."""
    for question, units in WRITE_UNITS.items():
        arms: dict[str, Any] = {arm: {"write_units": float(count)} for arm, count in units.items()}
        if question == "new_flight":
            arms |= new_flight
        run.ask("index_writes", question, "by_dest", arms, table_items=10_000, index_entry_bytes=ENTRY_BYTES)


SPEED, READS = 10.0, 100
NEIGHBOURS: dict[str, Any] = dict.fromkeys(("alone", "scan", "paced_scan", "parallel_scan_off_peak", "gsi_query"))
# arm -> of five reads in a row, how many are throttled once: the same in every round, or in even and odd ones
THROTTLED = {
    "alone": (0, 0),
    "scan": (1, 2),
    "paced_scan": (0, 0),
    "parallel_scan_off_peak": (1, 1),
    "gsi_query": (0, 0),
}


def beside(run: PlantedAnswers) -> None:
    """The five arms, on a table of 10,000 items and 50 read units a second, at ten times the wall's speed."""
    run.ask(
        "neighbour", "neighbour", "scan_beside", NEIGHBOURS, table_items=10_000, read_capacity_units=50, speed=SPEED,
        service_s=100, neighbours_per_s=1, paced_units_per_s=20,
    )  # fmt: skip


def beside_rows(about: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """A hundred reads, one each 100 ms of the wall: served after 1 ms, or throttled and served 20 ms after they were due.

    The reporting job reads four pages of 2,500 items within 2 s; the paced one in 8 s, and in the last round but half of it.
    """
    arm, start = about["arm"], about["trial"] * 1000 * S
    common = {**about, "question": "neighbour"}
    for index in range(READS):
        due = start + index * 100 * MS
        read = common | {"role": "neighbour", "op": "GetItem", "op_id": index, "t_intended": due}
        if index % 5 in (0, 2)[: THROTTLED[arm][number % 2]]:
            yield read | {"t_start": due, "t_end": due + MS, "outcome": "throttled", "attempt": 1}
            yield read | {"t_start": due + 19 * MS, "t_end": due + 20 * MS, "attempt": 2, "read_units": 0.5}
        else:
            yield read | {"t_start": due, "t_end": due + MS, "read_units": 0.5}
    if arm == "alone":
        return
    pages = 2 if arm == "paced_scan" and number == ROUNDS - 1 else 4
    page = (2 if arm == "paced_scan" else 0.5) * S
    for index in range(pages):
        at = start + round(index * page)
        yield common | {
            "role": "report", "op": "Scan", "op_id": READS + index, "t_start": at, "t_end": at + round(page),
            "read_units": 75.0, "items_scanned": 2500, "pages": 1,
        }  # fmt: skip


def everything(planted: PlantedRun) -> PlantedAnswers:
    """All parts as they are planted above."""
    run = PlantedAnswers(planted)
    for part in (base_cell, growing_tables, growing_answers, growing_items, index_writes, beside):
        part(run)
    return run


def section_of(planted: PlantedRun, *parts: Callable[[PlantedAnswers], Any], **written: Any) -> Section:
    """The section of a run of these parts."""
    run = PlantedAnswers(planted)
    for part in parts:
        part(run)
    run.write(**written)
    return query_vs_scan.analyse(planted.load())
