"""Where the time goes: what the controller did, by its own events, and the steps each client took until it could write again (D4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reports import stats
from reports.findings import Finding
from reports.rds_failover.arms import NAME, READ, REFERENCE, WRITE, client_words
from reports.rds_failover.cells import Case, Measured, Watch
from reports.words import count, seconds, span

# A phase, the event that ends it; it begins where the one before ended, the first at the fault.
CONTROLLER: Mapping[str, str] = {
    "detection": "fault_detected",
    "fencing": "fenced",
    "recovery": "server_ready",
    "DNS move": "dns_moved",
}
FIRST_READ, FIRST_WRITE = "first read", "first write"
NOT_BACK, WENT_ON = "not back", "went on"
# A client's steps; those between have the column that says when an attempt took it.
STAMPS: Mapping[str, str] = {"DNS": "resolved_ns", "connect": "connected_ns", "authenticate": "authenticated_ns"}
STEPS = ("detection", *STAMPS, FIRST_READ, FIRST_WRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of one trial, in seconds since the fault."""

    trial: int
    phase: str
    from_s: float
    to_s: float


def findings(found: Measured, case: Case) -> Iterator[Finding]:
    """The controller's, then each client's; the server itself takes no steps of a client's."""
    for phase, those in _by_phase(controller(found, case), tuple(CONTROLLER)):
        yield _controller(found, case, phase, those)
    for client in found.clients(case):
        watches = found.of_client(case, client) if client != REFERENCE else []
        for phase, those in _by_phase(of_client(watches), STEPS):
            yield _client(found, case, client, phase, those, len(watches))


def controller(found: Measured, case: Case) -> list[Phase]:
    """By trial; a planned failover begins without detection. Nothing from where an event is missing on."""
    times: dict[int, dict[str, int]] = {}
    for event in found.run.events:
        if event["scenario"] == NAME and event["trial"] in case.trials:
            times.setdefault(event["trial"], {}).setdefault(event["kind"], int(event["t_ns"]))
    phases = []
    for trial, seen in times.items():
        at_ns = begins_ns = seen.get("fault_injected", seen.get("failover_asked"))
        for phase, ended_by in CONTROLLER.items():
            if phase == "detection" and case.fault == "planned" and ended_by not in seen:
                continue
            ends_ns = seen.get(ended_by)
            if at_ns is None or begins_ns is None or ends_ns is None or ends_ns < begins_ns:
                break
            phases.append(
                Phase(trial=trial, phase=phase, from_s=(begins_ns - at_ns) / 1e9, to_s=(ends_ns - at_ns) / 1e9)
            )
            begins_ns = ends_ns
    return phases


def of_client(watches: Sequence[Watch]) -> list[Phase]:
    """One client's, of the trials in which it came back; a step that it takes in some of them lasts 0 s in the others.

    Of those in which it didn't, only when it noticed is known: nothing says which step it was stuck in.
    """
    reached = {watch.trial: milestones(watch) for watch in watches}
    taken = [step for step in STEPS if any(step in ends for ends in reached.values())]
    phases = []
    for watch in watches:
        ends, begins_ns = reached[watch.trial], watch.injected_ns
        for step in taken if _main(watch) in ends else list(ends):
            ends_ns = ends.get(step, begins_ns)
            from_s, to_s = ((at_ns - watch.injected_ns) / 1e9 for at_ns in (begins_ns, ends_ns))
            phases.append(Phase(trial=watch.trial, phase=step, from_s=from_s, to_s=to_s))
            begins_ns = ends_ns
    return phases


def milestones(watch: Watch) -> dict[str, int]:
    """When each step was over, ns, ascending: the first time at the address that the end of the outage was answered from.

    Nothing, where it wasn't down. Detection is over with the first attempt that failed. No step counts beyond the first write
    (of a client that only reads, the first read) that was answered after the outage; where that never came, only detection is
    given, and only within the cap.
    """
    main = _main(watch)
    if watch.went_on(watch.main):
        return {}
    outage, failed = watch.outages[watch.main], watch.failed["t_end"]
    limit_ns = outage.end_ns if outage.ended else watch.ends_ns - 1
    noticed = failed[failed <= limit_ns]
    ends = {"detection": int(noticed.min())} if len(noticed) else {}
    if not outage.ended:
        return ends
    rows, answered = watch.rows, watch.answered
    last = answered[(answered["op"] == watch.main) & (answered["t_end"] == outage.end_ns)]
    there = rows[(rows["zone"] == last["zone"].iloc[0]) & (rows["t_end"] > watch.injected_ns)]
    at_ns = ends.get("detection", watch.injected_ns)
    for step, column in STAMPS.items():
        stamps = there.loc[(there[column] > watch.injected_ns) & (there[column] <= limit_ns), column]
        if len(stamps):
            at_ns = ends[step] = max(at_ns, int(stamps.min()))
    if main == FIRST_WRITE:
        reads = answered.loc[(answered["op"] == READ) & (answered["t_end"] >= at_ns), "t_end"]
        if len(reads):
            ends[FIRST_READ] = min(limit_ns, int(reads.min()))
    ends[main] = limit_ns
    return ends


def _main(watch: Watch) -> str:
    return FIRST_WRITE if watch.main == WRITE else FIRST_READ


def _by_phase(phases: Sequence[Phase], order: Sequence[str]) -> Iterator[tuple[str, list[Phase]]]:
    for name in order:
        those = [phase for phase in phases if phase.phase == name]
        if those:
            yield name, those


def _controller(found: Measured, case: Case, phase: str, those: Sequence[Phase]) -> Finding:
    length = stats.median_of_trials([one.to_s - one.from_s for one in those])
    sentence = (
        f"{case.about}, after {case.after}, the controller's phase {phase}: {seconds(length.value)} (median of "
        f"{count(length.n, 'trial')}{span(length.low, length.high, seconds)}; {found.on(case.engine)})."
    )
    return found.say(case, "controller", "controller_phase_s", sentence, length, "s", "lower", about={"phase": phase})


def _client(found: Measured, case: Case, client: str, phase: str, those: Sequence[Phase], watched: int) -> Finding:
    length = stats.median_of_trials([one.to_s - one.from_s for one in those])
    of_all = "" if length.n == watched else f" of {watched}: in the others it didn't come that far"
    sentence = (
        f"{case.about}, after {case.after}, {client_words(client, case.engine)}, phase {phase}: {seconds(length.value)} "
        f"(median of {count(length.n, 'trial')}{of_all}{span(length.low, length.high, seconds)}; {found.on(case.engine)})."
    )
    return found.say(case, client, "phase_s", sentence, length, "s", "lower", about={"phase": phase})


def ends_by_client(found: Measured, case: Case) -> pd.DataFrame:
    """A row a client and step: from when to when since the fault, medians over the trials in which it came back.

    In each trial the ends ascend, so their medians do. A client that didn't come back in most trials has the row NOT_BACK
    behind what it noticed, up to the cap; one that wasn't down has WENT_ON alone.
    """
    rows = []
    for client in found.clients(case):
        watches = found.of_client(case, client) if client != REFERENCE else []
        back = [watch for watch in watches if watch.outages[watch.main].ended]
        most = 2 * len(back) > len(watches)
        begins_s = 0.0
        if 2 * sum(watch.went_on(watch.main) for watch in watches) > len(watches):
            rows.append((client, WENT_ON, 0.0, 0.0))
            continue
        for phase, those in _by_phase(of_client(back if most else watches), STEPS if most else STEPS[:1]):
            ends_s = float(pd.Series([one.to_s for one in those]).median())
            rows.append((client, phase, begins_s, ends_s))
            begins_s = ends_s
        if watches and not most:
            cap_s = float(pd.Series([(watch.ends_ns - watch.injected_ns) / 1e9 for watch in watches]).median())
            rows.append((client, NOT_BACK, begins_s, cap_s))
    return pd.DataFrame(rows, columns=["client", "phase", "from s", "to s"])
