"""Load from ``wrk``, so that no client is in the way, and from prebuilt requests where each may be sent only once."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.servers import HEADERS, TARGET, Server
from harness.errors import CannotMeasure
from tools.fetched import Program

_SCRIPT = """
local requests, at = {}, 0
init = function()
  local headers = {%s}
  for body in io.lines(%s) do requests[#requests + 1] = wrk.format("POST", "/", headers, body) end
end
request = function()
  at = at %% #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%%d,"duration_us":%%d,"bytes":%%d,"failed":%%d,"p50_us":%%d,"p99_us":%%d,"p999_us":%%d}',
    summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What ``wrk`` saw in one trial."""

    per_second: float
    p50_us: int
    p99_us: int
    p999_us: int
    requests: int


def drive(wrk: Program, server: Server, script: Path, *, connections: int, seconds: int) -> Driven:
    """Drive a server for some seconds with a script of :func:`script`; CannotMeasure when any answer wasn't 200."""
    command = [str(wrk.path), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script)]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}/"],
        env=wrk.environment, capture_output=True, text=True, check=False, timeout=seconds + 60,
    )  # fmt: skip
    lines = [line for line in said.stdout.splitlines() if line.startswith("{")]
    if said.returncode or not lines:
        raise CannotMeasure(f"wrk failed against {server.name}: {said.stderr.strip()[-300:]}")
    seen = json.loads(lines[-1])
    if seen["failed"] or not seen["requests"]:
        raise CannotMeasure(f"{server.name}, {script.stem}: {seen['failed']} of {seen['requests']} answers weren't 200")
    return Driven(
        per_second=seen["requests"] / seen["duration_us"] * 1e6,
        p50_us=seen["p50_us"], p99_us=seen["p99_us"], p999_us=seen["p999_us"], requests=seen["requests"],
    )  # fmt: skip


def script(folder: Path, name: str, operation: str, bodies: Sequence[str]) -> Path:
    """A Lua script for ``wrk`` that sends these bodies in turn."""
    headers = HEADERS | {"X-Amz-Target": TARGET + operation}
    table = ", ".join(f"[{json.dumps(header)}] = {json.dumps(value)}" for header, value in headers.items())
    lines = folder / f"{name}.bodies"
    lines.write_text("\n".join(bodies) + "\n")
    path = folder / f"{name}.lua"
    path.write_text(_SCRIPT % (table, json.dumps(str(lines))))
    return path


def load(server: Server, table: str, items: Sequence[bytes], connections: int = 4) -> float:
    """Write all items by BatchWriteItem over some connections; returns the seconds it took."""
    batches = [items[at : at + 25] for at in range(0, len(items), 25)]
    bodies = [
        b'{"RequestItems":{"%s":[%s]}}' % (table.encode(), b",".join(b'{"PutRequest":{"Item":%s}}' % i for i in batch))
        for batch in batches
    ]
    began_s = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for sent in [pool.submit(_send_all, server, bodies[at::connections]) for at in range(connections)]:
            sent.result()
    return time.perf_counter() - began_s


def _send_all(server: Server, bodies: Sequence[bytes]) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        for body in bodies:
            connection.request("POST", "/", body, {**HEADERS, "X-Amz-Target": f"{TARGET}BatchWriteItem"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200 or json.loads(said)["UnprocessedItems"]:
                raise CannotMeasure(
                    f"{server.name} answered BatchWriteItem with {answer.status}: {said[:300].decode()}"
                )
    finally:
        connection.close()


@contextmanager
def scanning(server: Server, table: str) -> Iterator[None]:
    """While inside, one connection scans the whole table over and over."""
    done = threading.Event()

    def scan() -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        start = b""
        while not done.is_set():
            body = b'{"TableName":"%s"%s}' % (table.encode(), start)
            connection.request("POST", "/", body, {**HEADERS, "X-Amz-Target": f"{TARGET}Scan"})
            page = connection.getresponse().read()
            at = page.rfind(b'"LastEvaluatedKey":')  # the page isn't parsed: that would take longer than reading it
            start = b""
            if at >= 0:
                key, _ = json.JSONDecoder().raw_decode(page[at + len('"LastEvaluatedKey":') :].decode())
                start = b',"ExclusiveStartKey":' + json.dumps(key).encode()
        connection.close()

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
