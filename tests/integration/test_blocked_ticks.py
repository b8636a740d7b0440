"""A whole Locust run whose connections hang: every tick is a row and a request of Locust's, blocked ones too."""

import csv
import sys
from itertools import pairwise

from whole_runs import Place

from reports.load import Run

# A stand-in for the load of rds_failover under its name: no database, and a probe whose two slots hang, in the eleventh and the
# twelfth operation, for 0.8 s, over its last 50 ticks and beyond.
HANGING = """
from harness.execute import locust_user
from harness.services import Needs
from harness.plan import Cell, interleave
from harness.recorder import Observation
from harness.scenario import Stream, Ticket, TrialLoad
from scenarios.rds_failover import RdsFailover
import gevent
from itertools import count

EXTRA = {"engine": "mysql", "write_id": -1}
BLOCKED = Observation(outcome="error", error_code="Blocked", extra=EXTRA)


class Hanging(RdsFailover):
    needs = classmethod(lambda cls, settings: Needs())
    set_up = tear_down = lambda self: None
    prepare = lambda self, trial: None
    floor_probes = lambda self: []
    begun = lambda self, trial, begin_ns: setattr(self, "begin_ns", begin_ns)
    end = lambda self, trial: None
    hand_out = load_ended = lambda self, trial: {}
    load_begun = lambda self, trial, begin_ns: None
    collect = lambda self, trial, told: None
    became = lambda self, trial: trial
    counted = None

    def plan(self):
        labels = {"engine": "mysql", "topology": "multi_az_instance", "fault": "hang"}
        cell = Cell(arms=("tuned",), step="s", labels=labels, params={"probe_interval_ms": 10})
        return interleave([cell], rounds=2, seed="s")

    def begin(self, trial):
        over, self.done, self.last_ns = gevent.event.Event(), 0, float("inf")

        def act(slot):
            self.done += 1
            if self.done not in (11, 12):
                return Observation(extra=EXTRA)
            if self.done == 12:
                self.last_ns = self.context.clock_ns() + 500_000_000
                gevent.spawn_later(0.8, over.set)
            over.wait()
            return Observation(outcome="timeout", extra=EXTRA)

        def ticks():
            for due_ns in count(0, 10_000_000):
                if self.done and self.begin_ns + due_ns > self.last_ns:
                    return
                yield Ticket(op="write_probe", act=act, due_ns=due_ns)

        return TrialLoad(client="lean", streams=(Stream(tickets=ticks(), slots=2, backlog=0, blocked=BLOCKED),))


HangingUser = locust_user(Hanging)
"""


def test_locust_counts_a_blocked_tick_as_it_counts_any_other(place: Place) -> None:
    """Two trials: ten ticks are answered, two hang, the fifty that fall due within 0.5 s of that are blocked. No tick is missing."""
    place.run.mkdir()
    file, out, prefix = place.run / "hanging.py", place.run / "it", place.run / "stats"
    file.write_text(HANGING)
    command = [
        sys.executable, "-m", "locust", "-f", str(file), "--headless", "-u", "3", "-r", "3", "--only-summary",
        "--harness-profile", "smoke", "--harness-out", str(out), "--csv", str(prefix),
    ]  # fmt: skip
    place.start(command).wait(90)
    with (place.run / "stats_stats.csv").open() as stats:
        counted = next(int(row["Request Count"]) for row in csv.DictReader(stats) if row["Name"] == "Aggregated")
    entry, rows = Run.load(out).scenario("rds_failover"), Run.load(out).samples("rds_failover")
    assert entry["status"] == "complete", place.said
    assert counted == entry["requests"] == entry["rows"] == len(rows) >= 2 * (10 + 2 + 49)
    assert entry["dropped"] == 0
    for _, trial in rows.groupby("trial"):
        due = sorted(trial["t_intended"])
        assert {later - earlier for earlier, later in pairwise(due)} == {10_000_000}
        hung_since = trial.loc[trial["outcome"] == "timeout", "t_start"].max()
        until = trial.loc[trial["outcome"] == "timeout", "t_end"].min()
        blocked = trial.loc[trial["error_code"] == "Blocked", "t_intended"]
        assert sorted(blocked) == [at for at in due if hung_since <= at < until]
        assert len(blocked) in (50, 51)
    assert place.leftovers() == []
