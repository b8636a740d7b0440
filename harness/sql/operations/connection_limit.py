"""Part ``connections``: connections opened one by one up to the limit and past it, beside those who have one."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.plan import Cell, Trial
from harness.recorder import Observation
from harness.scenario import Slot, Stream, Ticket
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.operations.load import READ, WRITE, Load
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
        self._load: Load
        self._open: list[SqlConnection] = []

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
        """The limit applied, and those connected who are to have one."""
        params, instance = trial.params, self._room.instance(engine_of(trial))
        apply_group(self._room, trial, instance, f"max_connections_{trial.step}", {"max_connections": trial.step})
        self._endpoint = _of_application(instance)
        warm_up_s = float(params["warm_up_s"])
        opening_s = float(params["before_s"]) + int(params["opened"]) / float(params["connections_per_s"])
        self._load = Load(
            trial, self._endpoint, self._room.next_id, warm_up_s=warm_up_s,
            duration_s=warm_up_s + opening_s + float(params["after_s"]), clock_ns=self._room.context.clock_ns,
        )  # fmt: skip
        self._load.pool.fill(int(params["held"]))

    def begin(self, trial: Trial) -> tuple[Stream, ...]:
        """Reads and writes on the connections that are there, and the new ones."""
        load, params = self._load, trial.params
        return (
            load.open(READ, load.read, per_s=float(params["reads_per_s"]), slots=EACH),
            load.open(WRITE, load.write, per_s=float(params["writes_per_s"]), slots=EACH),
            Stream(tickets=self._opening(trial), slots=1),
        )

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - the one that was prepared
        """Warm-up counts from here."""
        self._load.begun(begin_ns)

    def end(self, trial: Trial) -> None:
        """All are closed again."""
        self._room.note(trial, "connections", opened=len(self._open), limit=int(trial.params["max_connections"]))
        self._close()

    def tear_down(self) -> None:
        """Close what a trial that was stopped has left open."""
        self._close()

    def _opening(self, trial: Trial) -> Iterator[Ticket]:
        params = trial.params
        first_ns = int((float(params["warm_up_s"]) + float(params["before_s"])) * 1e9)

        def act(slot: Slot) -> Observation:  # noqa: ARG001 - connections are kept until the trial ends
            return self._connect(trial)

        for number in range(int(params["opened"])):
            due_ns = first_ns + int(number / float(params["connections_per_s"]) * 1e9)
            yield Ticket(op=CONNECT, act=act, due_ns=due_ns)

    def _connect(self, trial: Trial) -> Observation:
        try:
            self._open.append(connect(self._endpoint))
        except Exception as error:  # noqa: BLE001 - classified; what drivers raise has no common class
            outcome, code = classify(error, sent=False)
            said = _plain(error)
            if said.startswith(POSTGRES_FULL):
                code = TOO_MANY_CONNECTIONS
            self._room.note(
                trial, "refused_connection", error=code, text=said,
                number=len(self._open) + int(trial.params["held"]), limit=int(trial.params["max_connections"]),
            )  # fmt: skip
            return Observation(outcome=outcome, error_code=code, extra=self._load.extra)
        return Observation(extra=self._load.extra)

    def _close(self) -> None:
        while self._open:
            self._open.pop().close()
        if hasattr(self, "_load"):
            self._load.close()


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
