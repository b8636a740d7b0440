"""How it was measured, in sentences; what each part was, and which parts this run doesn't have."""

from collections.abc import Mapping
from typing import Any

from reports.places import is_aws
from reports.query_vs_scan.arms import NAME, PARTS
from reports.query_vs_scan.cells import Asked
from reports.words import count, number


def method(asked: Asked) -> tuple[str, ...]:
    """Paragraphs: what all parts share, then each part that was planned, then what wasn't."""
    params = asked.run.scenario(NAME)["params"]
    slots = params.get("in_flight") or asked.run.scenario(NAME).get("slots", 1)
    return (
        f"Each size of table holds all flights of the {params['aircraft']} aircraft and {params['airports']} airports that are asked "
        "for, so the answer stays the same while the table grows. A sample is one whole answer, all its pages.",
        f"Trials of {params['trial_s']} s{_least(params)}, all arms of a cell side by side in {count(params['pairs'], 'round')}, their "
        f"order drawn by the run's seed; all arms of a pair ask for the same keys. {_warm_up(params['warm_up_answers'])}Wrong answers are errors, and in no figure.",
        f"Closed loop with {slots} in flight, so latency is service time: from sending to the last page parsed, the client's own "
        "share included. Reads are eventually consistent but for the arms that say otherwise. Units are the ConsumedCapacity that "
        "each answer tells, an index's part included. " + _tables(asked),
        "Ratios are means of the log ratios of pairs, with a t interval; the price is the on-demand one.",
        *_parts(asked),
        *_left_out(asked),
    )


def _tables(asked: Asked) -> str:
    if is_aws(asked.run):
        return "Tables are on demand and made for this run: they begin with a new table's rates (B5)."
    return "The twin throttles by tables here, not by single partitions (B1): one client on the same machine asks faster than any over a network."


def _least(params: Mapping[str, Any]) -> str:
    least, scans = params.get("least_answers"), params.get("least_scans")
    of_scans = f" ({scans} where each reads the whole table)" if scans else ""
    return f", and {count(least, 'answer')}{of_scans} at least" if least else ""


def not_measured(asked: Asked) -> tuple[str, ...]:
    """A warning that names the parts that were planned and gave nothing."""
    have = {cell.part for cell in asked.cells} | asked.parts
    gone = [f"{part} ({PARTS.get(part, part)})" for part in asked.planned if part not in have]
    return (f"Planned, and not measured: {', '.join(gone)}.",) if gone else ()


def _parts(asked: Asked) -> list[str]:
    neighbours = {"neighbour": _neighbour(asked)} if "neighbour" in asked.planned else {}
    params = asked.run.scenario(NAME)["params"]
    told = {
        "table_items": "Exponents are slopes of the logarithm of units on that of the size, fitted in each round, with a t interval "
        "over rounds; where the table grows, over answers of the same lengths at every size, since each trial draws its own keys.",
        "answer_share": "Break-evens against Query are where the two measured curves cross, in each round; against Gets they are a Scan's "
        "units ÷ those of a Get of one key × all keys, since Gets are asked for up to "
        f"{count(params.get('most_keys', 2000), 'key')} alone.",
        "index_writes": "What an index costs: units of the same writes with and without it, by pairs; what a read through it saves is "
        "taken from the reads of the largest table. Storage is the mean entry and 100 bytes billed with each, GB of 10⁹ bytes.",
    } | neighbours
    return [text for part, text in told.items() if part in asked.planned]


def _neighbour(asked: Asked) -> str:
    trial = next(one for one in asked.run.scenario(NAME)["trials"] if one["labels"].get("part") == "neighbour")
    params = trial["params"]
    asks = f"{number(params['neighbours_per_s'])} GetItems a second" if "neighbours_per_s" in params else "GetItems"
    pace = (
        f", the paced Scan at {number(params['paced_units_per_s'])} units a second"
        if "paced_units_per_s" in params
        else ""
    )
    return (
        f"Neighbours: everyone else sends {asks} of the service's clock in an open loop to a provisioned table while one job reports on "
        f"it{pace}. A read counts as throttled if any of its attempts was. Times are in service seconds at speed "
        f"{number(params.get('speed', 1))}: the wall's times that many times over, the tool's own share too."
    )


def _left_out(asked: Asked) -> list[str]:
    missing = [text for part, text in PARTS.items() if part not in asked.planned]
    return [f"Not asked in this run: {'; '.join(missing)}."] if missing else []


def _warm_up(answers: int) -> str:
    """What each trial leaves out at its start, as a sentence; nothing where that is nothing."""
    if not answers:
        return ""
    return (
        "The first answer of each trial doesn't count. "
        if answers == 1
        else f"The first {answers} answers of each trial don't count. "
    )
