"""A master and its workers: what each says is put together; one that is gone costs its trial, one that joins is taken in."""

from collections import Counter
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import gevent
import numpy as np
import pytest
from locust.event import Events as LocustEvents
from locust.runners import STATE_RUNNING

from harness.distributed import Workers
from harness.errors import CannotMeasure, TrialBroken
from harness.live import Live
from harness.messages import MESSAGE, to_monotonic_ns, to_wall_ns
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


class FakeDispatcher:
    """Two slots for each worker, or what is left of ``slots`` for all."""

    def __init__(self, *workers: str) -> None:
        self.workers, self.spread = list(workers), list[list[str]]()

    def spread_over(self, workers: Iterable[Any]) -> bool:
        wanted = [worker.id for worker in workers]
        changed, self.workers = wanted != self.workers, wanted
        self.spread.append(wanted)
        return changed

    def shares(self) -> dict[str, int]:
        return dict.fromkeys(self.workers, 2)


def answer(asked: dict[str, Any]) -> dict[str, Any] | None:
    """What a worker says that does all it is asked to."""
    monotonic, wall = clock_pair()
    done = {"do": "done", "figures": figures(0.2), "tally": {"hits": 3}, "told": {"wrote": 4}}
    return {
        "clock": {"do": "clock", "monotonic_ns": monotonic, "wall_ns": wall},
        "set_up": {"do": "ready", "slots": 2, "host": "here", "pid": 1},
        "slots": {"do": "slots", "slots": 2},
        "trial": {"do": "at_hand", "deadline_s": 5.0},
        "go": done, "abandon": done,
        "close": {"do": "closed", "rows": 10},
    }.get(asked["do"])  # fmt: skip


class FakeMaster:
    """Locust's master as far as it is needed: workers answer at once by the function given for each."""

    def __init__(self, **workers: Answer) -> None:
        self.environment = SimpleNamespace(events=LocustEvents())
        self.workers, self.sent = workers, list[tuple[str, dict[str, Any]]]()
        clients = {name: SimpleNamespace(id=name, state="running") for name in workers}
        self.clients: Any = _Clients(clients)
        self.state, self.target_user_count, self.spawn_rate = STATE_RUNNING, 4, 100
        self._users_dispatcher = FakeDispatcher(*workers)
        self.started = 0

    def start(self, user_count: int, spawn_rate: float) -> None:
        self.started += 1

    def register_message(self, name: str, listener: Callable[..., None]) -> None:
        assert name == MESSAGE
        self.listener = listener

    def get_worker_index(self, name: str) -> int:
        return list(self.workers).index(name)

    def send_message(self, kind: str, data: dict[str, Any] | None, worker: str) -> None:
        if data is None:
            self.sent.append((worker, {"do": kind}))
            return
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


class FakeScenario:
    """Keeps what it is told."""

    name = "fake"

    def __init__(self) -> None:
        self.tally: Counter[str] = Counter()
        self.collected: list[list[Any]] = []
        self.alone: str | None = None
        self.tell_load: Callable[[dict[str, Any]], None]

    def undivided(self, trial: Trial) -> str | None:
        return self.alone

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        return {"at": "home"}

    def collect(self, trial: Trial, told: list[Any]) -> None:
        self.collected.append(told)


def opened(master: FakeMaster) -> tuple[Workers, FakeScenario, FakeEvents]:
    """A crew made ready, its scenario and its events."""
    workers, events, scenario = Workers(master, Live()), FakeEvents(), FakeScenario()
    workers.open(scenario, events, {"slots": 4, "samples": "/nowhere"})  # type: ignore[arg-type]
    return workers, scenario, events


def asked(master: FakeMaster, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """What workers were asked to do, of these kinds."""
    return [(worker, data) for worker, data in master.sent if data["do"] in kinds]


def test_a_trial_begins_for_all_at_one_moment_and_what_they_did_adds_up() -> None:
    """Two workers: told apart, told the slots of both, sent off with the same time; counts and tallies are summed."""
    master = FakeMaster(first=answer, second=answer)
    workers, scenario, _ = opened(master)
    began: list[int] = []
    done = workers.perform(TRIAL, began.append)
    set_up, trial, go = (asked(master, kind) for kind in ("set_up", "trial", "go"))
    assert [[worker for worker, _ in some] for some in (set_up, trial, go)] == [["first", "second"]] * 3
    assert [data["worker"] for _, data in set_up] == [0, 1]
    assert [data["clocks"]["shift_ns"] for _, data in set_up] == [0, 0]
    assert [(data["rank"], data["slots"], data["handed"]) for _, data in trial] == [
        (0, [2, 2], {"at": "home"}), (1, [2, 2], {"at": "home"}),
    ]  # fmt: skip
    wall = {data["begin_wall_ns"] for _, data in go}
    assert len(wall) == 1
    assert abs(to_monotonic_ns(wall.pop()) - began[0]) < 1_000_000
    assert (done.attempts, scenario.tally) == (20, {"hits": 6})
    assert scenario.collected == [[{"wrote": 4}, {"wrote": 4}]]
    workers.close()
    assert (workers.rows(), workers.failure, workers.lost) == (20, None, [])


def test_a_worker_that_is_gone_breaks_the_trial_and_the_others_end_it() -> None:
    """Missing by Locust's heartbeat before it was done: the other is told to leave off, and has all slots of the next trial."""

    def dies(asked: dict[str, Any]) -> dict[str, Any] | None:
        if asked["do"] == "go":
            master.clients["second"].state = "missing"
            return None
        return answer(asked)

    master = FakeMaster(first=lambda asked: None if asked["do"] == "go" else answer(asked), second=dies)
    workers, scenario, events = opened(master)
    with pytest.raises(TrialBroken, match=r"worker 1 \(second\) was lost, and its part of the load with it"):
        workers.perform(TRIAL, lambda _: None)
    assert asked(master, "abandon", "quit")[0] == ("second", {"do": "quit"})
    assert [worker for worker, _ in asked(master, "abandon")] == ["first"]
    assert scenario.collected == [[{"wrote": 4}]]
    (told,) = [fields for kind, fields in events.added if kind == "worker_lost"]
    assert (told["worker"], told["trial"], told["reason"]) == ("1", 0, "nothing was heard of it any more")
    assert "second" not in master.clients
    master.workers["first"] = answer
    workers.muster(TRIAL)
    assert (master._users_dispatcher.workers, master.started) == (["first"], 1)
    workers.perform(TRIAL, lambda _: None)
    assert asked(master, "trial")[-1][1]["slots"] == [2]
    workers.close()
    assert [record["rows"] for record in workers.records] == [10, None]
    assert [lost["worker"] for lost in workers.lost] == ["1"]


def test_a_worker_that_closed_unasked_before_the_load_began_costs_no_trial() -> None:
    """Someone stopped it: it took its leave in order, and its rows are known; the other does the trial."""

    def leaves(asked: dict[str, Any]) -> dict[str, Any] | None:
        return {"do": "closed", "rows": 4} if asked["do"] == "trial" else answer(asked)

    workers, _, events = opened(FakeMaster(first=leaves, second=answer))
    assert workers.perform(TRIAL, lambda _: None).attempts == 10
    (told,) = [fields for kind, fields in events.added if kind == "worker_lost"]
    assert told["reason"] == "it took its leave"
    workers.close()
    assert [record["rows"] for record in workers.records] == [4, 10]


def test_when_every_worker_is_gone_nobody_is_left_to_make_the_load() -> None:
    """The run ends with that reason, whoever asks first."""
    master = FakeMaster(only=answer)
    workers, _, _ = opened(master)
    master.clients["only"].state = "missing"
    with pytest.raises(CannotMeasure, match="every worker is gone, so nobody is left to make the load"):
        workers.muster(TRIAL)
    assert workers.failure is not None


def test_what_failed_at_a_worker_is_said_with_its_name() -> None:
    """The worker's own line, and which of them said it."""

    def fails(asked: dict[str, Any]) -> dict[str, Any] | None:
        return {"do": "failed", "reason": "disk full", "trial_only": False} if asked["do"] == "trial" else answer(asked)

    workers, _, _ = opened(FakeMaster(first=answer, second=fails))
    with pytest.raises(CannotMeasure, match=r"worker 1 \(second\): disk full"):
        workers.perform(TRIAL, lambda _: None)


def joined(master: FakeMaster, name: str, does: Answer) -> None:
    """One more worker connects to a master."""
    master.workers[name] = does
    master.clients[name] = SimpleNamespace(id=name, state="running")


def test_a_worker_that_joins_late_is_set_up_and_has_its_share_from_the_next_trial_on() -> None:
    """Between trials: its clocks are measured, it is the third with numbers of its own, and Locust moves users once."""
    master = FakeMaster(first=answer, second=answer)
    workers, _, events = opened(master)
    workers.muster(TRIAL)
    assert master.started == 0
    joined(master, "late", answer)
    workers.muster(TRIAL)
    ((_, set_up),) = [one for one in asked(master, "set_up") if one[0] == "late"]
    assert set_up["worker"] == 2
    assert (master._users_dispatcher.workers, master.started) == (["first", "second", "late"], 1)
    assert [fields["worker"] for kind, fields in events.added if kind == "worker_joined"] == ["2"]
    assert workers.perform(TRIAL, lambda _: None).attempts == 30
    assert [record.get("joined_before") for record in workers.records] == [None, None, 0]


def test_a_late_worker_that_can_not_be_used_is_sent_away_and_the_run_goes_on() -> None:
    """On another host than the stand-ins, say: event ``worker_refused``, and the plan is done by the others."""
    master = FakeMaster(first=answer)
    workers, _, events = opened(master)
    joined(
        master,
        "far",
        lambda asked: {"do": "failed", "reason": "runs there"} if asked["do"] == "set_up" else answer(asked),
    )
    workers.muster(TRIAL)
    assert [fields["reason"] for kind, fields in events.added if kind == "worker_refused"] == [
        "worker 1 (far): runs there"
    ]
    assert asked(master, "quit") == [("far", {"do": "quit"})]
    assert workers.perform(TRIAL, lambda _: None).attempts == 10
    assert (workers.failure, len(workers.records), workers.lost) == (None, 1, [])


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
    assert len(workers.sketches) == 1
    merged = workers.sketches[0, "Query"]
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
    workers.open(FakeScenario(), FakeEvents(), {"slots": 4, "samples": "/nowhere"})  # type: ignore[arg-type]
    near, far = workers.records
    assert (near["host"], near["clocks"]["shift_ns"], near["clocks"]["ahead_ns"]) == ("here", 0, 0)
    error_ns = far["clocks"]["error_ns"]
    assert 0 < error_ns < 50_000_000
    assert abs(far["clocks"]["shift_ns"] + 1_000 * 10**9) <= error_ns
    assert abs(far["clocks"]["ahead_ns"] + 3 * 10**9) <= error_ns + 1_000_000
    (set_up,) = [data for worker, data in master.sent if worker == "far" and data["do"] == "set_up"]
    assert set_up["clocks"] == far["clocks"]
