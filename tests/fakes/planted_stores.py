"""A run of sql_vs_nosql with known answers and costs: cells are collected, numbered as the plan numbers them, and written."""

from collections.abc import Mapping, Sequence
from typing import Any

from rundir import PlantedRun, trial

from harness.stores_compared.patterns import digest
from reports import sql_vs_nosql
from reports.section import Section

NAME = "sql_vs_nosql"
EXTRA: Any = {"pattern": "text", "question": "int", "round_trips": "int", "served_from": "text"}
PARAMS = {"trial_s": 0.1, "least_answers": 4, "rounds": 6, "arms": [], "parts": ["patterns", "growth"]}
PRICES = {
    "dynamodb.on_demand_read_usd_per_million": 0.125, "dynamodb.on_demand_write_usd_per_million": 0.625,
    "rds.db_m5_large_hour_usd": 0.18, "rds.postgres_db_m5_large_hour_usd": 0.2,
}  # fmt: skip
SERVERS = {"postgres": "PostgreSQL 18.6", "mysql": "MariaDB 10.11.19", "dynamodb": "DynamoDB twin 0.1.0"}
ROUNDS, ANSWERS = 6, 20
MS, S = 10**6, 10**9
CLIENTS = {"postgres": "psycopg", "mysql": "pymysql", "dynamodb": "lean"}
# The first flights of the CSV, worked out by reading it: key, carrier, tailnum, origin, dest, dep_delay, arr_delay.
FIRST = ("2013-01-01T05:15#UA#1545", "UA", "N14228", "EWR", "IAH", 2, 11)


class PlantedStores:
    """``ask`` takes a cell's arms, each with what its answers are; a member that is a list has a value a round."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        planted.manifest["prices"]["values"] |= PRICES
        planted.manifest["config"] |= {"months": [1]}
        self.cells: list[tuple[str, str, int, Mapping[str, Mapping[str, Any]]]] = []
        self._first: dict[tuple[str, str], int] = {}

    def ask(self, part: str, pattern: str, flights: int, **arms: Mapping[str, Any]) -> None:
        """``ms``, ``trips``, ``read_units``, ``write_units``, ``cpu_ms``, ``io_bytes``, ``cache_ms``; ``hits`` of ANSWERS from the cache."""
        self.cells.append((part, pattern, flights, arms))

    def said(
        self,
        arm: str,
        pattern: str,
        rows: Sequence[Sequence[Any]],
        *,
        flights: int = 1000,
        number: int = 0,
        **more: Any,
    ) -> None:
        """An answer of the warm-up."""
        fields = {"part": "patterns", "parameters": {}, "read_back": None} | more
        self.planted.event(
            NAME, "answer", trial=0, t_ns=0, arm=arm, pattern=pattern, flights=flights, question=number, n=len(rows), sha256=digest(rows),
            rows=[list(row) for row in rows], **fields,
        )  # fmt: skip

    def needed(self, arm: str, pattern: str, words: str, consistency: str) -> None:
        """What an arm needs."""
        self.planted.event(
            NAME,
            "needed",
            trial=None,
            t_ns=0,
            arm=arm,
            pattern=pattern,
            words=words,
            consistency=consistency,
            requests="1",
        )

    def tables(self) -> None:
        """None of the flights comes first."""
        self.planted.event(NAME, "tables", trial=None, t_ns=0, sizes=[1000], first=[])

    def section(self, *, rounds: int = ROUNDS, **fields: Any) -> Section:
        """Write it all and analyse it."""
        self.write(rounds=rounds, **fields)
        return sql_vs_nosql.analyse(self.planted.load())

    def write(self, *, rounds: int = ROUNDS, **fields: Any) -> None:
        """Trials, rows and costs of every round."""
        rows, trials, pair = [], [], 0
        for number in range(rounds):
            for part, pattern, flights, arms in self.cells:
                labels = {"part": part, "pattern": pattern}
                for arm, said in arms.items():
                    own = {name: value[number] if isinstance(value, list) else value for name, value in said.items()}
                    about = {"trial": len(trials), "pair": pair, "arm": arm, "step": str(flights)}
                    trials.append(
                        trial(len(trials), arm, str(flights), pair=pair, labels=labels, params={"flights": flights})
                    )
                    rows += _rows(about, pattern, own)
                    self._costs(about, own)
                pair += 1
        if rows:
            self.planted.samples(NAME, rows, EXTRA)
        self.planted.scenario(NAME, params=PARAMS, trials=trials, servers=SERVERS, **fields)

    def _costs(self, about: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        engine = about["arm"].split("_")[0]
        for server, member in ((engine, "cpu_ms"), ("cache", "cache_ms")):
            if member in said:
                self.planted.event(
                    NAME, "server_cost", trial=about["trial"], t_ns=0, arm=about["arm"], server=server, cpu_s=said[member] * ANSWERS / 1000,
                    resolution_s=0.0, read_bytes=0, write_bytes=said.get("io_bytes", 0) * ANSWERS, answers=ANSWERS,
                )  # fmt: skip


def _rows(about: Mapping[str, Any], pattern: str, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A warm-up answer a hundred times as slow, then the trial's own; question by question, two of them."""
    arm, start = about["arm"], about["trial"] * 1000 * S
    time_ns = round(said.get("ms", 1.0) * MS)
    common = about | {
        "op": pattern, "pattern": pattern, "client": CLIENTS[arm.split("_")[0]], "round_trips": said.get("trips", 1), "items_returned": 1,
    }  # fmt: skip
    common |= {name: said[name] for name in ("read_units", "write_units") if name in said}
    made = [
        common
        | {
            "phase": "warm-up",
            "question": 0,
            "served_from": "database",
            "t_start": start,
            "t_end": start + 100 * time_ns,
        }
    ]
    for index in range(ANSWERS):
        at = start + (index + 1) * S
        place = "cache" if index >= ANSWERS - said.get("hits", 0) else "database"
        made.append(common | {"question": index % 2, "served_from": place, "t_start": at, "t_end": at + time_ns})
    return made


def everything(planted: PlantedRun) -> PlantedStores:
    """Stores with all kinds of charts: a look-up and an unplanned question, two sizes, a cache, a schema, and what one of them can't."""
    run = PlantedStores(planted)
    run.tables()
    for arm in ("postgres", "dynamodb"):
        run.said(arm, "flight_by_key", [FIRST], parameters={"flight_key": FIRST[0]})
        run.said(arm, "count", [(1000,)])
        run.needed(
            arm,
            "flight_by_key",
            "primary key",
            "read committed" if arm == "postgres" else "eventual: an index has no other",
        )
    run.said("dynamodb_cached", "flight_by_key", [FIRST], parameters={"flight_key": FIRST[0]})
    key = {"postgres": {"ms": 0.2, "cpu_ms": 0.1, "io_bytes": 8}, "dynamodb": {"ms": 0.4, "read_units": 0.5}}
    run.ask(
        "patterns",
        "flight_by_key",
        1000,
        **key,
        dynamodb_cached={"ms": 0.1, "read_units": 0.1, "hits": 16, "cache_ms": 0.01},
    )
    run.ask(
        "patterns", "count", 1000, postgres={"ms": 1, "cpu_ms": 1}, dynamodb={"ms": 1, "read_units": 40.0, "trips": 2}
    )
    for flights in (1000, 10_000):
        run.ask(
            "growth",
            "count",
            flights,
            postgres={"ms": flights / 1000, "cpu_ms": flights / 1000},
            dynamodb={"ms": 1, "read_units": flights / 25},
        )
    planted.event(NAME, "cannot", trial=None, t_ns=0, arm="dynamodb", pattern="full_text", reason="no index of words")
    planted.event(
        NAME, "schema", trial=None, t_ns=0, arm="postgres", indexes=["by_dest"],
        ddl=["CREATE TABLE flights (flight_key varchar(26) PRIMARY KEY, dest varchar(3) NOT NULL)", "CREATE INDEX flights_by_dest ON flights (dest, flight_key)"],
    )  # fmt: skip
    return run
