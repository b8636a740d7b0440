"""Part ``connections``: connections opened one by one up to the limit and past it, beside those who have one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.plan import Cell, Trial
from harness.recorder import Observation
from harness.scenario import Slot, Stream, Ticket
from harness.sharing import deal, share_out
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.operations.load import READ, WRITE, Desk, Handed, Load, handed_out
from harness.sql.operations.part import Room, apply_group, engine_of
from harness.sql.operations.settings import RdsOperationsSettings

if TYPE_CHECKING:
    from harness.sql.operations.instances import Instance

CONNECT = "connect"
BELOW, ABOVE = "below", "above"
EACH = 2  # readers, and writers, who have a connection before
# libpq doesn't hand on the SQLSTATE of a login that was refused, only the words.
TOO_MANY_CONNECTIONS = "53300"
POSTGRES_FULL = ("sorry, too many clients already", "remaining connection slots are reserved")
APPLICATION = "application"  # PostgreSQL keeps a few connections for superusers, which an application isn't


class ConnectionLimit:
    """See Part. ``below`` stays at half the limit, ``above`` goes on where it is refused."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._endpoint: SqlEndpoint
        self._opened = 0

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """Both arms for every limit."""
        for engine in self._room.engines:
            for limit in settings.connection_limits:
                yield Cell(
                    arms=(BELOW, ABOVE), step=str(limit), labels={"part": "connections", "engine": engine},
                    params={
                        "max_connections": limit, "held": 2 * EACH, "connections_per_s": settings.connections_per_s,
                        "reads_per_s": settings.reads_per_s, "writes_per_s": settings.writes_per_s,
                        "warm_up_s": settings.warm_up_s, "before_s": settings.before_s, "after_s": settings.after_s,
                    },
                )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """How many are opened."""
        limit, beyond = int(trial.params["max_connections"]), self._room.settings.connections_beyond
        opened = (limit // 2 if trial.arm == BELOW else limit + beyond) - 2 * EACH
        return replace(trial, params=trial.params | {"opened": opened})

    def set_up(self) -> None:
        """The instances, side by side."""
        self._room.make_instances([self._room.settings.flights])

    def prepare(self, trial: Trial) -> None:
        """The limit applied."""
        instance = self._room.instance(engine_of(trial))
        apply_group(self._room, trial, instance, f"max_connections_{trial.step}", {"max_connections": trial.step})
        self._endpoint = _of_application(instance)

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where the instance is, and as whom an application comes in."""
        return {"endpoint": handed_out(self._endpoint)}

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """Opening connections is the load's."""

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """How many could be opened."""
        self._opened = sum(int(one["opened"]) for one in told)

    def end(self, trial: Trial) -> None:
        """All are closed again."""
        self._room.note(trial, "connections", opened=self._opened, limit=int(trial.params["max_connections"]))

    def tear_down(self) -> None:
        """Nothing: its servers end with the services."""


class Opening(Load):
    """Reads and writes on connections that are there, each slot's its own, and one slot that opens others and keeps them."""

    def __init__(self, trial: Trial, desk: Desk, handed: Handed) -> None:
        params = trial.params
        opening_s = float(params["before_s"]) + int(params["opened"]) / float(params["connections_per_s"])
        lasts_s = float(params["warm_up_s"]) + opening_s + float(params["after_s"])
        super().__init__(trial, desk, handed, duration_s=lasts_s)
        self._open: list[SqlConnection] = []

    def streams(self) -> tuple[Stream, ...]:
        """See Load; those connected who are to have a connection."""
        params, opening = self.trial.params, Stream(tickets=self._opening(), slots=1)
        streams = (
            self.open(READ, self.read, per_s=float(params["reads_per_s"]), slots=EACH),
            self.open(WRITE, self.write, per_s=float(params["writes_per_s"]), slots=EACH),
            opening,
        )
        held = [0] * len(self.desk.shares)
        served = share_out(streams, sum(self.desk.shares))
        for owner, stream in zip(deal(self.desk.shares), served, strict=False):
            held[owner] += stream is not opening
        held[0] += int(params["held"]) - sum(held)  # with fewer slots than that they are held all the same
        self.pool.fill(held[self.desk.part[0]])
        return streams

    def ended(self) -> dict[str, Any]:
        """See Load; how many could be opened."""
        return super().ended() | {"opened": len(self._open)}

    def close(self) -> None:
        """See Load."""
        while self._open:
            self._open.pop().close()
        super().close()

    def live(self) -> dict[str, float]:
        """See Load."""
        told = super().live()
        told[f"connections_count|{self.trial.labels['engine']}"] += len(self._open)
        return told

    def _opening(self) -> Iterator[Ticket]:
        params = self.trial.params
        first_ns = int((float(params["warm_up_s"]) + float(params["before_s"])) * 1e9)

        def act(slot: Slot) -> Observation:  # noqa: ARG001 - connections are kept until the trial ends
            return self._connect()

        for number in range(int(params["opened"])):
            due_ns = first_ns + int(number / float(params["connections_per_s"]) * 1e9)
            yield Ticket(op=CONNECT, act=act, due_ns=due_ns)

    def _connect(self) -> Observation:
        labels, params = self.trial.labels, self.trial.params
        try:
            self._open.append(connect(self.endpoint))
        except Exception as error:  # noqa: BLE001 - classified; what drivers raise has no common class
            outcome, code = classify(error, sent=False)
            said = _plain(error)
            if said.startswith(POSTGRES_FULL):
                code = TOO_MANY_CONNECTIONS
            self.desk.context.events.add(
                "refused_connection", trial=self.trial.trial, engine=labels["engine"], part=labels["part"], error=code, text=said,
                number=len(self._open) + int(params["held"]), limit=int(params["max_connections"]),
            )  # fmt: skip
            return Observation(outcome=outcome, error_code=code, extra=self.extra)
        return Observation(extra=self.extra)


def _of_application(instance: "Instance") -> SqlEndpoint:
    """As an application comes in: not as one of those for whom connections are kept back."""
    engine: Engine = instance.engine
    endpoint = instance.endpoint
    if engine == "mysql":
        return endpoint  # its user has no right over anything but the database
    with instance.administered() as connection:
        if not connection.query("SELECT 1 FROM pg_roles WHERE rolname = %s", (APPLICATION,)):
            connection.execute(f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{endpoint.password}'")
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {APPLICATION}")
    return replace(endpoint, user=APPLICATION)


def _plain(error: Exception) -> str:
    """What the server said: the text beside PyMySQL's number; of libpq's, what comes after who said it."""
    said = str(error.args[-1]) if error.args else str(error)
    return said.rpartition("FATAL:")[2].strip() or type(error).__name__
