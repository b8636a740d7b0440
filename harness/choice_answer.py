"""The sentences and tables of `dbharness choose`, computed from the choice as plan.json has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.cache_answer import money, number
from harness.choosing.needs import CPU, UNITS
from harness.plan_output import Rows

Record = Mapping[str, Any]


def lines(choice: Record) -> tuple[list[str], list[str]]:
    """What stands before the tables, the answer first, and what stands behind: what it rests on."""
    first = [answer(choice), *why(choice), *(flip(choice, turn) for turn in choice["turns"]), *no_flips(choice)]
    first += [*other_kind(choice), *held(choice), *over_time(choice), *against(choice)]
    last = [f"Note: {note}" for note in choice["notes"]]
    if choice["measure"]:
        last.append(f"What lacks is measured by: {choice['measure']}")
    prices, months = choice["prices"], choice["workload"]["growth"]["months"]
    last.append(
        f"Modelled on what run {choice['run']} measured ({len(choice['stands_on'])} figures), a month of 730 hours"
        f"{f', {months} of them' if months > 1 else ''}, {prices['region']} prices of {prices['date']}."
    )
    return first, last


def answer(choice: Record) -> str:
    """Which store is the cheapest, and by how much."""
    ranked = [one for one in choice["outcomes"] if one["usd_month"] is not None]
    if not ranked:
        return f"{choice['name']}: no store can be named: of none is everything known and nothing against it."
    best, others = ranked[0], ranked[1:]
    rate = f"for {number(choice['rate_per_s'])} answers a second"
    asks = "".join(f"; it asks for a helper for {one['pattern']}" for one in best["helpers"])
    if not others:
        return f"{choice['name']}: {best['store']} at {money(best['usd_month'])} a month {rate} ({best['bought']}), the only one that can be had{asks}."
    second = others[0]
    times = f", {second['times_best']:.3g} times as much" if second["times_best"] is not None else ""
    return (
        f"{choice['name']}: {best['store']} is the cheapest, {money(best['usd_month'])} a month {rate} ({best['bought']}){asks}; next is "
        f"{second['store']} with {money(second['usd_month'])}{times} ({second['bought']})."
    )


def why(choice: Record) -> Iterator[str]:
    """Which pattern decides it."""
    difference, decides = choice["difference"], choice["decides"]
    if choice["best"] is None:
        return
    if len(choice["workload"]["patterns"]) == 1:
        return
    for pattern, store in decides.items():
        then = f"{store} would be the cheapest" if store else "nothing could be had"
        yield f"Why: {pattern} decides it: without it {then}."
    if difference is None:
        return
    if not decides:
        yield f"Why: no pattern decides it alone: without any one of them {choice['best']} stays the cheapest."
    yield (
        f"Of the {money(difference['usd_month'])} between it and {difference['to']}, {difference['part']} makes "
        f"{money(difference['part_usd_month'])}."
    )


def flip(choice: Record, turn: Record) -> str:
    """One flip in a sentence."""
    what = "answers a second in all" if turn["pattern"] is None else f"{turn['pattern']} a second"
    then = f"{turn['store']} is the cheapest" if turn["store"] else f"{choice['best']} can't be had, nor anything else"
    return f"It flips {_word(turn)} {rate(turn['rate_per_s'])} {what} ({turn['factor']:.4g} times today's): {then}."


def no_flips(choice: Record) -> Iterator[str]:
    """The directions in which nothing flips, the mix kept."""
    found = {turn["direction"] for turn in choice["turns"]}
    missing = [word for word in ("below", "above") if word not in found]
    if choice["best"] is None or not missing:
        return
    words = {("below", "above"): "No rate", ("below",): "No lower rate", ("above",): "No higher rate"}[tuple(missing)]
    yield f"{words} changes it, with the mix as it is."


def other_kind(choice: Record) -> Iterator[str]:
    """The best of the other kind, SQL or DynamoDB, and at which rates it would be cheaper than the answer."""
    if choice["best"] is None:
        return
    others = [
        one
        for one in choice["outcomes"]
        if one["usd_month"] is not None and _nosql(one["store"]) != _nosql(choice["best"])
    ]
    if not others or others[0]["store"] in {turn["store"] for turn in choice["turns"]}:
        return
    turns = [f"{_word(turn)} {rate(turn['rate_per_s'])}" for turn in others[0]["turns"] if turn["store"]]
    name = f"{others[0]['store']}, the cheapest of the other kind,"
    if turns:
        yield f"{name} takes over from {choice['best']} {' and '.join(turns)} answers a second in all."
    else:
        yield f"{name} costs more than {choice['best']} at every rate of this mix."


def _nosql(store: str) -> bool:
    return store.startswith("dynamodb")


def _word(turn: Record) -> str:
    return "above" if turn["direction"] == "above" else "at and below" if turn["included"] else "below"


def held(choice: Record) -> Iterator[str]:
    """Whether the answer stands if instances may be busier, or if the figures are at their worst for it."""
    changed = [f"with {one['name']} {_then(one)}" for one in choice["variations"] if one["cheapest"] != choice["best"]]
    if choice["best"] is None:
        return
    if not changed:
        yield "It stays so with 0.3 and with 0.7 of a vCPU busy, and with the figures at the ends of their intervals against it."
        return
    yield f"It doesn't hold throughout: {'; '.join(changed)}."


def _then(variation: Record) -> str:
    return f"{variation['cheapest']} is the cheapest" if variation["cheapest"] else "nothing can be had"


def over_time(choice: Record) -> Iterator[str]:
    """When, as rates and data grow, another store becomes the cheapest."""
    before = None
    for one in choice["months"]:
        if before is not None and one["cheapest"] != before["cheapest"]:
            yield f"In month {one['month'] + 1} the cheapest changes from {before['cheapest']} to {one['cheapest']}."
        before = one


def against(choice: Record) -> Iterator[str]:
    """The stores that aren't ranked, each with why; those with the same words together."""
    said: dict[str, list[str]] = {}
    for one in choice["outcomes"]:
        if one["usd_month"] is None:
            said.setdefault(_against(one, set(choice["workload"]["patterns"])), []).append(one["store"])
    for words, stores in said.items():
        yield f"{', '.join(stores)}: {words}."


def _against(one: Record, asked: set[str]) -> str:
    if one["reasons"]:
        return f"out: {'; '.join(one['reasons'])}"
    nowhere = {
        lacking["pattern"] for lacking in one["lacking"] if lacking["figure"] in (CPU, UNITS) and not lacking["why"]
    }
    if nowhere == asked:
        return "not ranked: nothing of it was measured"
    parts = [f"the price of {what} isn't known" for what in one["unknown"]]
    by_figure: dict[tuple[str, str | None], list[str]] = {}
    for lacking in one["lacking"]:
        by_figure.setdefault((lacking["figure"], lacking["why"]), []).append(lacking["pattern"])
    parts += [
        f"{figure} of {', '.join(patterns)} isn't measured{f' ({reason})' if reason else ''}"
        for (figure, reason), patterns in by_figure.items()
    ]
    return f"not ranked: {'; '.join(parts)}"


def rate(per_s: float) -> str:
    """A rate to four digits, or whole."""
    return f"{per_s:,.0f}" if per_s >= 1_000 else f"{per_s:.4g}"


def tables(choice: Record) -> list[Rows]:
    """The ranking, the flips of single patterns, what varies, and the figures."""
    return [one for one in (_ranking(choice), _flips(choice), _varied(choice), figures(choice)) if one[2]]


def _ranking(choice: Record) -> Rows:
    headings = ("store", "USD", "times", "first", "last", "bought first", "of it most", "cheaper below", "above")
    rows: list[tuple[str, ...]] = [
        (
            one["store"], money(one["usd_month"]), f"{one['times_best']:.3g}" if one["times_best"] else "–", money(one["first_usd_month"]),
            money(one["last_usd_month"]), one["bought"], _most(one["parts"]),
            *(_cheaper(one, way) for way in ("below", "above")),
        )
        for one in choice["outcomes"]
        if one["usd_month"] is not None
    ]  # fmt: skip
    return "The stores, USD a month", headings, rows


def _cheaper(one: Record, direction: str) -> str:
    """The rate in all at which a store begins to cost less than the answer."""
    return next(
        (rate(turn["rate_per_s"]) for turn in one["turns"] if turn["direction"] == direction and turn["store"]), "–"
    )


def _most(parts: Record) -> str:
    name = max(sorted(parts), key=lambda part: float(parts[part]))
    return f"{name} {money(parts[name])}"


def _flips(choice: Record) -> Rows:
    rows: list[tuple[str, ...]] = []
    for pattern, use in choice["workload"]["patterns"].items():
        turns = {turn["direction"]: turn for turn in choice["own_turns"] if turn["pattern"] == pattern}
        if turns and len(choice["workload"]["patterns"]) > 1:
            rows.append((pattern, rate(use["rate_per_s"]), *(_turn_cell(turns.get(way)) for way in ("below", "above"))))
    return (
        "At what rate of one pattern it flips, the others as they are",
        ("pattern", "a second", "below", "above"),
        rows,
    )


def _turn_cell(turn: Record | None) -> str:
    return "never" if turn is None else f"{rate(turn['rate_per_s'])} to {turn['store'] or 'nothing'}"


def _varied(choice: Record) -> Rows:
    rows: list[tuple[str, ...]] = []
    for one in choice["variations"]:
        turns = {turn["direction"]: turn for turn in one["turns"]}
        usd = one["usd_month"].get(one["cheapest"])
        cells = (
            one["cheapest"] or "none",
            "–" if usd is None else money(usd),
            *(_turn_cell(turns.get(way)) for way in ("below", "above")),
        )
        rows.append((one["name"], *cells))
    return "If it is otherwise", ("supposed", "cheapest", "USD", "flips below", "above"), rows


def figures(choice: Record) -> Rows:
    """The measured figures that the ranking stands on."""
    rows: list[tuple[str, ...]] = [
        (
            " ".join(word for word in (one["store"], one["pattern"], one["id"].rpartition(".")[2], one["kind"]) if word),
            f"{number(one['value'])} {one['unit']}", _interval(one), f"{one['n']:,}", one["basis"].replace("_", " "),
            "–" if one["items"] is None else f"{one['items']:,}",
        )
        for one in choice["stands_on"]
    ]  # fmt: skip
    return "What it stands on", ("figure", "value", "95 %", "n", "basis", "items"), rows


def _interval(one: Record) -> str:
    low, high = one["low"], one["high"]
    if low is None or high is None:
        return "–"
    return "exact" if low == high else f"{number(low)} to {number(high)}"
