"""The sentences and tables of `dbharness plan-cache`, computed from the plan as plan.json has it."""

from collections.abc import Mapping
from typing import Any

from harness.plan_output import Rows, usd

Record = Mapping[str, Any]


def lines(plan: Record, seconds: float) -> tuple[list[str], list[str]]:
    """What stands before the tables, the answer first, and what stands behind: what it rests on."""
    first = [answer(plan), *_why(plan), *_knee(plan), *_latency(plan), *_ttl(plan), change(plan)]
    trace, prices, assumed = plan["trace"], plan["prices"], plan["assumed"]
    last = [f"Supposed: {note}" for note in plan["notes"]]
    last.append(
        f"Supposed: {100 * assumed['reserved_memory_share']:g} % of a node's memory is kept back (reserved-memory-percent), an entry "
        f"takes its key, its value and {assumed['item_overhead_bytes']} bytes, maxmemory-policy is allkeys-lru; one node"
        f"{_replicas(assumed)}; a read is worth what it costs: {plan['worth']['by']}."
    )
    if plan["checked"]:
        last.append(f"Checked: {plan['checked']}.")
    last.append(
        f"Modelled, not measured: {plan['source']}, {trace['reads']:,} reads in {trace['accesses']:,} accesses, a month of 730 hours, "
        f"{prices['region']} prices of {prices['date']} for {assumed['engine']}; sized in {seconds:.1f} s."
    )
    return first, last


def answer(plan: Record) -> str:
    """Which one pays, or that none does, or what is missing to say so."""
    best = plan["best"]
    if best is None:
        return _unknown(plan)
    spares = (
        f"answers {percent(best['hit_rate'])}{_width(best)} of reads and spares the database {best['reads_saved_month']:,.0f} reads "
        f"a month, worth {money(best['saved_usd_month'])}"
    )
    if plan["pays"]:
        return (
            f"{best['name']} pays: for {money(best['usd_month'])} a month it {spares}: {money(best['net_usd_month'])} gained, "
            "more than by any other."
        )
    even = best["break_even_reads_per_s"]
    when = f"it pays from {number(even)} reads a second on" if even else "it pays at no rate of reads"
    return (
        f"No cache pays in dollars: the one that loses least, {best['name']}, costs {money(best['usd_month'])} a month, {spares}; {when}, "
        f"here are {number(plan['trace']['reads_per_s'])}."
    )


def _unknown(plan: Record) -> str:
    """Without a rate or a price: from which rate on the one pays that pays soonest."""
    reasons = []
    if plan["trace"]["reads_per_s"] is None:
        reasons.append("the trace tells no rate (give --reads-per-s)")
    if plan["worth"]["usd_per_million"] is None:
        reasons.append("the price of a read isn't in the price file (give --read-usd-per-million)")
    said = f"Which one pays isn't known: {' and '.join(reasons) or 'no price of a cache is in the price file'}"
    evens = [one for one in plan["outcomes"] if one["break_even_reads_per_s"] is not None]
    if not evens:
        return f"{said}."
    soonest = min(evens, key=lambda one: one["break_even_reads_per_s"])
    return (
        f"{said}. {soonest['name']} pays soonest, from {number(soonest['break_even_reads_per_s'])} reads a second on; it answers "
        f"{percent(soonest['hit_rate'])}{_width(soonest)} of reads."
    )


def _why(plan: Record) -> list[str]:
    """The best beside the next best of another size."""
    best = plan["best"]
    others = [
        one for one in plan["outcomes"]
        if best and one["net_usd_month"] is not None and one["usable_bytes"] != best["usable_bytes"]
    ]  # fmt: skip
    if not others:
        return []
    second = max(others, key=lambda one: float(one["net_usd_month"]))
    points, more = second["hit_rate"] - best["hit_rate"], second["usd_month"] - best["usd_month"]
    hits = f"{100 * abs(points):.2f} points {'more' if points > 0 else 'less'}" if abs(points) >= 5e-5 else "no more"
    return [
        f"Why: the next best of another size, {second['name']}, would answer {hits} and cost {money(abs(more))} a month "
        f"{'more' if more > 0 else 'less'}."
    ]


def _knee(plan: Record) -> list[str]:
    """Where the curve bends, and what the order of the reads has to do with it."""
    trace = plan["trace"]
    memory, entries = trace["by_bytes"], trace["by_entries"]
    if memory["knee"] is None:
        return ["Nothing is read twice: no cache of any size answers a read."]
    at = entries["knee"]
    by_order = at["hit_rate"] - at["che_hit_rate"]
    return [
        f"The curve's knee is at {size(memory['knee']['size'])} ({percent(memory['knee']['hit_rate'])} of reads): more memory brings "
        f"less from there on. {size(memory['least_for_90_percent_of_hits'])} have 90 % of the hits, {size(memory['enough'])} all "
        f"of them; {percent(1 - trace['most_hit_rate'])} of reads are a key's first, which no cache answers.",
        f"Order: {at['size']:,.0f} {'entry answers' if at['size'] == 1 else 'entries answer'} {percent(at['hit_rate'])}; of the same accesses "
        f"in random order {'it' if at['size'] == 1 else 'they'} would answer "
        f"{percent(at['che_hit_rate'])} (E2): {_order(by_order)}.",
    ]


def _order(difference: float) -> str:
    if abs(difference) < 0.01:
        return "the order hardly matters"
    return f"the order {'brings' if difference > 0 else 'costs'} {100 * abs(difference):.1f} points"


def _latency(plan: Record) -> list[str]:
    trips = plan["trips"]
    known = plan["best"] or next((one for one in plan["outcomes"] if one["mean_us"] is not None), None)
    if trips is None or known is None:
        return []
    even = trips["break_even_hit_rate"]
    when = f"from {percent(even)} hits on" if even is not None else "at no hit rate"
    return [
        f"Latency: {known['name']} makes the mean read {known['mean_us']:,.0f} µs, the database alone {trips['db_us']:,.0f} µs; a "
        f"cache is faster {when} (E1)."
    ]


def _ttl(plan: Record) -> list[str]:
    ttl = plan["ttl"]
    if ttl is None or ttl["hit_rate"] is None:
        return []
    return [
        f"TTL: with one of {ttl['ttl_s']:g} s and nothing evicted, {percent(ttl['hit_rate'])} of reads at random times would hit (E3); "
        "the figures here are without."
    ]


def change(plan: Record) -> str:
    """What a fifth more or fewer keys, or reads, would change of the answer."""
    best = plan["best"]
    if best is None:
        return "A fifth more or fewer keys or reads: not compared, since which one pays isn't known."
    changed = []
    for one in plan["variations"]:
        then = one["best"]["name"] if one["best"]["net_usd_month"] > 0 else "no cache"
        if then != (best["name"] if plan["pays"] else "no cache"):
            changed.append(f"with {one['name']} {then} pays")
    if not changed:
        return "A fifth more or fewer keys or reads change nothing of it."
    said = "; ".join(changed)
    return f"{said[0].upper()}{said[1:]}."


def tables(plan: Record) -> list[Rows]:
    """The caches, and what becomes of the best if keys or traffic differ."""
    headings: tuple[str, ...] = ("cache", "holds", "hit rate", "cost", "reads saved", "worth", "gained", "pays from")
    rows: list[tuple[str, ...]] = [_cells(one) for one in plan["outcomes"]]
    if plan["trips"] is not None:
        headings = (*headings, "mean read")
        rows = [
            (*row, _or_unknown(one["mean_us"], lambda us: f"{us:,.0f} µs"))
            for row, one in zip(rows, plan["outcomes"], strict=True)
        ]
    found: list[Rows] = [("The caches, USD and reads a month", headings, rows)]
    if plan["best"] is not None:
        varied: list[tuple[str, ...]] = [
            (one["name"], money(one["kept"]["net_usd_month"]), one["best"]["name"], money(one["best"]["net_usd_month"]))
            for one in plan["variations"]
        ]
        headings = ("supposed", f"{plan['best']['name']} gains", "most would gain", "USD")
        found.append(("If it is otherwise", headings, varied))
    return found


def _cells(one: Record) -> tuple[str, ...]:
    even = one["break_even_reads_per_s"]
    return (
        one["name"], _or_unknown(one["usable_bytes"], size),
        _or_unknown(one["hit_rate"], lambda rate: f"{percent(rate)}{_width(one)}"),
        _or_unknown(one["usd_month"], money), _or_unknown(one["reads_saved_month"], lambda reads: f"{reads:,.0f}"),
        _or_unknown(one["saved_usd_month"], money), _or_unknown(one["net_usd_month"], money),
        "–" if even is None else f"{number(even)} reads/s",
    )  # fmt: skip


def _or_unknown(value: float | None, show: Any) -> str:
    return "unknown" if value is None else str(show(value))


def _width(one: Record) -> str:
    return f" ± {100 * one['half_width']:.2f}" if one["half_width"] else ""


def _replicas(assumed: Record) -> str:
    count = assumed["replicas"]
    return f" and {count} replica{'' if count == 1 else 's'}" if count else ", no replica"


def percent(share: float) -> str:
    """A share in per cent, to two decimals."""
    return f"{100 * share:.2f} %"


def number(value: float) -> str:
    """Three significant digits, or whole."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def money(value_usd: float) -> str:
    """Dollars to the cent; what is less than one isn't nothing."""
    return "below $0.01" if 0 < value_usd < 0.005 else usd(value_usd)


def size(value_bytes: float) -> str:
    """Memory in the unit that fits, decimal as prices are."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value_bytes >= scale:
            return f"{value_bytes / scale:.3g} {unit}"
    return f"{value_bytes:.0f} bytes"
