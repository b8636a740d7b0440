"""What a run was, in words: when, where, on what, how complete, and how to repeat it."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from reports.findings import Finding, Status
from reports.places import target_words
from reports.render.figures import NONE, cell, number

UNRECORDED = "no reason was recorded"
SCENARIO_HEADINGS = ("Scenario", "Status", "Trials done", "Requests", "Slots", "Measuring")
# A main finding's status, as the opening line counts it.
_ANSWERS: Mapping[Status, str] = {
    "measured": "measured",
    "at_least": "bounded from below",
    "tool_bound": "tool-bound",
    "not_measured": "not measured",
    "unknown": "unknown",
}
REST = "The figures rest on what was recorded until then."

# Topic and text: how far the figures of stand-ins on one machine reach.
LOCAL_LIMITS = {
    "As they stand": "units consumed, when and why a provisioned table throttles, hit rates, writes kept or lost.",
    "As comparisons within this run": "latencies and downtimes; client and servers share one machine and no network.",
    "Not told": "the service's own latency, how soon RDS notices a failure and moves its name, how partitions split.",
}
AWS_TARGET = (
    "`--target aws` runs the same scenarios on RDS, DynamoDB and ElastiCache, of a stack that `dbharness aws up` makes or of section "
    "aws of the configuration; samples and this report stay the same."
)


def when(stamp: str | None) -> str:
    """An ISO 8601 instant as ``24 November 2026, 12:50 UTC``; what can't be read stays as it is."""
    if not stamp:
        return NONE
    try:
        instant = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    if instant.tzinfo is None:
        return stamp
    instant = instant.astimezone(UTC)
    return f"{instant.day} {instant:%B %Y, %H:%M} UTC"


def duration(seconds: float) -> str:
    """Seconds below two minutes as such, else minutes and seconds."""
    if seconds < 120:
        return f"{number(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def lead(manifest: Mapping[str, Any], count: int) -> str:
    """What was measured, when and where, in a sentence."""
    machine = manifest.get("machine") or {}
    memory = machine.get("memory_bytes")
    place = ", ".join(
        str(part)
        for part in (
            machine.get("cpu"),
            f"{machine['cores']} cores" if machine.get("cores") else None,
            f"{number(round(memory / 1e9, 1))} GB" if memory else None,
            machine.get("os"),
        )
        if part
    )
    scenarios = f"{count} scenario{'' if count == 1 else 's'}"
    profile, started = manifest.get("profile", "unknown"), when(manifest.get("started"))
    text = f"{scenarios}, profile {profile}, on {target_words(manifest)}; started {started}."
    return f"{text} Machine: {place}." if place else text


def verdict(findings: Sequence[Finding], standings: Sequence[str | None]) -> str:
    """The line that opens a report: how much of what was asked is answered; ``standings`` are the scenarios'."""
    whole = sum(standing is None for standing in standings)
    all_ = f"all {whole} scenarios complete" if whole > 1 else "the scenario is complete"
    complete = all_ if whole == len(standings) else f"{whole} of {len(standings)} scenarios complete"
    counts = Counter(finding.status for finding in findings)
    told = [f"{counts[status]} {words}" for status, words in _ANSWERS.items() if counts[status]]
    return f"{len(findings)} main finding{'' if len(findings) == 1 else 's'}: {', '.join(told) or 'none'}; {complete}."


def standing(manifest: Mapping[str, Any], *, partial: bool) -> str | None:
    """The sentence of the banner, or None where the run is complete."""
    reason = str(manifest.get("reason") or "").rstrip(".")
    if manifest.get("status") == "failed":
        return f"This run failed: {reason or UNRECORDED}. {REST}"
    if partial or manifest.get("status") == "partial":
        reason = reason or "it ended without being closed"
        return f"This run is partial: {reason}. {REST}"
    return None


def scenario_standing(record: Mapping[str, Any]) -> str | None:
    """Why a scenario is not wholly there, or None where it is complete."""
    state = str(record.get("status"))
    if state == "complete":
        return None
    word = {
        "not_measured": "Not measured",
        "failed": "Failed",
        "partial": "Partial",
        "running": "Not finished",
    }
    reason = record.get("reason") or (
        "it ended without being closed" if state == "running" else "no reason was recorded"
    )
    return f"{word.get(state, state)}: {str(reason).rstrip('.')}."


def command(manifest: Mapping[str, Any]) -> str:
    """The exact command, quoted for a shell."""
    return shlex.join(str(word) for word in manifest.get("command") or ())


def report_command(manifest: Mapping[str, Any]) -> str:
    """The command that makes the report again, wherever the run was put."""
    words = [str(word) for word in manifest.get("command") or ()]
    given = words[words.index("--out") + 1 :][:1] if "--out" in words else []
    return shlex.join(["dbharness", "report", *(given or [f"runs/{manifest.get('id', 'latest')}"])])


def config(manifest: Mapping[str, Any]) -> str:
    """The configuration as used, as YAML."""
    return yaml.safe_dump(manifest.get("config") or {}, sort_keys=False, allow_unicode=True)


def environment(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the figures stand on, as (name, text); what a manifest lacks is left out."""
    return [(name, text) for name, text in _environment(manifest) if text]


def _environment(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    machine, git = manifest.get("machine") or {}, manifest.get("git") or {}
    prices, dataset = manifest.get("prices") or {}, manifest.get("dataset") or {}
    yield "Run", str(manifest.get("id") or "")
    yield "Started", when(manifest.get("started"))
    yield "Ended", when(manifest.get("ended")) if manifest.get("ended") else "not recorded"
    yield (
        "Profile, seed, target",
        ", ".join([*(str(manifest.get(key, "?")) for key in ("profile", "seed")), target_words(manifest)]),
    )
    yield "Configuration", str(manifest.get("config_source") or "")
    yield "Processor", _processor(machine)
    yield "System", ", kernel ".join(str(machine[key]) for key in ("os", "kernel") if machine.get(key))
    yield "What makes it noisy", "; ".join((machine.get("noise") or {}).get("warnings") or ())
    yield "Servers", ", ".join(_servers(manifest))
    yield "Versions", ", ".join(f"{name} {text}" for name, text in (manifest.get("versions") or {}).items())
    if git:
        yield "Commit", f"{git.get('commit')}{', with uncommitted changes' if git.get('dirty') else ''}"
    if dataset:
        flights = dataset.get("flights")
        yield (
            "Data",
            f"{dataset.get('name')}, {dataset.get('months')}" + (f", {number(flights)} flights" if flights else ""),
        )
    if prices:
        yield "Prices", f"{prices.get('region')}, {prices.get('date')}: {prices.get('source')}"


def _processor(machine: Mapping[str, Any]) -> str:
    memory, load = machine.get("memory_bytes"), machine.get("load_1min_at_start")
    parts = [str(machine["cpu"])] if machine.get("cpu") else []
    if machine.get("cores"):
        parts.append(f"{machine['cores']} cores")
    if memory:
        parts.append(f"{number(round(memory / 1e9, 1))} GB of memory")
    if load is not None:
        parts.append(f"load of {number(round(load, 2))} at the start")
    return ", ".join(parts)


def _servers(manifest: Mapping[str, Any]) -> list[str]:
    """Each server once, in the order the scenarios name them."""
    records = (manifest.get("scenarios") or {}).values()
    named = {f"{text} as {role}": None for record in records for role, text in (record.get("servers") or {}).items()}
    return list(named)


def price_rows(prices: Mapping[str, object]) -> list[tuple[str, str]]:
    """Each price of the manifest and its dollars, as text."""
    return [(name, cell(price)) for name, price in prices.items()]


def scenario_rows(manifest: Mapping[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    """One row a scenario, under ``SCENARIO_HEADINGS``; trials are done of planned."""
    rows = []
    for name, record in (manifest.get("scenarios") or {}).items():
        trials = record.get("trials") or ()
        done = sum(1 for trial in trials if trial.get("done"))
        requests, slots, seconds = (record.get(key) for key in ("requests", "slots", "measuring_s"))
        rows.append(
            (
                str(name),
                str(record.get("status", "unknown")).replace("_", " "),
                f"{done} of {len(trials)}",
                NONE if requests is None else number(requests),
                NONE if slots is None else number(slots),
                NONE if seconds is None else duration(seconds),
            )
        )
    return rows
