"""/_twin/faults and --service-time: what is injected, to whom, how often; how long answers take, and that it is said."""

import json
import math
import subprocess
import sys
import time

import orjson
import psutil
import pytest
from twin_served import Client, Fake, request, served, twin

from harness.errors import UsageError
from harness.local.dynamodb.wire.faults import ERRORS, BadFaults, FaultPlan, Faults
from harness.local.dynamodb.wire.service_time import ServiceTime


def http(method, path, body=b""):
    return b"%s %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (method.encode(), path.encode(), len(body), body)


def inject(client, **faults):
    status, body = client.send(http("POST", "/_twin/faults", orjson.dumps(faults))).answer()
    return status, orjson.loads(body)


def answers(client, number, operation="Echo"):
    """Of that many requests: how many were answered with each status, or with each error."""
    said = {}
    for _ in range(number):
        status, body = client.send(request(operation)).answer()
        name = status if status == 200 else orjson.loads(body)["__type"].partition("#")[2]
        said[name] = said.get(name, 0) + 1
    return said


@pytest.fixture
def service():
    return Fake(Other=lambda _: (200, b"{}"))


@pytest.fixture
def address(service):
    with served(service) as address:
        yield address


@pytest.fixture
def client(address):
    with Client(address) as client:
        yield client


def test_errors_come_at_the_rate_that_was_asked_for(client, service):
    """Of 1,000 requests 30 %, give or take four deviations of 14.5; what failed never reached the service."""
    status, told = inject(client, error_rate=0.3)
    assert (status, told["error"], told["requests"]) == (200, "InternalServerError", 0)
    said = answers(client, 1_000)
    assert 242 <= said["InternalServerError"] <= 358
    assert said[200] == len(service.asked) == 1_000 - said["InternalServerError"]
    told = orjson.loads(client.send(http("GET", "/_twin/faults")).answer()[1])
    assert (told["requests"], told["errors"], told["hangs"]) == (1_000, said["InternalServerError"], 0)


def test_the_same_seed_draws_the_same_faults():
    """Twice with seed 7 and once with 8, of 200 requests each."""
    draws = []
    for seed in (7, 7, 8):
        faults = Faults(FaultPlan(error_rate=0.5, seed=seed))
        draws.append([faults.draw("GetItem").answer is None for _ in range(200)])
    assert draws[0] == draws[1] != draws[2]


def test_only_the_operations_named_and_only_so_many(client):
    """Every Echo but no Other; after five it is over; DELETE ends it at once."""
    inject(client, error_rate=1, error="ThrottlingException", operations=["Echo"], for_requests=5)
    assert answers(client, 3, "Other") == {200: 3}
    assert answers(client, 8) == {"ThrottlingException": 5, 200: 3}
    inject(client, error_rate=1)
    assert client.send(http("DELETE", "/_twin/faults")).answer() == (200, b"{}")
    assert answers(client, 3) == {200: 3}
    assert client.send(http("GET", "/_twin/faults")).answer() == (200, b"null")


@pytest.mark.parametrize("error", ERRORS)
def test_each_error_is_the_services(client, error):
    """Its type, a message, and the status by which SDKs decide whether to try again."""
    inject(client, error_rate=1, error=error)
    status, body = client.send(request("Echo")).answer()
    assert status == {"InternalServerError": 500, "ServiceUnavailable": 503}.get(error, 400)
    told = orjson.loads(body)
    assert told["__type"].endswith(f"#{error}")
    assert told.get("message") or told.get("Message")


def test_latency_delays_one_connection_and_no_other(client, address):
    """50 ms to each answer; meanwhile a request that isn't meant is answered; order is kept behind the delayed one."""
    inject(client, latency_ms=50, operations=["Echo"])
    with Client(address) as other:
        began_s = time.monotonic()
        client.send(request("Echo", b"late"), request("Other"))
        assert other.send(request("Other")).answer()[0] == 200
        at_once_s = time.monotonic() - began_s
        assert client.answer() == (200, b"late")
        late_s = time.monotonic() - began_s
        assert client.answer() == (200, b"{}")
    assert late_s >= 0.05
    assert at_once_s < late_s


def test_what_hangs_is_never_answered_and_never_done(client, address, service):
    """No answer within 0.3 s, nor to what was sent behind it; the client goes, and others are served."""
    inject(client, hang_rate=1, for_requests=1)
    with Client(address) as hung:
        hung.send(request("Echo"), request("Other"))
        hung.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            hung.answer()
    assert service.asked == []
    assert answers(client, 2) == {200: 2}


def test_a_client_that_gives_up_on_what_hangs_leaves_nothing_behind():
    """50 clients hang up: the twin has as few open files as before."""
    with twin() as (pid, address), Client(address) as client:

        def files():
            return psutil.Process(pid).num_fds()

        inject(client, hang_rate=1)
        before = files()
        for _ in range(50):
            with Client(address) as hung:
                hung.send(request("ListTables"))
                time.sleep(0.002)
        client.send(http("DELETE", "/_twin/faults")).answer()
        deadline_s = time.monotonic() + 5
        while files() > before and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert files() <= before


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (b"[1]", "expected an object, found list"),
        (b"{", "not JSON: "),
        (b'{"rate": 1}', "rate is unknown; there are error_rate, error, latency_ms, hang_rate, operations, for_requests, seed"),
        (b'{"error_rate": 1.5}', "error_rate must be a number from 0 to 1, got 1.5"),
        (b'{"hang_rate": "1"}', "hang_rate must be a number from 0 to 1, got '1'"),
        (b'{"hang_rate": 0.6, "error_rate": 0.6}', "error_rate + hang_rate must be at most 1, got 1.2"),
        (b'{"latency_ms": -1}', "latency_ms must be a number from 0 to 3,600,000, got -1"),
        (b'{"error": ["x"]}', "error must be one of InternalServerError, "),
        (b'{"operations": "GetItem"}', "operations must be a list of names, got 'GetItem'"),
        (b'{"for_requests": 0}', "for_requests must be a whole number >= 1, got 0"),
        (b'{"seed": true}', "seed must be a whole number >= 0, got True"),
    ],
)  # fmt: skip
def test_faults_that_cannot_be_are_said(client, faults, said):
    """A 400 with the member, what it must be and what it is; what was injected before goes on."""
    inject(client, latency_ms=1)
    status, body = client.send(http("POST", "/_twin/faults", faults)).answer()
    assert status == 400
    assert orjson.loads(body)["message"].startswith(said)
    assert orjson.loads(client.send(http("GET", "/_twin/faults")).answer()[1])["latency_ms"] == 1
    with pytest.raises(BadFaults):
        FaultPlan.parse(faults)


def test_a_lognormal_goes_through_its_two_percentiles():
    """20,000 draws of p50 4 ms and p99 20 ms: each percentile within its own sampling error, 3 %; sums by hand.

    sigma = ln(20 / 4) / 2.3263 = 0.6918; so the 84.13th percentile, one deviation up, is 4 × e^0.6918 = 7.99 ms.
    """
    drawn = ServiceTime({"GetItem": {"p50_ms": 4, "p99_ms": 20}}, seed=1)
    draws = sorted(drawn.draw_s("GetItem") * 1e3 for _ in range(20_000))
    assert math.isclose(draws[10_000], 4, rel_tol=0.03)
    assert math.isclose(draws[16_827], 7.99, rel_tol=0.03)
    assert math.isclose(draws[19_800], 20, rel_tol=0.08)
    assert drawn.draw_s("PutItem") == 0


def test_samples_are_drawn_as_they_are_and_by_the_seed():
    """Only values of the list, each about as often; the same seed gives the same, whatever else was drawn between."""
    given = {"Query": {"samples_ms": [1, 2, 4]}, "Scan": {"samples_ms": [8, 9]}}
    one, other = ServiceTime(given, seed=5), ServiceTime(given, seed=5)
    draws = [one.draw_s("Query") * 1e3 for _ in range(3_000)]
    assert {round(draw) for draw in draws} == {1, 2, 4}
    assert all(800 < draws.count(value / 1e3 * 1e3) < 1_200 for value in (1, 2, 4))
    interleaved = [(other.draw_s("Query") * 1e3, other.draw_s("Scan"))[0] for _ in range(3_000)]
    assert interleaved == draws


def test_answers_are_never_early():
    """2.5 ms each, 100 times: not one sooner, as with the loop's own timers, which know whole milliseconds only."""
    with (
        served(Fake(), service_time=ServiceTime({"Echo": {"samples_ms": [2.5]}})) as address,
        Client(address) as client,
    ):
        taken = []
        for _ in range(100):
            began_s = time.perf_counter()
            client.send(request("Echo")).answer()
            taken.append((time.perf_counter() - began_s) * 1e3)
    assert min(taken) >= 2.5


def test_many_answers_wait_at_the_same_time():
    """100 clients and 0.3 s each: together far less than the 30 s of one after the other."""
    slow = ServiceTime({"Echo": {"samples_ms": [300]}})
    with served(Fake(), service_time=slow) as address:
        clients = [Client(address) for _ in range(100)]
        began_s = time.monotonic()
        for number, client in enumerate(clients):
            client.send(request("Echo", b"%d" % number))
        assert [client.answer() for client in clients] == [(200, b"%d" % number) for number in range(100)]
        assert 0.3 <= time.monotonic() - began_s < 15
        for client in clients:
            client.socket.close()


def test_a_long_work_takes_no_longer_than_its_service_time():
    """A work of 0.1 s with a service time of 0.15: 0.15 in all, not the sum; the best of five, whatever else goes on here."""

    def work(_body):
        until_s = time.monotonic() + 0.1
        while time.monotonic() < until_s:
            yield
        return 200, b"done"

    slow = ServiceTime({"Echo": {"samples_ms": [150]}})
    with served(Fake(Echo=work), service_time=slow) as address, Client(address) as client:
        taken = []
        for _ in range(5):
            began_s = time.monotonic()
            assert client.send(request("Echo")).answer() == (200, b"done")
            taken.append(time.monotonic() - began_s)
    assert 0.15 <= min(taken) < 0.25


def test_a_twin_with_a_service_time_says_so(tmp_path):
    """/_twin/ tells the basis, modelled, and what was given: a figure measured there can carry it."""
    file = tmp_path / "times.json"
    file.write_text('{"ListTables": {"p50_ms": 1, "p99_ms": 2}}')
    with twin("--service-time", str(file), "--seed", "3") as (_, address), Client(address) as client:
        assert client.send(request("ListTables")).answer()[0] == 200
        state = orjson.loads(client.send(http("GET", "/_twin/")).answer()[1])
    told = {"basis": "modelled", "seed": 3, "operations": {"ListTables": {"p50_ms": 1, "p99_ms": 2}}}
    assert state["service_time"] == told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{\n "GetItem": {"p50_ms": 1\n', 3, "not JSON: "),
        ("[]", 1, "expected operations by name, found list"),
        ('{\n\n "get item": {}}', 3, "get item is no operation's name; GetItem would be one"),
        ('{"Scan": {"samples_ms": [1]},\n "GetItem": 3}', 2, 'GetItem expected {"p50_ms": …, "p99_ms": …} or {"samples_ms": […]}, got 3'),
        ('{"Scan": {\n "p50_ms": 1}}', 1, "Scan expected {"),
        ('{"Scan": {"p50_ms": 1,\n"p99_ms": 2},\n"Query": {"p50_ms": 3,\n"p99_ms": 2}}', 4, "Query.p99_ms must be >= p50_ms (3), got 2"),
        ('{"Scan": {\n"p50_ms": 0, "p99_ms": 2}}', 2, "Scan.p50_ms must be > 0 and at most 3,600,000, got 0"),
        ('{"Scan": {\n"p50_ms": true, "p99_ms": 2}}', 2, "Scan.p50_ms must be > 0 and at most 3,600,000, got true"),
        ('{"Scan": {"samples_ms":\n []}}', 1, "Scan.samples_ms must be a list of at least one number, got []"),
        ('{"Scan": {"samples_ms": [1, NaN]}}', 1, "Scan.samples_ms must be >= 0 and at most 3,600,000, got NaN"),
        ('{"Scan": {"samples_ms": [1]},\n"Scan": {"samples_ms": [1]}}', 1, "Scan is given twice"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_said_with_its_line(tmp_path, text, line, said):
    """File, line, member, what it must be, what it is."""
    file = tmp_path / "times.json"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        ServiceTime.read(file)
    assert str(caught.value).startswith(f"{file}:{line}: {said}")
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    """One that isn't there, and one that isn't text."""
    with pytest.raises(UsageError, match="No such file or directory; name a readable JSON file"):
        ServiceTime.read(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe{")
    with pytest.raises(UsageError, match="binary:1: not UTF-8"):
        ServiceTime.read(tmp_path / "binary")


@pytest.mark.parametrize("started", [["harness.local.dynamodb"], ["harness.cli", "dynamodb"]], ids=["module", "cli"])
def test_a_twin_is_not_started_with_a_file_that_is_wrong(tmp_path, started):
    """Either way of starting it: exit code 2 and one line."""
    file = tmp_path / "times.json"
    file.write_text('{"Scan":\n {}}')
    command = [sys.executable, "-m", *started, "--service-time", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"{file}:1: Scan expected {{")
    assert ended.stderr.count("\n") == 1


def test_the_example_in_the_module_is_right(tmp_path):
    """The file that the documentation shows is accepted."""
    file = tmp_path / "times.json"
    file.write_text(json.dumps({"GetItem": {"p50_ms": 3, "p99_ms": 12}, "Query": {"samples_ms": [4.1, 5.0, 7.9]}}))
    assert ServiceTime.read(file).state()["operations"]["Query"] == {"samples_ms": [4.1, 5.0, 7.9]}
