"""A master counts on every worker: what each says is put together, and one that is gone, fails or joins is said."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import numpy as np
import pytest
from locust.event import Events as LocustEvents

from harness.distributed import MESSAGE, Workers, to_monotonic_ns, to_wall_ns
from harness.errors import CannotMeasure
from harness.live import Live
from harness.plan import Trial
from harness.recorder import clock_pair
from harness.sketches import Sketch

TRIAL = Trial(trial=0, pair=0, arm="a", step="s", labels={}, params={})
Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


def figures(share: float) -> dict[str, Any]:
    """One worker's figures of a trial, as they travel."""
    now = to_wall_ns(0)
    return {
        "begin_ns": now, "end_ns": now + 50, "cpu_share": share, "lateness_p50_ms": None, "lateness_p99_ms": None,
        "queued_p99_ms": None, "attempts": 10, "dropped": {}, "gc_pauses": 0,
    }  # fmt: skip


def answer(asked: dict[str, Any]) -> dict[str, Any] | None:
    """What a worker says that does all it is asked to."""
    monotonic, wall = clock_pair()
    return {
        "clock": {"do": "clock", "monotonic_ns": monotonic, "wall_ns": wall},
        "set_up": {"do": "ready", "slots": 2, "host": "here", "pid": 1},
        "trial": {"do": "at_hand", "deadline_s": 5.0},
        "go": {"do": "done", "figures": figures(0.2), "tally": {"hits": 3}},
        "close": {"do": "closed", "rows": 10},
    }.get(asked["do"])


class FakeMaster:
    """Locust's master as far as it is needed: workers answer at once by the function given for each."""

    def __init__(self, **workers: Answer) -> None:
        self.environment = SimpleNamespace(events=LocustEvents())
        self.workers, self.sent = workers, list[tuple[str, dict[str, Any]]]()
        clients = {name: SimpleNamespace(id=name, state="running") for name in workers}
        self.clients: Any = _Clients(clients)

    def register_message(self, name: str, listener: Callable[..., None]) -> None:
        assert name == MESSAGE
        self.listener = listener

    def get_worker_index(self, name: str) -> int:
        return list(self.workers).index(name)

    def send_message(self, _: str, data: dict[str, Any], worker: str) -> None:
        self.sent.append((worker, data))
        said = self.workers[worker](data)
        if said is not None and worker in self.clients:
            self.say(worker, said | {"test": data["test"]})

    def say(self, worker: str, said: dict[str, Any]) -> None:
        self.listener(environment=None, msg=SimpleNamespace(node_id=worker, data=said))


class _Clients(dict[str, Any]):
    ready, spawning = (), ()

    @property
    def running(self) -> list[Any]:
        return list(self.values())


class FakeEvents:
    """Keeps events."""

    def __init__(self) -> None:
        self.added: list[tuple[str, dict[str, Any]]] = []

    def add(self, kind: str, **fields: Any) -> int:
        self.added.append((kind, fields))
        return 0


def opened(master: FakeMaster) -> tuple[Workers, Any, FakeEvents]:
    """A crew made ready, its scenario and its events."""
    workers, events = Workers(master, Live()), FakeEvents()
    scenario = SimpleNamespace(tally=Counter())
    workers.open(scenario, events, {})  # type: ignore[arg-type]
    return workers, scenario, events


def test_a_trial_begins_for_all_at_one_moment_and_what_they_did_adds_up() -> None:
    """Two workers: told apart, told the slots of both, sent off with the same time; counts and tallies are summed."""
    master = FakeMaster(first=answer, second=answer)
    workers, scenario, _ = opened(master)
    began: list[int] = []
    done = workers.perform(TRIAL, began.append)
    told = [(worker, data) for worker, data in master.sent if data["do"] != "clock"]
    said = [(worker, data["do"]) for worker, data in told]
    assert said == [(name, do) for do in ("set_up", "trial", "go") for name in ("first", "second")]
    assert [data["worker"] for _, data in told[:2]] == [0, 1]
    assert [data["clocks"]["shift_ns"] for _, data in told[:2]] == [0, 0]
    assert told[2][1]["slots"] == [2, 2]
    wall = {data["begin_wall_ns"] for _, data in told[4:]}
    assert len(wall) == 1
    assert abs(to_monotonic_ns(wall.pop()) - began[0]) < 1_000_000
    assert (done.attempts, scenario.tally) == (20, {"hits": 6})
    assert workers.close() == {0: 10, 1: 10}
    assert workers.failure is None


def test_a_worker_that_is_gone_ends_the_run() -> None:
    """Missing by Locust's heartbeat before it was done: the run isn't valid, and says which worker it was."""

    def dies(asked: dict[str, Any]) -> dict[str, Any] | None:
        if asked["do"] == "go":
            master.clients["second"].state = "missing"
            return None
        return answer(asked)

    master = FakeMaster(first=answer, second=dies)
    workers, _, _ = opened(master)
    with pytest.raises(CannotMeasure, match=r"worker 1 of 2 \(second\) is gone: its part of the load is missing"):
        workers.perform(TRIAL, lambda _: None)
    master.workers["second"] = lambda _: None
    assert workers.close() == {0: 10}
    assert workers.failure is not None


def test_a_worker_that_closed_unasked_is_gone_too() -> None:
    """Someone stopped it: it took its leave in order, and the next trial can't be had."""

    def leaves(asked: dict[str, Any]) -> dict[str, Any] | None:
        return {"do": "closed", "rows": 4} if asked["do"] == "trial" else answer(asked)

    workers, _, _ = opened(FakeMaster(first=leaves))
    with pytest.raises(CannotMeasure, match="is gone"):
        workers.perform(TRIAL, lambda _: None)
    assert workers.close() == {0: 10}


def test_what_failed_at_a_worker_is_said_with_its_name() -> None:
    """The worker's own line, and which of them said it."""

    def fails(asked: dict[str, Any]) -> dict[str, Any] | None:
        return {"do": "failed", "reason": "disk full"} if asked["do"] == "trial" else answer(asked)

    workers, _, _ = opened(FakeMaster(first=answer, second=fails))
    with pytest.raises(CannotMeasure, match=r"worker 1 of 2 \(second\): disk full"):
        workers.perform(TRIAL, lambda _: None)


def test_a_worker_that_joins_late_ends_the_run() -> None:
    """Locust would move users to it in the middle of a trial."""
    master = FakeMaster(first=answer)
    workers, _, _ = opened(master)
    master.environment.events.worker_connect.fire(client_id="late")
    master.workers["first"] = lambda _: None
    with pytest.raises(CannotMeasure, match="a worker joined while trials ran"):
        workers.perform(TRIAL, lambda _: None)


def test_words_of_an_earlier_test_are_not_heeded() -> None:
    """A message that comes after its run was closed belongs to nobody."""
    master = FakeMaster(first=answer)
    _, _, events = opened(master)
    event = {"do": "event", "kind": "throttle_began", "trial": 0, "wall_ns": to_wall_ns(77), "fields": {"load": "read"}}
    master.say("first", event | {"test": 0})
    assert events.added == []
    master.say("first", event | {"test": 1})
    ((kind, fields),) = events.added
    assert (kind, fields["trial"], fields["load"]) == ("throttle_began", 0, "read")
    assert abs(fields["t_ns"] - 77) < 1_000_000


def test_sketches_of_all_workers_become_one() -> None:
    """One worker saw 1 and 2 ms, the other 3 ms: three values, 2 ms in the middle; a stranger's are left out."""
    master = FakeMaster(first=answer, second=answer)
    workers, _, _ = opened(master)
    for worker, values_ns in (("first", [1e6, 2e6]), ("second", [3e6]), ("stranger", [9e6])):
        sketch = Sketch()
        sketch.add_many(np.array(values_ns, np.int64))
        report = {"test": 1, "live": Live().take(), "sketches": [[0, "Query", sketch.to_bytes()]]}
        master.environment.events.worker_report.fire(client_id=worker, data={MESSAGE: report})
    (merged,) = workers.sketches.values()
    assert merged.count == 3
    assert merged.quantile(0.5) == pytest.approx(2e6, rel=0.001)


def test_a_stop_reaches_every_worker_and_waits_for_no_trial_that_there_is_not() -> None:
    """Between trials it returns at once."""
    master = FakeMaster(first=answer, second=answer)
    workers, _, _ = opened(master)
    with gevent.Timeout(1):
        workers.stop(30.0)
    assert [(worker, data["do"]) for worker, data in master.sent[-2:]] == [("first", "stop"), ("second", "stop")]


def test_a_worker_on_another_machine_is_told_how_far_its_clocks_are_from_the_masters() -> None:
    """Booted 1,000 s earlier, wall clock 3 s behind: its monotonic times need −1,000 s, and the manifest keeps it all."""

    def elsewhere(asked: dict[str, Any]) -> dict[str, Any] | None:
        said = answer(asked)
        if said is not None and said["do"] == "clock":
            said |= {"monotonic_ns": said["monotonic_ns"] + 1_000 * 10**9, "wall_ns": said["wall_ns"] - 3 * 10**9}
        return (said or {}) | {"host": "there"} if said else None

    master = FakeMaster(near=answer, far=elsewhere)
    workers = Workers(master, Live())
    near, far = workers.open(SimpleNamespace(tally=Counter()), FakeEvents(), {})  # type: ignore[arg-type]
    assert (near["host"], near["clocks"]["shift_ns"], near["clocks"]["ahead_ns"]) == ("here", 0, 0)
    error_ns = far["clocks"]["error_ns"]
    assert 0 < error_ns < 50_000_000
    assert abs(far["clocks"]["shift_ns"] + 1_000 * 10**9) <= error_ns
    assert abs(far["clocks"]["ahead_ns"] + 3 * 10**9) <= error_ns + 1_000_000
    (set_up,) = [data for worker, data in master.sent if worker == "far" and data["do"] == "set_up"]
    assert set_up["clocks"] == far["clocks"]
