"""What rds_failover measures: its trials, who watches each of them, and how long it lasts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from harness.errors import CannotMeasure
from harness.local.topologies.model import TopologyName
from harness.plan import Cell, Trial, interleave
from harness.sql.endpoint import Engine
from harness.sql.failover.cells import BY_HAND, FailoverCell
from harness.sql.failover.settings import REFERENCE, RdsFailoverSettings

FAILOVER_ARM = "clients"  # one fault is one trial for all client arms at once
SYNCHRONY_TOPOLOGIES: tuple[TopologyName, ...] = ("single_az", "multi_az_cluster")
# Arms that some topologies have no use for: another address to try, a copy to read.
_NEEDS_TWO_ZONES, _NEEDS_READERS = frozenset({"multi_host"}), frozenset({"reader"})
_READABLE: frozenset[TopologyName] = frozenset({"multi_az_cluster", "async_replica"})

Offers = Callable[[Engine, str], bool]


def trials_of(
    settings: RdsFailoverSettings, engines: Sequence[Engine], offers: Offers, seed: str, slots: int
) -> list[Trial]:
    """What synchrony costs before anything fails; then the failovers, every cell once a round, and last those at RDS's own pace.

    ``engines`` are those that are there, ``offers`` says whether a client arm can be had for an engine. Where there are fewer
    ``slots`` than all arms' connections, each arm has equally fewer. Raises CannotMeasure where some would have none.
    """
    cells = [cell for cell in settings.planned if cell.engine in engines]
    parts = (
        (_synchrony(settings, engines), settings.synchrony_rounds, "synchrony"),
        (_failovers(settings, cells, "fast", offers, slots), settings.trials, "fast"),
        (_failovers(settings, cells, "rds", offers, slots), settings.rds_trials, "rds"),
    )
    trials: list[Trial] = []
    for part, rounds, name in parts:
        first = trials[-1].pair + 1 if trials else 0
        trials += [
            replace(_of_its_arm(trial), trial=len(trials) + at, pair=first + trial.pair)
            for at, trial in enumerate(interleave(list(part), rounds=rounds, seed=f"{seed}/{name}"))
        ]
    return trials


def _of_its_arm(trial: Trial) -> Trial:
    """In part synchrony the arm is the topology."""
    if trial.labels["part"] != "synchrony":
        return trial
    return replace(trial, labels=trial.labels | {"topology": trial.arm})


def arms_of(settings: RdsFailoverSettings, cell: FailoverCell, offers: Offers) -> tuple[str, ...]:
    """The client arms that watch a failover of ``cell``, in the settings' order, and the reference where it can be had."""
    wanted = settings.client_arms if cell.durability == "default" else settings.durability_arms
    without: set[str] = set()
    if cell.topology == "single_az":
        without |= _NEEDS_TWO_ZONES
    if cell.topology not in _READABLE:
        without |= _NEEDS_READERS
    if cell.pace == "fast":  # a trial is shorter than what a resolver that keeps to the TTL may keep
        without.add("tuned_ttl")
    reference = (REFERENCE,) if offers(cell.engine, REFERENCE) else ()
    return (*(arm for arm in wanted if arm not in without and offers(cell.engine, arm)), *reference)


def _failovers(
    settings: RdsFailoverSettings, cells: Iterable[FailoverCell], pace: str, offers: Offers, slots: int
) -> Iterator[Cell]:
    slow = pace == "rds"
    for cell in cells:
        if cell.pace == pace:
            arms = arms_of(settings, cell, offers)
            connections = min(settings.connections, 2 * (slots // (2 * len(arms))))  # half for reads, half for writes
            if not connections:
                least = 2 * len(arms)
                raise CannotMeasure(
                    f"needs at least {least} slots for {len(arms)} clients, has {slots}; give -u {least} or more"
                )
            by_hand: dict[str, float | int | str] = {"by_hand_s": settings.by_hand_s} if cell.fault == BY_HAND else {}
            yield Cell(
                arms=(FAILOVER_ARM,), step=cell.step,
                labels={
                    "part": "failover" if cell.durability == "default" else "durability", "engine": cell.engine,
                    "topology": cell.topology, "fault": cell.fault, "pace": cell.pace, "durability": cell.durability,
                },
                params=by_hand | {
                    "probe_interval_ms": settings.probe_interval_ms,
                    "warm_up_s": settings.warm_up_s, "before_s": settings.rds_before_s if slow else settings.before_s,
                    "cap_s": settings.rds_cap_s if slow else settings.cap_s,
                    "connections": connections, "inter_az_ms": 0.0,
                    "failovers_a_month": settings.failovers_a_month,
                    "availability_target": settings.availability_target,
                    "client_arms": ",".join(arms),
                },
            )  # fmt: skip


def _synchrony(settings: RdsFailoverSettings, engines: Sequence[Engine]) -> Iterator[Cell]:
    """Commits one after the other: alone, and where each waits for another zone that is so far away."""
    for engine in engines:
        for delay_ms in settings.synchrony_ms:
            yield Cell(
                arms=SYNCHRONY_TOPOLOGIES, step=f"{delay_ms:g}ms",
                labels={
                    "part": "synchrony", "engine": engine, "fault": "", "pace": "fast", "durability": "default",
                },
                params={
                    "inter_az_ms": delay_ms, "measured_s": settings.synchrony_s,
                    "warm_up_s": settings.synchrony_warm_up_s, "connections": 1,
                },
            )  # fmt: skip
