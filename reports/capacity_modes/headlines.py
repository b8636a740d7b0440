"""The lines that open the section, at most six: each a finding whose sentence also says what is to be held beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from reports.capacity_modes.curves import sustained
from reports.capacity_modes.money import break_even_share
from reports.capacity_modes.onset import without
from reports.capacity_modes.told import Told, chosen
from reports.capacity_modes.wording import Sayer, arm, case, sure
from reports.findings import Finding
from reports.stats import Interval
from reports.words import dollars, number, percent, seconds

MULTIPLE = 2.0  # the demand whose onset opens the section
MONEY_PARTS = ("diurnal", "ramp", "spike", "steps")  # whose dollars open it: the nearest to an application's day


def headlines(sayer: Sayer, told: Sequence[Told]) -> Iterator[tuple[Finding, Finding]]:
    """Each headline's finding as it was, and as it opens the section."""
    for choose in (_onset, _spike, _new_or_warm, _retries, _back_pressure, _dollars):
        if (found := choose(sayer, told)) is not None:
            bearer, sentence = found
            yield bearer, replace(bearer, headline=True, sentence=sentence)


Found = tuple[Finding, str] | None


def _onset(sayer: Sayer, told: Sequence[Told]) -> Found:
    steps = [one for one in chosen(told, part="steps", arm="provisioned") if one.cell.params["multiple"] == MULTIPLE]
    those = steps or chosen(told, part="ramp", arm="provisioned")
    return _said(those, "throttle_onset_s", lambda known: _of_onsets(sayer, known))


def _of_onsets(sayer: Sayer, known: Sequence[tuple[Told, Finding]]) -> str:
    parts = []
    for one, when in known:
        ratio = one.get("onset_ratio")
        within = (
            "no {} was throttled within {} s" if when.status == "at_least" else "the first {} was throttled after {} s"
        )
        beside = "" if ratio is None else f" ({number(_value(ratio))} of what B2's arithmetic says)"
        parts.append(within.format(one.cell.kind, number(_value(when))) + beside)
    first, when = known[0]
    sureness = f"{first.cell.kind}s: {sure(_interval(when))}{without(first.cell)}"
    about = f"{sureness}; {sayer.on(first.cell)}, service seconds"
    return f"{case(first.cell)}, {', '.join(parts)} ({about})."


def _spike(sayer: Sayer, told: Sequence[Told]) -> Found:
    spike = chosen(told, part="spike")
    reads = {one.cell.arm: one.get("throttled_share") for one in spike if one.cell.kind == "read"}

    def sentence(known: Sequence[tuple[Told, Finding]]) -> str:
        parts = []
        for one, share in known:
            read = reads.get(one.cell.arm)
            beside = "" if read is None else f" ({percent(_value(read))})"
            parts.append(f"{arm(one.cell)} {percent(_value(share))}{beside}")
        first, share = known[0]
        about = f"{arm(first.cell)}: {sure(_interval(share), percent)}; {sayer.on(known[-1][0].cell)}"
        beside = " (reads)" if reads else ""
        return f"{case(first.cell)}, throttled of the writes{beside}: {'; '.join(parts)} ({about})."

    return _said([one for one in spike if one.cell.kind == "write"], "throttled_share", sentence)


def _new_or_warm(sayer: Sayer, told: Sequence[Told]) -> Found:
    new, warm = (chosen(told, part="spike", arm=name, kind="write") for name in ("on_demand", "on_demand_warm"))
    if not new or not warm:
        return None

    def sentence(known: Sequence[tuple[Told, Finding]]) -> str:
        if len(known) < 2:
            return known[0][1].sentence
        (first, share), (other, warmed) = known
        rates = [sustained(one.cell) for one in (first, other)]
        starts, ready = ("" if rate is None else f" for {number(rate)} write units a second" for rate in rates)
        return (
            f"On demand a table that is new, ready{starts}, throttled {percent(_value(share))} of the spike's writes; one that was "
            f"warmed up in advance{ready}, {percent(_value(warmed))} ({sure(_interval(share), percent)}; {sayer.on(first.cell)})."
        )

    return _said([*new, *warm], "throttled_share", sentence)


def _retries(sayer: Sayer, told: Sequence[Told]) -> Found:
    def sentence(known: Sequence[tuple[Told, Finding]]) -> str:
        parts = []
        for one, share in known:
            attempts, tail = one.get("attempts_per_request"), one.get("latency_p99_s")
            beside = [_tries(_value(attempts))] if attempts else []
            beside += [_tail(tail)] if tail else []
            about = f" ({', '.join(beside)})" if beside else ""
            parts.append(f"{arm(one.cell)} {percent(_value(share))}{about}")
        first, share = known[0]
        about = f"{arm(first.cell)}: {sure(_interval(share), percent)}; {sayer.on(first.cell)}, service seconds"
        return f"{case(first.cell)}, served of the units demanded: {'; '.join(parts)} ({about})."

    writes = chosen(told, part="policy", kind="write")
    return _said(writes or chosen(told, part="policy"), "goodput_share", sentence)


def _back_pressure(sayer: Sayer, told: Sequence[Told]) -> Found:
    writes = chosen(told, part="back_pressure", kind="write")
    starved = [one for one in writes if one.cell.arm == "index_starved"]
    others = [one for one in writes if one not in starved]

    def sentence(known: Sequence[tuple[Told, Finding]]) -> str:
        one, share = known[0]
        reasons = sorted({finding.labels["reason"] for finding in one.findings if "reason" in finding.labels})
        why = f", for {' and '.join(reasons)}" if reasons else ""
        beside = [(other, other.get("throttled_share")) for other in others]
        rest = [f"{arm(other.cell)} {percent(_value(found))}" for other, found in beside if found is not None]
        return (
            f"{case(one.cell)}, {arm(one.cell)} had {percent(_value(share))} of its table's writes throttled{why}"
            f"{'; '.join(['', *rest])} ({sure(_interval(share), percent)}; {sayer.on(one.cell)}; B8)."
        )

    return _said(starved, "throttled_share", sentence)


def _dollars(sayer: Sayer, told: Sequence[Told]) -> Found:
    part = next((name for name in MONEY_PARTS if chosen(told, part=name)), None)
    reads = [one for one in chosen(told, part=part or "", kind="read") if one.cell.step == _last_step(told, part)]

    def sentence(known: Sequence[tuple[Told, Finding]]) -> str:
        parts = [f"{arm(one.cell)} {dollars(_value(cost))}" for one, cost in known]
        first, cost = known[0]
        share, unused = break_even_share(sayer.run, first.cell.kind), first.get("headroom_share")
        even = (
            "" if share is None else f"; both cost the same where {percent(share)} of what is provisioned is used (C1)"
        )
        here = "" if unused is None else f", here it was {percent(1 - _value(unused))}"
        prices = sayer.run.manifest["prices"]
        return (
            f"{case(first.cell)}, a million served {first.cell.kind}s cost {', '.join(parts)}{even}{here} "
            f"({arm(first.cell)}: {sure(_interval(cost), dollars)}; {prices['region']} prices of {prices['date']})."
        )

    return _said(reads, "usd_per_million_served", sentence)


def _last_step(told: Sequence[Told], part: str | None) -> str | None:
    steps = [one.cell.step for one in told if one.cell.part == part]
    return steps[-1] if steps else None


def _said(those: Sequence[Told], what: str, sentence: Callable[[Sequence[tuple[Told, Finding]]], str]) -> Found:
    """The first of these that has a value carries the sentence; where none has, the first says so; without any, nothing."""
    known = [(one, finding) for one in those if (finding := one.get(what)) is not None]
    if known:
        return known[0][1], sentence(known) + _tool_bound(known)
    missing = next((finding for one in those if (finding := one.bearer(what)) is not None), None)
    return None if missing is None else (missing, missing.sentence)


def _tool_bound(known: Sequence[tuple[Told, Finding]]) -> str:
    """Of the one that carries the sentence, why; of those beside it, how many."""
    bearer = known[0][1]
    own = f" Tool-bound: {bearer.reason}." if bearer.status == "tool_bound" else ""
    others = sum(finding.status == "tool_bound" for _, finding in known[1:])
    return f"{own} Tool-bound beside it: {others} of {len(known) - 1}." if others else own


def _tries(attempts: float) -> str:
    return f"{number(attempts)} {'attempt' if attempts == 1 else 'attempts'} a request"


def _tail(latency: Finding) -> str:
    return f"p99 {seconds(_value(latency))}{', tool-bound' if latency.status == 'tool_bound' else ''}"


def _value(finding: Finding) -> float:
    assert finding.value is not None, finding.id
    return finding.value


def _interval(finding: Finding) -> Interval:
    return Interval(value=_value(finding), low=finding.low, high=finding.high, n=finding.n, method="as found")
