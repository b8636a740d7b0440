"""Asks a restored database from a load generator, the only place that reaches it: does it answer, and what is its newest row?

Here: :class:`OverSsm` sends the question. There: ``python -m harness.aws.probe`` asks it and prints one line of JSON. It logs
in as the source's user: a restored database has the password that the source had at that time.
"""

import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.aws.access import sql_login
from harness.aws.api import Pace, StackApi
from harness.aws.gateway import Aws
from harness.aws.generators import Command, Generator, must_be_well
from harness.aws.restorable import Database
from harness.aws.snapshots import Answer
from harness.config import AwsSqlSettings
from harness.errors import CannotMeasure, HarnessError
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint

PATIENCE_S = 600.0
_REST_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a database there; ``sql`` gives the newest row's time, in one row of one column."""

    engine: Engine
    host: str
    port: int
    database: str
    secret: str
    region: str
    stack: str
    authority: str
    sql: str | None


class OverSsm:
    """A :class:`harness.aws.snapshots.Probe` by a command on a load generator where the harness is installed."""

    def __init__(
        self, aws: StackApi, generator: Generator, python: str, *, secret: str, database: str, region: str, authority: str,
        sql: str | None = None, pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._aws, self._generator, self._python = aws, generator, python
        self._secret, self._database, self._region, self._authority = secret, database, region, authority
        self._sql, self._pace = sql, pace or Pace(poll_s=1.0)

    def ask(self, database: Database) -> Answer:
        """See Probe; SSM adds a second or two."""
        question = Question(
            engine="mysql" if database.engine == "mysql" else "postgres", host=database.host, port=database.port,
            database=self._database, secret=self._secret, region=self._region, stack=self._aws.stack,
            authority=self._authority, sql=self._sql,
        )  # fmt: skip
        told = json.dumps({name: getattr(question, name) for name in Question.__slots__})
        line = f"{self._python} -m harness.aws.probe {shlex.quote(told)}"
        command = Command(self._aws, [self._generator], [line], most_s=PATIENCE_S + 60, comment="does it answer?")
        ended = command.wait(self._pace)
        must_be_well(ended, f"asking {database.id}")
        newest = json.loads(ended[self._generator.id].out.strip().splitlines()[-1])["newest"]
        return Answer(newest=None if newest is None else datetime.fromisoformat(newest))


def ask(question: Question, login: tuple[str, str]) -> dict[str, Any]:
    """Try to connect until it answers; the newest row's time where a statement asks for it. Raises CannotMeasure."""
    user, password = login
    endpoint = SqlEndpoint(
        engine=question.engine, host=question.host, port=question.port, user=user, password=password,
        database=question.database, authority_file=question.authority,
    )  # fmt: skip
    since_s, last = time.monotonic(), "nothing"
    while time.monotonic() - since_s < PATIENCE_S:
        try:
            with connect(endpoint) as connection:
                connection.query("SELECT 1")
                waited_s = time.monotonic() - since_s
                return {"waited_s": waited_s, "newest": _newest(connection, question.sql) if question.sql else None}
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - what drivers raise has no common class
            last = " ".join(str(error).split())
            time.sleep(_REST_S)
    raise CannotMeasure(f"{question.host} didn't answer in {PATIENCE_S:g} s; the last it said: {last}")


def _newest(connection: SqlConnection, sql: str) -> str | None:
    """What the statement gives, as ``as_time`` has it. Raises CannotMeasure: asking again would bring the same."""
    try:
        rows = connection.query(sql)
    except Exception as error:  # what drivers raise has no common class
        raise CannotMeasure(f"--probe-sql: {' '.join(str(error).split())}") from error
    return as_time(rows[0][0]) if rows else None


def as_time(value: object) -> str | None:
    """A row's time as text in UTC: a timestamp, or seconds since 1970. Raises CannotMeasure for anything else."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    try:
        return datetime.fromtimestamp(float(str(value)), UTC).isoformat()
    except ValueError as error:
        raise CannotMeasure(f"--probe-sql gave {value!r}, expected a timestamp or seconds since 1970") from error


def main(words: Sequence[str]) -> int:
    """On the generator."""
    question = Question(**json.loads(words[0]))
    try:
        aws = Aws(question.region, stack=question.stack)
        where = AwsSqlSettings(host=question.host, secret=question.secret)
        print(json.dumps(ask(question, sql_login(aws, where, "probe", None))))  # noqa: T201 - this is its answer
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
