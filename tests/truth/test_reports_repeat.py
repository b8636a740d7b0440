"""The same samples give the same bytes, wherever and whenever the report is made."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import planted_stores
import pytest
from planted_answers import beside_rows, everything
from planted_cache import PlantedParts
from planted_demands import Op, PlantedDemands, evenly, every
from planted_failovers import Meets, PlantedFailovers
from planted_operations import PlantedOperations
from planted_operations import everything as every_operation
from planted_pairs import make_pairs
from rundir import PlantedRun

from harness.paths import PROJECT_ROOT
from reports.build import ORDER, analyse
from reports.load import Run
from tools.gallery import KINDS, kind_of

LEFT = (".json", ".html", ".md", ".xml")
ELSEWHERE = "another place, with a longer name"


def a_demand(planted: PlantedRun) -> None:
    """Provisioned and on demand under twice the capacity, and a policy that asks again."""
    demands = PlantedDemands(planted)
    for arm in ("provisioned", "on_demand"):
        refused = every(2, "TableWriteProvisionedThroughputExceeded", after=400)
        demands.trial("steps", arm, evenly("write", 8, 0, 100, refused), service_s=100.0, multiple=2.0)
    again = ((0.0, "TableWriteProvisionedThroughputExceeded"), (1.5, None))
    writes = (Op(kind="write", due_s=n / 8, attempts=again if n % 4 == 0 else ((0.0, None),)) for n in range(800))
    demands.trial("policy", "standard", writes, service_s=100.0, step="retries_2x", policy="standard", multiple=2.0)
    demands.load()


def a_cache(planted: PlantedRun) -> None:
    """Two sizes beside none, a cache that hangs, and a stampede."""
    parts = PlantedParts(planted)
    for _ in range(3):
        parts.trial("size", "no_cache", "0", ({"at_ms": at, "ms": 0.5, "hit": None} for at in range(200)))
        for step, nth in (("0.1", 2), ("1", 20)):
            rows = (
                {"at_ms": at, "ms": 0.05, "get_ns": 40_000}
                if at % nth
                else {"at_ms": at, "ms": 0.6, "hit": False, "get_ns": 40_000, "db_ns": 500_000, "set_ns": 40_000}
                for at in range(200)
            )
            parts.trial("size", "lazy", step, rows, cache_share=float(step))
    for arm in ("no_timeout", "timeout"):
        reads: list[dict[str, Any]] = [{"at_ms": 2 * at, "due_ms": 2 * at, "ms": 1 + at % 7 / 10} for at in range(2000)]
        for at in range(500, 1000):
            reads[at] |= (
                {"outcome": "timeout", "hit": None} if at % 4 == 0 else {"hit": False, "db_ns": 500_000, "ms": 20.0}
            )
        number = parts.trial("lost", arm, "hang", reads)
        parts.event("fault_injected", number, 1000, fault="hang")
        parts.event("fault_repaired", number, 2000, fault="hang")
    parts.write(parts=["size", "lost"], parts_engines=["postgres"])


def some_failovers(planted: PlantedRun) -> None:
    """Six crashes, two clients."""
    failovers = PlantedFailovers(planted)
    for write_ms in (400, 420, 440, 460, 410, 450):
        number = failovers.trial(
            clients={"tuned": Meets(write_ms=write_ms), "naive": Meets(write_ms=None, read_ms=None)}
        )
        for client in ("tuned", "naive"):
            failovers.ledger(number, client, acknowledged=100)
    failovers.write()


def some_stores(planted: PlantedRun) -> None:
    """Two stores and a cache, with what they are made of."""
    planted_stores.everything(planted).write()


def some_operations(planted: PlantedRun) -> None:
    """Every part, two rounds."""
    operations = PlantedOperations(planted)
    every_operation(operations)
    operations.write()


def planted_run(path: Path) -> PlantedRun:
    """All scenarios in one run."""
    planted = PlantedRun(path)
    everything(planted).write(rows_of=beside_rows)
    for plant in (a_demand, a_cache, some_failovers, some_stores, some_operations):
        plant(planted)
    planted.load()
    return planted


def made(module: str, *words: str, folder: Path, seed: int, zone: str) -> None:
    """By a process of its own that works in ``folder``, with hashes that fall otherwise and a clock on another wall."""
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "TZ": zone, "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], env=environment, cwd=folder, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def twice(tmp_path: Path, *commands: Sequence[str]) -> list[dict[str, bytes]]:
    """What the same commands leave in two copies of ``tmp_path / "here"``, each in a place of its own, run by two processes each."""
    found = []
    for place, seed, zone in (("here", 1, "UTC"), (ELSEWHERE, 4242, "Pacific/Auckland")):
        folder = tmp_path / place
        for module, *words in commands:
            made(module, *words, folder=folder, seed=seed, zone=zone)
        found.append(
            {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.suffix in LEFT}
        )
    return found


def told_nothing_of_today(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    """No place, no address in memory and no date of now; what is planted is of 2026-11-24."""
    now = datetime.now(UTC)
    for name, text in ((name, content.decode()) for name, content in files.items()):
        assert str(tmp_path) not in text, name
        assert str(PROJECT_ROOT) not in text, name
        assert not re.search(r" at 0x[0-9a-f]{6,}", text), name
        assert all(day not in text for day in (f"{now:%Y-%m-%d}", f"{now.day} {now:%B %Y}")), name
        assert "matplotlib" not in text, name


@pytest.mark.timeout(600)
def test_report_and_gates_of_all_scenarios_are_the_same_bytes_in_two_processes_in_two_places(tmp_path: Path) -> None:
    """All in one run, every kind of chart among them: page, Markdown, findings, what gates leave."""
    planted = planted_run(tmp_path / "here" / "run")
    assert set(planted.manifest["scenarios"]) == set(ORDER)
    shutil.copytree(tmp_path / "here", tmp_path / ELSEWHERE)
    gate = "all query_vs_scan.strong.units_ratio <= 2.1"
    first, again = twice(tmp_path, ("reports", "run", "--quiet"), ("reports.gates", "run", "--gate", gate))
    written = {f"run/{name}" for name in ("findings.json", "report.html", "report.md", "gates.json", "junit.xml")}
    assert written <= first.keys() == again.keys()
    assert {name for name in first if first[name] != again[name]} == set()
    page = first["run/report.html"].decode()
    assert len(re.findall("<figure ", page)) >= 25
    assert "could not be drawn" not in page
    assert "strong.units_ratio" in first["run/junit.xml"].decode()
    told_nothing_of_today(tmp_path, first)


@pytest.mark.timeout(600)
def test_a_comparison_is_the_same_bytes_in_two_processes_in_two_places(tmp_path: Path) -> None:
    """Of six interleaved pairs: page, Markdown, verdicts, JUnit."""
    make_pairs(tmp_path / "here" / "pairs")
    shutil.copytree(tmp_path / "here", tmp_path / ELSEWHERE)
    first, again = twice(tmp_path, ("reports.compare", "--folder", "pairs", "--out", "out", "--quiet"))
    assert {
        f"out/{name}" for name in ("comparison.html", "comparison.md", "verdicts.json", "junit.xml")
    } <= first.keys()
    assert {name for name in first if first[name] != again[name]} == set()
    told_nothing_of_today(tmp_path, {name: text for name, text in first.items() if name.startswith("out/")})


def test_every_chart_of_a_report_is_of_a_kind_that_the_gallery_knows(tmp_path: Path) -> None:
    """A new chart wants its question there."""
    planted = planted_run(tmp_path / "run")
    ids = [chart.id for section in analyse(Run.load(planted.path)) for chart in section.charts]
    assert [id for id in ids if kind_of(id) not in KINDS] == []
