"""What a commit costs before anything fails: one connection that writes row after row to one topology."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Context, Slot, Stream, Ticket, TrialLoad
from harness.sql import ledger
from harness.sql.connections import classify, connect
from harness.sql.endpoint import DRIVERS, SqlEndpoint
from harness.sql.failover.probes import nothing_known
from harness.sql.failover.stage import Stage

if TYPE_CHECKING:
    from harness.local.topologies.model import ZonesApart

OP = "commit"


class Commits:
    """One trial, where the databases are."""

    def __init__(self, trial: Trial, stage: Stage) -> None:
        self._trial, self._stage = trial, stage

    def prepare(self) -> None:
        """As RDS has it, and the zones as far apart as the trial says. Raises what is in TROUBLE."""
        self._stage.prepare({}, behind_doors=False)
        delay_ms = float(self._trial.params["inter_az_ms"])
        if self._stage.topology.name == "multi_az_cluster" and delay_ms:
            cast("ZonesApart", self._stage.topology).set_inter_az(delay_ms)

    def hand_out(self) -> dict[str, Any]:
        """Where the one connection goes."""
        return {"writer": asdict(self._stage.writer), "zone": self._stage.topology.writer}

    def begun(self, begin_ns: int) -> None:
        """Nothing is to happen."""

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Nothing was kept."""

    def settle(self) -> None:
        """Nothing is left to be settled."""


class CommitLoad:
    """The closed loop of one trial, in the process that has its slot."""

    def __init__(self, trial: Trial, handed: Mapping[str, Any], context: Context, next_id: Callable[[], int]) -> None:
        self._trial, self._context, self._next_id = trial, context, next_id
        self._writer, self._zone = SqlEndpoint(**handed["writer"]), handed["zone"]
        self._key = "commits", trial.trial

    def load(self) -> TrialLoad:
        """One commit after the other, for as long as the trial lasts."""
        stream = Stream(tickets=self._tickets(), slots=int(self._trial.params["connections"]))
        return TrialLoad(client=DRIVERS[self._writer.engine], streams=(stream,))

    def begun(self, begin_ns: int) -> None:
        """Nothing is to happen."""

    def ended(self) -> dict[str, Any]:
        """Nothing is to be told; the connection is its slot's."""
        return {}

    def _tickets(self) -> Iterator[Ticket]:
        params, clock_ns = self._trial.params, self._context.clock_ns
        warm_ns = clock_ns() + int(float(params["warm_up_s"]) * 1e9)
        end_ns = warm_ns + int(float(params["measured_s"]) * 1e9)
        while (now_ns := clock_ns()) < end_ns:
            yield Ticket(op=OP, act=self._commit, warm_up=now_ns < warm_ns)

    def _commit(self, slot: Slot) -> Observation:
        write_id = self._next_id()
        extra = nothing_known(self._writer.engine, "") | {"write_id": write_id, "zone": self._zone}
        try:
            connection = slot.hold(self._key, lambda: connect(self._writer))
            ledger.write(connection, write_id, self._trial.trial, once=False)
        except Exception as error:  # noqa: BLE001 - classified; what drivers raise has no common class
            slot.drop(self._key)
            outcome, code = classify(error, sent=True)
            return Observation(outcome=outcome, error_code=code, extra=extra)
        return Observation(extra=extra)
