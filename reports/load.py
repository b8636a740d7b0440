"""Reads a run directory: manifest, events, samples; a run that was cut short is read as far as it goes."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reports.damage import KNOWN_SAMPLES_SCHEMA, Damaged, refuse_missing
from reports.folder import FAILURES, Folder, said
from reports.samples import FOLDER, Part, Places, Wanted, files_of, frames_of, opened

KNOWN_SCHEMA = 1
MANIFEST = "manifest.json"


class NotARun(Exception):  # noqa: N818 - the sentence that follows is the error
    """The directory isn't a run that this version can read; the message says why and what to do."""


def folder_at(place: Path | str) -> Folder:
    """The folder at a path or a URL. Raises NotARun where pyarrow can't follow it."""
    try:
        return Folder.of(place)
    except (*FAILURES, ValueError) as error:
        raise NotARun(
            f"{place} can't be read: {said(error)}; give a folder, or a URL like s3://bucket/prefix"
        ) from error


@dataclass(frozen=True, slots=True)
class Run:
    """One run directory. ``partial`` says why the run isn't whole, None where it is.

    ``path`` is where it is on this machine; of a run ``elsewhere``, which is read there in place, it is only what it is called.
    """

    path: Path
    manifest: Mapping[str, Any]
    events: tuple[dict[str, Any], ...]
    partial: str | None
    elsewhere: Folder | None = None

    @classmethod
    def load(cls, place: Path | str) -> "Run":
        """Read the manifest and the events of a directory, or of what a URL names; samples are read when asked for. Raises NotARun."""
        folder = folder_at(place)
        manifest = _manifest(folder)
        elsewhere = None if folder.is_local else folder
        run = cls(Path(folder.name), manifest, tuple(_events(folder)), _why_partial(manifest), elsewhere)
        for name, entry in manifest["scenarios"].items():
            trials = entry.get("trials") or []
            if entry["status"] != "complete" and trials and not any(trial["done"] for trial in trials):
                last, broken = run._last_trial(name), run.broken_off(name)
                entry["trials"] = [
                    trial | {"done": place < last and trial["trial"] not in broken}
                    for place, trial in enumerate(trials)
                ]
        return run

    @property
    def folder(self) -> Folder:
        """How its files are read."""
        return self.elsewhere or Folder.of(self.path)

    def scenario(self, name: str) -> Mapping[str, Any]:
        """The scenario's entry in the manifest."""
        entry: Mapping[str, Any] = self.manifest["scenarios"][name]
        return entry

    def samples(self, scenario: str, columns: Sequence[str] | None = None, rows: Places | None = None) -> pd.DataFrame:
        """Rows of a scenario, every worker's, as ``reports.samples.frames_of`` has them. Raises Damaged.

        Ask for the ``columns`` that are used. ``rows`` are places among all rows, in the order that is wanted: which they are is
        found by asking for a few columns of all rows first.
        """
        return self.frames(scenario, [Wanted(columns, rows)])[0]

    def frames(self, scenario: str, wanted: Sequence[Wanted]) -> list[pd.DataFrame]:
        """Several frames of a scenario's samples, which are read through once for all of them. Raises Damaged."""
        with self._opened(scenario) as parts:
            refuse_missing(scenario, self.manifest, self.folder.names(FOLDER), sum(part.rows for part in parts))
            return frames_of(parts, wanted)

    def arms(self, scenario: str) -> frozenset[str]:
        """The arms that there are samples of."""
        with self._opened(scenario) as parts:
            return frozenset(arm for part in parts for arm in part.read("arm").unique().to_pylist())

    def trials(self, scenario: str) -> pd.DataFrame:
        """The planned trials, one row each, labels and params as ``label_…`` and ``param_…``."""
        rows = []
        for trial in self.scenario(scenario).get("trials", []):
            flat = {key: value for key, value in trial.items() if key not in ("labels", "params")}
            flat |= {f"label_{key}": value for key, value in trial["labels"].items()}
            rows.append(flat | {f"param_{key}": value for key, value in trial["params"].items()})
        return pd.DataFrame(rows)

    def broken_off(self, scenario: str) -> frozenset[int]:
        """The trials that lost part of their load on the way and were done again: no figure is made of them."""
        trials = self.scenario(scenario).get("trials") or ()
        return frozenset(trial["repeats"] for trial in trials if trial.get("repeats") is not None)

    def events_of(self, scenario: str, kind: str) -> list[dict[str, Any]]:
        """Events of one scenario and kind, in the order they were written."""
        return [event for event in self.events if event["scenario"] == scenario and event["kind"] == kind]

    def _last_trial(self, scenario: str) -> int:
        """The place in the plan of the last trial that every process wrote rows of, −1 without any.

        A process that is killed can't say which trials ended. Trials are walked in their order in the manifest and rows written
        in the order they come, so that all rows of the trials before this one are there. A worker that was lost before that wrote
        of none of the later ones.
        """
        entry = self.scenario(scenario)
        places = {trial["trial"]: place for place, trial in enumerate(entry["trials"])}
        lost = tuple(f"{scenario}.{one['worker']}." for one in entry.get("workers_lost") or ())
        names = [name for name in self.folder.names(FOLDER) if not name.startswith(lost)]
        try:
            with opened(self.folder, files_of(scenario, names)) as parts:
                wrote = [part.read("trial").unique().to_pylist() for part in parts if part.rows]
        except Damaged:  # whoever asks for the samples is told
            return -1
        return min((max(places.get(trial, -1) for trial in trials) for trials in wrote), default=-1)

    def _opened(self, scenario: str) -> AbstractContextManager[list[Part]]:
        return opened(self.folder, files_of(scenario, self.folder.names(FOLDER)))


def _manifest(folder: Folder) -> dict[str, Any]:
    file = f"{folder.name}/{MANIFEST}"
    try:
        manifest: dict[str, Any] = json.loads(folder.read(MANIFEST))
        schema, samples_schema = manifest["schema"], manifest["samples_schema"]
        newer = schema > KNOWN_SCHEMA or samples_schema > KNOWN_SAMPLES_SCHEMA
        whole = {"status", "scenarios", "target"} <= manifest.keys()
    except FAILURES as error:
        why = (
            f"{folder.name} is not a run directory: {MANIFEST}: {said(error)}; give a folder that `dbharness run` wrote"
        )
        raise NotARun(why) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotARun(f"{file} is damaged ({type(error).__name__}: {error}); this run can't be reported") from error
    if newer:
        raise NotARun(
            f"{folder.name} is of a newer dbharness (schema {schema}, samples {samples_schema}); report it with that one"
        )
    if not whole:
        raise NotARun(f"{file} is damaged (status, scenarios or target is missing); this run can't be reported")
    return manifest


def _why_partial(manifest: Mapping[str, Any]) -> str | None:
    if manifest["status"] == "running":
        return "the run ended without being closed; what was written until then is reported"
    if manifest["status"] != "partial":
        return None
    cut = [name for name, entry in manifest["scenarios"].items() if entry["status"] in ("partial", "running")]
    return str(manifest.get("reason") or f"not finished: {', '.join(cut)}")


def _events(folder: Folder) -> list[dict[str, Any]]:
    try:
        lines = folder.read("events.jsonl").splitlines()
    except FAILURES:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:  # the last line of a run that was killed
            continue
    return events
