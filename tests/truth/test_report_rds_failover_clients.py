"""What each client of one failover met comes back as planted: ratios, steps, errors, blocked ticks, brown-outs, backward reads."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_failovers import Meets, PlantedFailovers
from rundir import PlantedRun, finding_of, findings_of

from reports import rds_failover
from reports.rds_failover.brown_out import WINDOW, lasted_s
from reports.rds_failover.errors import went_backward
from reports.section import Section

CASE = "rds_failover.mysql.multi_az_instance.crash"
WRITES_MS = (400, 420, 440, 460, 410, 450)


@pytest.fixture
def failovers(tmp_path: Path) -> PlantedFailovers:
    return PlantedFailovers(PlantedRun(tmp_path / "run"))


def section_of(failovers: PlantedFailovers) -> Section:
    failovers.write()
    return rds_failover.analyse(failovers.planted.load())


def all_alike(failovers: PlantedFailovers, **clients: Meets) -> Section:
    """Six trials in each of which every client meets the same."""
    for _ in range(6):
        failovers.trial(clients=clients)
    return section_of(failovers)


def test_the_worst_client_is_held_against_the_best_trial_by_trial(failovers: PlantedFailovers) -> None:
    """800 ms of the pool ÷ 400, 420, 440, 460, 410, 450: 2, 1.905, 1.818, 1.739, 1.951, 1.778; median (1.818 + 1.905)/2."""
    for write_ms in WRITES_MS:
        failovers.trial(
            clients={"tuned": Meets(write_ms=write_ms), "pool": Meets(write_ms=800), "keepalive": Meets(write_ms=600)}
        )
    section = section_of(failovers)
    ratio = finding_of(section, f"{CASE}.client_ratio")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx(((800 / 440 + 800 / 420) / 2, 800 / 460, 2.0))
    assert (ratio.labels["client"], ratio.labels["against"], ratio.n, ratio.headline) == ("pool", "tuned", 6, True)
    assert (
        "the pool without pre-ping 800 ms, the tuned client 430 ms (the worst and the best of 3 clients"
        in ratio.sentence
    )


def test_the_ratio_to_a_client_that_never_came_back_is_a_bound(failovers: PlantedFailovers) -> None:
    """At least 2,009 ms ÷ 400 to 460; the median of these is (2009/440 + 2009/420)/2. The pool that isn't back either is named."""
    for write_ms in WRITES_MS:
        never = Meets(write_ms=None, read_ms=None)
        failovers.trial(clients={"tuned": Meets(write_ms=write_ms), "pool": never, "naive": never})
    ratio = finding_of(section_of(failovers), f"{CASE}.client_ratio")
    assert (ratio.value, ratio.high, ratio.status) == (pytest.approx((2009 / 440 + 2009 / 420) / 2), None, "at_least")
    assert "writes were down at least 4.67 times as long for one client as for another" in ratio.sentence
    assert "not back within the cap either: the pool without pre-ping" in ratio.sentence


def test_where_nobody_came_back_nobody_is_best(failovers: PlantedFailovers) -> None:
    """Not measured, and the server itself is no client."""
    never = Meets(write_ms=None, read_ms=None)
    section = all_alike(failovers, tuned=never, naive=never, reference=Meets())
    ratio = finding_of(section, f"{CASE}.client_ratio")
    assert (ratio.status, ratio.reason) == ("not_measured", "no client came back within the cap")


def test_minutes_a_month_are_the_failovers_times_the_median(failovers: PlantedFailovers) -> None:
    """4,000 failovers of 0.43 s are 28.67 minutes, beyond the 21.9 of 99.95 % of 730 hours; one is 0.00717, within them."""
    for write_ms in WRITES_MS:
        failovers.trial(clients={"tuned": Meets(write_ms=write_ms)}, failovers_a_month=4000.0)
        failovers.trial(fault="hang", clients={"tuned": Meets(write_ms=write_ms)}, failovers_a_month=1.0)
    section = section_of(failovers)
    many = finding_of(section, f"{CASE}.unavailable_minutes_a_month", client="tuned")
    assert (many.value, many.high, many.basis) == (
        pytest.approx(4000 * 0.43 / 60),
        pytest.approx(4000 * 0.46 / 60),
        "modelled",
    )
    assert "28.7 minutes of writes, beyond the 21.9 that a target of 99.95 % allows" in many.sentence
    one = finding_of(section, "rds_failover.mysql.multi_az_instance.hang.unavailable_minutes_a_month", client="tuned")
    assert one.value == pytest.approx(0.43 / 60)
    assert "0.00717 minutes of writes, within the 21.9" in one.sentence


def test_the_error_window_reaches_from_the_first_attempt_that_failed_to_the_end_of_the_last(
    failovers: PlantedFailovers,
) -> None:
    """Writes due from 0 to 380 ms fail after 250 ms each: until 630. A client that was answered throughout met none."""
    section = all_alike(failovers, tuned=Meets(write_ms=400, fails_after_ms=250), reader=Meets(writes=False, read_ms=0))
    window = finding_of(section, f"{CASE}.error_window_s", client="tuned")
    assert (window.value, window.low, window.high) == pytest.approx((0.63, 0.63, 0.63))
    none = finding_of(section, f"{CASE}.error_window_s", client="reader")
    assert (none.value, none.status) == (0.0, "measured")
    assert "met no error" in none.sentence


def test_a_client_that_is_not_back_has_met_errors_for_at_least_as_long(failovers: PlantedFailovers) -> None:
    """From 0 to the end of the last attempt, 1,991 ms."""
    section = all_alike(failovers, naive=Meets(write_ms=None, read_ms=None))
    window = finding_of(section, f"{CASE}.error_window_s", client="naive")
    assert (window.value, window.high, window.status) == (pytest.approx(1.991), None, "at_least")


def test_blocked_ticks_are_a_share_of_those_due_after_the_fault(failovers: PlantedFailovers) -> None:
    """Writes due from 100 to 380 ms, 29, and reads from 100 to 280, 19: 48 of 2 × 200."""
    section = all_alike(failovers, tuned=Meets(write_ms=400, read_ms=300, blocked_from_ms=100))
    share = finding_of(section, f"{CASE}.blocked_share", client="tuned")
    assert (share.value, share.low, share.high) == pytest.approx((0.12, 0.12, 0.12))
    assert "no free connection of its 16 at 12 % of 2,400 ticks" in share.sentence


def test_reads_that_went_backwards_are_counted_client_by_client(failovers: PlantedFailovers) -> None:
    """The read due at 500 saw 480 after the one before had ended with 490; in every trial, so six of six times 200 answered."""
    lagging = Meets(writes=False, read_ms=0, seen_id=lambda due_ms: 1000 + (480 if due_ms == 500 else due_ms))
    steady = Meets(read_ms=0, write_ms=0, seen_id=lambda due_ms: 1000 + due_ms)
    section = all_alike(failovers, reader=lagging, tuned=steady, reference=lagging)
    backward = finding_of(section, f"{CASE}.backward_reads", client="reader")
    assert (backward.value, backward.low, backward.high, backward.n) == (6, 6, 6, 6)
    assert "6 of 1,500 reads" in backward.sentence  # 50 before the fault and 200 after it
    assert finding_of(section, f"{CASE}.backward_reads", client="tuned").value == 0
    assert findings_of(section, f"{CASE}.backward_reads", client="reference") == []


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ([(0, 10, 5), (11, 12, 4)], 1),
        ([(0, 10, 5), (5, 12, 4)], 0),  # it began before the other had ended
        ([(0, 10, 5), (10, 12, 4)], 0),  # at the same moment isn't after
        ([(0, 1, 5), (2, 3, 4), (4, 5, 4), (6, 7, 5)], 2),  # twice behind the first; the last is level with it
        ([(0, 1, 5), (2, 3, -1), (4, 5, 6)], 0),  # what saw nothing says nothing
        ([], 0),
    ],
)
def test_a_read_went_backwards_only_past_one_that_had_ended_before_it_began(
    reads: list[tuple[int, int, int]], expected: int
) -> None:
    """By t_start, t_end and the newest row's id."""
    assert went_backward(pd.DataFrame(reads, columns=["t_start", "t_end", "seen_id"])) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(-1, 9)), max_size=25))
def test_backward_reads_are_those_that_a_look_at_every_pair_finds(reads: list[tuple[int, int, int]]) -> None:
    """Any reads, in any order."""
    rows = [(start, start + took, seen) for start, took, seen in reads]
    every = sum(
        any(end < start and other > seen for _, end, other in rows) for start, _, seen in rows if seen >= 0
    )  # fmt: skip
    assert went_backward(pd.DataFrame(rows, columns=["t_start", "t_end", "seen_id"])) == every


def test_a_brown_out_lasts_until_a_window_has_its_p99_back(failovers: PlantedFailovers) -> None:
    """Back at 391 ms; reads and writes due from 400 to 590 take 20 ms, 1 ms before the fault. The first window of 100 operations with
    but one of these begins with the last of them, due at 590: 199 ms after it was back.
    """
    section = all_alike(failovers, tuned=Meets(write_ms=400, slow_from_ms=400, slow_until_ms=600))
    brown = finding_of(section, f"{CASE}.brown_out_s", client="tuned")
    assert (brown.value, brown.low, brown.high) == pytest.approx((0.199, 0.199, 0.199))
    assert brown.n == 6


def test_twice_as_slow_is_not_yet_a_brown_out(failovers: PlantedFailovers) -> None:
    """2 ms where 1 ms was usual: at once."""
    section = all_alike(failovers, tuned=Meets(write_ms=400, slow_from_ms=400, slow_until_ms=600, slow_ms=2))
    brown = finding_of(section, f"{CASE}.brown_out_s", client="tuned")
    assert (brown.value, brown.status) == (0.0, "measured")
    assert "p99 was within twice that of before at once" in brown.sentence


def test_a_brown_out_that_outlasts_the_trial_is_at_least_as_long(failovers: PlantedFailovers) -> None:
    """160 ticks of two operations are due from 400 to 1,990 ms; the last window of 100 begins at 1,500: 1.109 s after 391 ms."""
    section = all_alike(failovers, tuned=Meets(write_ms=400, slow_from_ms=400, slow_until_ms=3000))
    brown = finding_of(section, f"{CASE}.brown_out_s", client="tuned")
    assert (brown.value, brown.status) == (pytest.approx(1.109), "at_least")


def test_a_brown_out_that_cannot_be_told_is_not_measured(failovers: PlantedFailovers) -> None:
    """Back 400 ms before the end, 80 operations; never back; too few operations before the fault, 2 × 4 × 6."""
    for _ in range(6):
        clients = {"tuned": Meets(write_ms=400), "naive": Meets(write_ms=None, read_ms=None)}
        failovers.trial(clients=clients, cap_ms=800)
        failovers.trial(fault="hang", clients={"tuned": Meets(write_ms=400)}, before_ms=40)
    section = section_of(failovers)
    reasons = {
        client: finding_of(section, f"{CASE}.brown_out_s", client=client).reason or "" for client in ("tuned", "naive")
    }
    assert "fewer than 100 operations were due after it was back" in reasons["tuned"]
    assert "it didn't come back" in reasons["naive"]
    short = finding_of(section, "rds_failover.mysql.multi_az_instance.hang.brown_out_s", client="tuned")
    assert (short.value, "48 operations before the fault are too few" in (short.reason or "")) == (None, True)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=260), st.integers(1, 3))
def test_the_first_good_window_is_the_one_that_looking_at_each_finds(slow: list[bool], every: int) -> None:
    """Operations due every so many ms; at most one of a hundred may be slow."""
    due_s = np.arange(len(slow)) * every / 1e3 + 0.001
    windows = range(len(slow) - WINDOW + 1)
    good = next((at for at in windows if sum(slow[at : at + WINDOW]) <= 1), None)
    found = lasted_s(due_s, np.array(slow, dtype=bool))
    if len(slow) < WINDOW:
        assert found is None
    elif good is None:
        assert found == (pytest.approx(due_s[windows[-1]]), False)
    else:
        assert found == (pytest.approx(due_s[good] if good else 0.0), True)


STEPS = {"resolved_ns": 315, "connected_ns": 330, "authenticated_ns": 400}


def phases(section: Section, client: str) -> Mapping[str, float | None]:
    return {one.labels["phase"]: one.value for one in findings_of(section, f"{CASE}.phase_s", client=client)}


def test_a_clients_steps_follow_each_other_from_the_fault_to_the_first_write(failovers: PlantedFailovers) -> None:
    """The first failure at 1 ms, the name at 315, connected 330, authenticated 400; the first read that ends after that at 401, the
    first write at 441: 1, 314, 15, 70, 1 and 40 ms.
    """
    section = all_alike(failovers, tuned=Meets(write_ms=450, read_ms=300, steps_ms=STEPS))
    expected = {
        "detection": 0.001,
        "DNS": 0.314,
        "connect": 0.015,
        "authenticate": 0.07,
        "first read": 0.001,
        "first write": 0.04,
    }
    assert phases(section, "tuned") == pytest.approx(expected)
    assert sum(expected.values()) == pytest.approx(0.441)


def test_steps_that_a_client_does_not_take_have_no_part(failovers: PlantedFailovers) -> None:
    """One that dials its addresses without asking a name; one that only reads; one that wasn't down; the server itself."""
    dials = Meets(write_ms=450, steps_ms={"connected_ns": 330})
    only_reads, never_down = Meets(writes=False, read_ms=300), Meets(writes=False, read_ms=0)
    section = all_alike(failovers, multi_host=dials, reader=only_reads, proxy=never_down, reference=dials)
    assert phases(section, "multi_host") == pytest.approx(
        {"detection": 0.001, "connect": 0.329, "first read": 0.001, "first write": 0.11}
    )  # reads are answered every 10 ms: the first that ends after 330 does at 331
    assert phases(section, "reader") == pytest.approx({"detection": 0.001, "first read": 0.29})
    assert phases(section, "proxy") == phases(section, "reference") == {}


def test_of_a_client_that_never_came_back_only_what_it_noticed_is_known(failovers: PlantedFailovers) -> None:
    """One fails after 250 ms, one hangs beyond the cap and noticed nothing; both are drawn as not back up to the cap."""
    section = all_alike(
        failovers, tuned=Meets(write_ms=450, steps_ms=STEPS), pool=Meets(write_ms=None, read_ms=None, fails_after_ms=250),
        naive=Meets(write_ms=None, read_ms=None, fails_after_ms=2300),
    )  # fmt: skip
    assert phases(section, "pool") == pytest.approx({"detection": 0.25})
    assert phases(section, "naive") == {}
    table = next(chart.table for chart in section.charts if chart.id.endswith("-steps")).set_index(["client", "phase"])
    assert table.loc[("pool", "not back")].tolist() == pytest.approx([0.25, 2.0])
    assert table.loc[("naive", "not back")].tolist() == pytest.approx([0.0, 2.0])
    assert table.loc[("tuned", "first write")].tolist() == pytest.approx([0.401, 0.441])


def test_the_controllers_phases_are_told_apart_by_its_events(failovers: PlantedFailovers) -> None:
    """20, 5, 275 and 10 ms; a planned failover has nothing to detect."""
    for _ in range(6):
        failovers.trial(clients={"tuned": Meets()})
        planned = {"failover_asked": 0, "fenced": 60, "server_ready": 160, "dns_moved": 165}
        failovers.trial(fault="planned", clients={"tuned": Meets()}, controller_ms=planned)
    section = section_of(failovers)
    of_crash = {one.labels["phase"]: one.value for one in findings_of(section, f"{CASE}.controller_phase_s")}
    assert of_crash == pytest.approx({"detection": 0.02, "fencing": 0.005, "recovery": 0.275, "DNS move": 0.01})
    case = "rds_failover.mysql.multi_az_instance.planned"
    of_planned = {one.labels["phase"]: one.value for one in findings_of(section, f"{case}.controller_phase_s")}
    assert of_planned == pytest.approx({"fencing": 0.06, "recovery": 0.1, "DNS move": 0.005})


@settings(deadline=None, max_examples=40)
@given(
    stamps=st.lists(st.integers(-50, 700), min_size=3, max_size=3), write_ms=st.integers(3, 60), read_ms=st.integers(0, 60),
    fails_after_ms=st.integers(1, 300),
)  # fmt: skip
def test_steps_always_add_up_to_the_first_write(
    tmp_path_factory: pytest.TempPathFactory, stamps: list[int], write_ms: int, read_ms: int, fails_after_ms: int
) -> None:
    """Whatever was stamped, in whatever order, before the fault or beyond the first write: no step is negative, and all are it."""
    failovers = PlantedFailovers(PlantedRun(tmp_path_factory.mktemp("run") / "run"))
    steps = dict(zip(STEPS, stamps, strict=True))
    meets = Meets(write_ms=10 * write_ms, read_ms=10 * read_ms, steps_ms=steps, fails_after_ms=fails_after_ms)
    failovers.trial(clients={"tuned": meets}, cap_ms=900, before_ms=50)
    lengths = phases(section_of(failovers), "tuned").values()
    known = [length for length in lengths if length is not None]
    assert min(known) >= 0
    assert math.isclose(sum(known), (10 * write_ms - 9) / 1e3, abs_tol=1e-9)


def test_what_one_client_meets_changes_nothing_of_anothers_figures(failovers: PlantedFailovers) -> None:
    """The tuned client's figures are those of a run in which it watched alone."""
    alone = Meets(write_ms=420, steps_ms=STEPS, blocked_from_ms=100)
    beside = {"naive": replace(alone, write_ms=None), "pool": replace(alone, write_ms=900, slow_until_ms=2000)}
    both = PlantedFailovers(PlantedRun(failovers.planted.path.parent / "both"))
    figures = []
    for place, clients in ((failovers, {"tuned": alone}), (both, {"tuned": alone, **beside})):
        section = all_alike(place, **clients)
        figures.append({
            (one.id, one.labels.get("phase")): (one.value, one.low, one.high)
            for one in section.findings if one.labels.get("client") == "tuned"
        })  # fmt: skip
    assert figures[0] == figures[1]
    assert len(figures[0]) > 10
