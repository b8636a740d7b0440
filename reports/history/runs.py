"""Which runs may stand in one series: whole, of one scenario, and alike in all that decides what is asked and where."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.load import NotARun
from reports.records import Newer, Recorded

ALLOWED = ("machine", "seed", "dataset")  # what a series may be told to have several of


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that isn't in the series. ``kind`` is what such runs are counted by."""

    run: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The runs of one scenario in the order they started, and those that were left out; ``alike`` is what they share."""

    scenario: str
    runs: tuple[Recorded, ...]
    left_out: tuple[LeftOut, ...]
    alike: Mapping[str, str]


def read(paths: Iterable[Path]) -> tuple[list[Recorded], list[LeftOut]]:
    """The whole runs in the order they started, each once, and why the others can't be read."""
    runs, left_out = [], []
    for path in paths:
        try:
            run = Recorded.load(path)
        except NotARun as error:
            left_out.append(_unread(path, error))
            continue
        if reason := _why_not_whole(run):
            left_out.append(LeftOut(run=path.name, kind=_status(run), reason=reason))
        else:
            runs.append(run)
    runs.sort(key=lambda run: (str(run.manifest.get("started")), name_of(run)))
    once: dict[tuple[str, str], Recorded] = {}
    for run in runs:
        first = once.setdefault((run.id, str(run.manifest.get("started"))), run)
        if first is not run:
            left_out.append(LeftOut(run=name_of(run), kind="there twice", reason=f"it is {name_of(first)} again"))
    return list(once.values()), left_out


def series_of(
    scenario: str, runs: Sequence[Recorded], *, profile: str | None, allow: Collection[str], last: int | None
) -> Series:
    """The runs of a scenario that are like its newest one (of ``profile``); of these the ``last`` so many."""
    those = [run for run in runs if scenario in run.manifest["scenarios"]]
    newest = next((run for run in reversed(those) if profile in (None, run.manifest.get("profile"))), None)
    if newest is None:
        return Series(scenario=scenario, runs=(), left_out=_of_other_profile(those), alike={})
    wanted = {name: text for name, text in _identity(newest, scenario).items() if name not in allow}
    alike, left_out = [], []
    for run in those:
        own = _identity(run, scenario)
        differs = [name for name, text in wanted.items() if own[name] != text]
        if differs:
            told = "; ".join(f"{name} {own[name]}, not {wanted[name]}" for name in differs)
            left_out.append(LeftOut(run=name_of(run), kind=f"another {differs[0]}", reason=told))
        else:
            alike.append(run)
    kept = alike if last is None else alike[-last:]
    return Series(scenario=scenario, runs=tuple(kept), left_out=tuple(left_out), alike=wanted)


def scenarios_of(runs: Iterable[Recorded]) -> list[str]:
    """Every scenario that a run has, in the order they first come."""
    return list(dict.fromkeys(name for run in runs for name in run.manifest["scenarios"]))


def name_of(run: Recorded) -> str:
    """What the run is called in its store, which tells it apart there."""
    return Path(run.path).name


def counted(left_out: Sequence[LeftOut]) -> str:
    """``3 left out: 2 of another profile, 1 partial``, or nothing where none was."""
    if not left_out:
        return ""
    kinds = Counter(one.kind for one in left_out).most_common()
    told = ", ".join(f"{n} {'of ' if kind.startswith('another') else ''}{kind}" for kind, n in kinds)
    return f"{len(left_out)} left out: {told}"


def _of_other_profile(runs: Sequence[Recorded]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(run=name_of(run), kind="another profile", reason=f"profile {run.manifest.get('profile')}")
        for run in runs
    )  # fmt: skip


def _status(run: Recorded) -> str:
    return str(run.manifest.get("status"))


def _why_not_whole(run: Recorded) -> str | None:
    status, reason = _status(run), run.manifest.get("reason")
    if status == "complete":
        return None
    if status == "running":
        return "it is still running, or ended without being closed"
    return f"it is {status}: {reason}" if reason else f"it is {status}"


def _unread(path: Path, error: NotARun) -> LeftOut:
    if (path / "manifest.json").exists() and not (path / "findings.json").exists():
        return LeftOut(run=path.name, kind="without findings", reason="its report wasn't made: dbharness report RUN")
    return LeftOut(run=path.name, kind="newer" if isinstance(error, Newer) else "damaged", reason=str(error))


def _identity(run: Recorded, scenario: str) -> dict[str, str]:
    """What has to be the same for figures to be about the same thing."""
    manifest = run.manifest
    dataset, machine = manifest.get("dataset") or {}, manifest.get("machine") or {}
    places = (manifest["scenarios"][scenario].get("places") or {}) if manifest.get("target") == "aws" else {}
    return {
        "target": str(manifest.get("target")),
        "profile": str(manifest.get("profile")),
        "seed": str(manifest.get("seed")),
        "dataset": _joined(dataset.get("name"), dataset.get("months"), _flights(dataset)),
        "machine": _joined(machine.get("cpu"), f"{machine.get('cores')} cores", _memory(machine)),
        "schema": _joined(*(manifest.get(key) for key in ("schema", "samples_schema", "findings_schema"))),
        "place": _joined(*sorted(set(places.values()))),
    }


def _flights(dataset: Mapping[str, Any]) -> str | None:
    return f"{dataset['flights']} flights" if dataset.get("flights") else None


def _memory(machine: Mapping[str, Any]) -> str | None:
    """In whole GB: a virtual machine has some MB more or less at each start."""
    return f"{machine['memory_bytes'] / 1e9:.0f} GB" if machine.get("memory_bytes") else None


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part is not None) or "none"
