"""Reads a run directory: manifest, events, samples; a run that was cut short is read as far as it goes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports.damage import KNOWN_SAMPLES_SCHEMA, Damaged, refuse_damaged, refuse_missing, unreadable

KNOWN_SCHEMA = 1


class NotARun(Exception):  # noqa: N818 - the sentence that follows is the error
    """The directory isn't a run that this version can read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run directory. ``partial`` says why the run isn't whole, None where it is."""

    path: Path
    manifest: Mapping[str, Any]
    events: tuple[dict[str, Any], ...]
    partial: str | None

    @classmethod
    def load(cls, path: Path) -> "Run":
        """Read the manifest and the events; samples are read when asked for. Raises NotARun."""
        manifest = _manifest(path)
        run = cls(path, manifest, tuple(_events(path)), _why_partial(manifest))
        for name, entry in manifest["scenarios"].items():
            trials = entry.get("trials") or []
            if entry["status"] != "complete" and trials and not any(trial["done"] for trial in trials):
                last, broken = run._last_trial(name), run.broken_off(name)
                entry["trials"] = [
                    trial | {"done": place < last and trial["trial"] not in broken}
                    for place, trial in enumerate(trials)
                ]
        return run

    def scenario(self, name: str) -> Mapping[str, Any]:
        """The scenario's entry in the manifest."""
        entry: Mapping[str, Any] = self.manifest["scenarios"][name]
        return entry

    def samples(self, scenario: str) -> pd.DataFrame:
        """All rows of a scenario, every worker's; text columns as str, absent values as NaN/None. Raises Damaged."""
        stems = self._stems(scenario)
        tables = [_table(stem) for stem in stems]
        whole = [table for table in tables if table is not None]
        self._refuse_missing(scenario, sum(len(table) for table in whole))
        if not whole:
            return pd.DataFrame()
        frame: pd.DataFrame = pa.concat_tables(whole, promote_options="permissive").to_pandas()
        for name in frame.columns[[isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]]:
            frame[name] = frame[name].astype(object)
        return frame

    def arms(self, scenario: str) -> frozenset[str]:
        """The arms that there are samples of."""
        tables = (_table(stem, ["arm"]) for stem in self._stems(scenario))
        return frozenset(arm for table in tables if table is not None for arm in table["arm"].unique().to_pylist())

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
        lost = tuple(f"{scenario}.{one['worker']}" for one in entry.get("workers_lost") or ())
        try:
            tables = [
                _table(stem) for stem in self._stems(scenario)
                if not any(stem.name == name or stem.name.startswith(f"{name}.") for name in lost)
            ]  # fmt: skip
        except Damaged:  # whoever asks for the samples is told
            return -1
        wrote = [table["trial"].unique().to_pylist() for table in tables if table is not None and len(table)]
        return min((max(places.get(trial, -1) for trial in trials) for trials in wrote), default=-1)

    def _refuse_missing(self, scenario: str, rows: int) -> None:
        """Raises Damaged where not all is there that the manifest speaks of."""
        there = (path.name for path in (self.path / "samples").glob(f"{scenario}.*"))
        refuse_missing(scenario, self.manifest, there, rows)

    def _stems(self, scenario: str) -> list[Path]:
        folder = self.path / "samples"
        files = (path for path in folder.glob(f"{scenario}.*") if path.suffix in (".parquet", ".arrows"))
        return sorted({path.with_suffix("") for path in files})


def _manifest(path: Path) -> dict[str, Any]:
    file = path / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(file.read_text())
        schema, samples = manifest["schema"], manifest["samples_schema"]
        newer = schema > KNOWN_SCHEMA or samples > KNOWN_SAMPLES_SCHEMA
        whole = {"status", "scenarios", "target"} <= manifest.keys()
    except OSError as error:
        why = f"{path} is not a run directory: {file.name}: {error.strerror}; give a folder that `dbharness run` wrote"
        raise NotARun(why) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotARun(f"{file} is damaged ({type(error).__name__}: {error}); this run can't be reported") from error
    if newer:
        raise NotARun(f"{path} is of a newer dbharness (schema {schema}, samples {samples}); report it with that one")
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


def _events(path: Path) -> list[dict[str, Any]]:
    try:
        lines = (path / "events.jsonl").read_text(errors="replace").splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:  # the last line of a run that was killed
            continue
    return events


def _table(stem: Path, columns: list[str] | None = None) -> pa.Table | None:
    """The samples under one name: the compacted file, else what is whole of the stream. Raises Damaged.

    All columns where none are named.
    """
    compacted = stem.with_name(f"{stem.name}.parquet")
    if compacted.exists():
        return _compacted(compacted, columns)
    batches = []
    try:
        with pa.ipc.open_stream(str(stem.with_name(f"{stem.name}.arrows"))) as reader:
            schema = reader.schema
            while True:
                batches.append(reader.read_next_batch())
    except StopIteration:
        pass
    except (pa.ArrowException, OSError):
        if not batches:
            return None
    if not batches:
        return None
    table = pa.Table.from_batches(batches, schema)
    refuse_damaged(f"samples/{stem.name}.arrows", table)
    return table


def _compacted(path: Path, columns: list[str] | None) -> pa.Table:
    name = f"samples/{path.name}"
    try:
        table = pq.read_table(path, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(name, error) from error
    refuse_damaged(name, table)
    return table
