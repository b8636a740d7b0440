"""The probes of a client arm: what one tick writes, tries again, and says in its row."""

from collections.abc import Callable
from itertools import count
from typing import Any

from harness.scenario import Slot
from harness.sql.clients.model import Stamps, Tried
from harness.sql.clients.retry import Retry, RetryKind
from harness.sql.failover.ledgers import ArmLedgers
from harness.sql.failover.probes import COLUMNS, Probes

STAMPS = Stamps(address="127.0.1.2", resolved_ns=10, connected_ns=20, authenticated_ns=30)
BROKEN = ConnectionResetError("gone")  # after sending: nobody knows what became of it


class Answers:
    """A client whose attempts come to what it was told, one after the other; statements are kept."""

    def __init__(self, retry: RetryKind, *outcomes: Exception | None, rows: tuple[tuple[int, ...], ...] = ()) -> None:
        self.arm, self.retry, self.is_cut = "tuned", Retry(kind=retry), False
        self.engine = "mysql"
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        self._outcomes, self._rows = list(outcomes), rows

    def attempt(self, slot: Slot, work: Callable[[Any], Any]) -> Tried[Any]:
        value = work(self)
        error = self._outcomes.pop(0) if self._outcomes else None
        return Tried(value=None if error else value, error=error, sent=True, stamps=STAMPS)

    def query(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[int, ...]]:
        return list(self._rows)

    def execute(self, sql: str, params: tuple[Any, ...] = ()) -> int:
        self.said.append((sql, params))
        return 1

    def cut(self) -> None:
        self.is_cut = True

    def close(self) -> None:
        """Nothing is open."""


class Clock:
    """Ten milliseconds a look; sleeping only counts."""

    def __init__(self) -> None:
        self.now_ns, self.slept = 0, 0

    def __call__(self) -> int:
        self.now_ns += 10_000_000
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.slept += 1


def probes(client: Any, ends_ns: int = 10**12) -> tuple[Probes, ArmLedgers, Clock]:
    numbers, clock = count(41), Clock()
    ledgers = ArmLedgers(("tuned",), lambda: next(numbers))
    made = Probes(
        client=client, engine="mysql", trial=3, ledgers=ledgers, sleep_s=clock.sleep, ends_ns=lambda: ends_ns,
        clock_ns=clock,
    )  # fmt: skip
    return made, ledgers, clock


def test_a_read_tells_the_newest_id_and_the_steps_it_took() -> None:
    """The whole row of the contract: nothing of a write in it."""
    made, *_ = probes(Answers("none", rows=((7,),)))
    seen = made.read(Slot(0))
    assert seen.outcome == "ok"
    assert seen.extra == {
        "engine": "mysql", "client_arm": "tuned", "write_id": -1, "zone": "127.0.1.2", "resolved_ns": 10,
        "connected_ns": 20, "authenticated_ns": 30, "seen_id": 7,
    }  # fmt: skip
    assert set(seen.extra) == set(COLUMNS)


def test_a_read_of_an_empty_table_has_seen_nothing() -> None:
    """−1, which is null in the samples."""
    made, *_ = probes(Answers("none"))
    assert made.read(Slot(0)).extra["seen_id"] == -1


def test_a_doubtful_write_is_sent_again_with_its_token_until_it_is_acknowledged() -> None:
    """Ambiguous, refused, acknowledged: three attempts of one write id, two of them left with the slot, one token."""
    client, slot = Answers("token", BROKEN, ConnectionRefusedError("down")), Slot(0)
    made, ledgers, clock = probes(client)
    seen = made.write(slot)
    assert (seen.outcome, seen.extra["write_id"]) == ("ok", 41)
    assert [attempt.seen.outcome for attempt in slot.earlier] == ["ambiguous", "error"]
    assert {params for _, params in client.said} == {(41, 3, "3.41")}
    assert (len(client.said), clock.slept) == (3, 2)
    (checked,) = ledgers.check({41: 1}).values()
    assert (checked["acknowledged"], checked["retried"], checked["duplicate"]) == (1, 1, 0)


def test_a_write_that_was_refused_from_the_start_is_left() -> None:
    """It isn't in doubt: it failed, and the next tick has the next one."""
    client, slot = Answers("blind", ConnectionRefusedError("down")), Slot(0)
    made, ledgers, _ = probes(client)
    assert made.write(slot).outcome == "error"
    assert (slot.earlier, len(client.said)) == ([], 1)
    (checked,) = ledgers.check({}).values()
    assert (checked["failed"], checked["retried"]) == (1, 0)


def test_nothing_is_tried_again_after_the_end() -> None:
    """The trial ended 1 ns after it began: the doubtful write stays in doubt."""
    client, slot = Answers("token", BROKEN), Slot(0)
    made, *_ = probes(client, ends_ns=1)
    assert made.write(slot).outcome == "ambiguous"
    assert slot.earlier == []


def test_what_was_cut_off_says_so() -> None:
    """Its connection was closed under it: no error of the database's."""
    client = Answers("none", BROKEN)
    made, *_ = probes(client)
    client.cut()
    seen = made.write(Slot(0))
    assert (seen.outcome, seen.error_code) == ("ambiguous", "CutOff")


def test_a_blocked_tick_is_a_row_of_its_arm() -> None:
    """Every connection was waiting."""
    made, *_ = probes(Answers("none"))
    seen = made.blocked()
    assert (seen.outcome, seen.error_code, seen.extra["client_arm"]) == ("error", "Blocked", "tuned")
