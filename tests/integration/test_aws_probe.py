"""The question to a restored database, on loopback: sent as to a load generator, asked by its program, answered by PostgreSQL.

SSM's Run Command is bash here, Secrets Manager is moto's, and the database has a certificate of an authority of our own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from scripted_aws import ScriptedAws
from tls_front import before_postgres

from harness.aws.api import Pace
from harness.aws.generators import Generator
from harness.aws.probe import OverSsm
from harness.aws.restorable import Database
from harness.errors import CannotMeasure
from harness.local.certificates import Certificates
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.sql.connections import connect
from tools.emulators import HOST, start_moto

STACK, NEWEST = "dbharness-test", datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=UTC)


class Restored:
    """A database that answers by TLS alone, its secret, and a generator that reaches both."""

    def __init__(self, warden: Warden, authority: Path, port: int, moto: str) -> None:
        self.scripted = ScriptedAws(STACK)
        self.scripted.on("ssm", "SendCommand", self._send)
        self.scripted.on("ssm", "GetCommandInvocation", lambda _: self._ended)
        self._authority, self._port = str(authority), port
        self._environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(warden.scratch), "PYTHONPATH": ":".join(sys.path),
            "AWS_ENDPOINT_URL": moto, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        }  # fmt: skip
        self._ended: dict[str, Any] = {}

    def _send(self, params: dict[str, Any]) -> dict[str, Any]:
        """Runs it at once; SSM would have it run by an agent."""
        (line,) = params["Parameters"]["commands"]
        done = subprocess.run(
            ["bash", "-c", line], env=self._environment, capture_output=True, text=True, check=False, timeout=60
        )
        self._ended = {
            "Status": "Failed" if done.returncode else "Success", "ResponseCode": done.returncode,
            "StandardOutputContent": done.stdout, "StandardErrorContent": done.stderr,
        }  # fmt: skip
        return {"Command": {"CommandId": "00000000-0000-0000-0000-000000000001"}}

    def newest(self, sql: str | None, secret: str = "kept") -> datetime | None:
        """What the newest row says, of the database at the name that its certificate is for."""
        database = Database(
            id="restored", what="instance", engine="postgres", version="17.9", size="db.t3.micro", storage_gb=20,
            multi_az=False, status="available", host="127.0.0.1", port=self._port, newest_restorable=None, seen=NEWEST,
        )  # fmt: skip
        probe = OverSsm(
            self.scripted.gateway(), Generator(id="i-0123456789abcdef0", address="10.97.0.4"), sys.executable, secret=secret,
            database="flights", region="us-east-1", authority=self._authority, sql=sql, pace=Pace(poll_s=0.01),
        )  # fmt: skip
        return probe.ask(database).newest


@pytest.fixture(scope="module")
def restored() -> Iterator[Restored]:
    """One server, one moto, for all questions."""
    with ExitStack() as open_things:
        warden = Warden.start()
        open_things.callback(warden.close)
        certificates = Certificates.make(warden, "127.0.0.1")
        server = PostgresServer(warden, ("127.0.0.1",))
        server.create()
        server.start("127.0.0.1")
        there = server.endpoint("127.0.0.1")
        with connect(there) as connection:
            connection.execute("CREATE TABLE written (at timestamptz, said text)")
            connection.execute(
                "INSERT INTO written VALUES (%s, 'it''s'), (%s, '')", (NEWEST, datetime(2026, 1, 1, tzinfo=UTC))
            )
        moto = f"http://{HOST}:{start_moto(warden)}"
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        kept = boto3.client("secretsmanager", region_name="us-east-1", endpoint_url=moto, **keys)
        login = json.dumps({"username": there.user, "password": there.password})
        kept.create_secret(Name="kept", SecretString=login)
        port = open_things.enter_context(
            before_postgres(
                (there.host, there.port), certificate=str(certificates.server_file), key=str(certificates.key_file)
            )
        )
        yield Restored(warden, certificates.authority_file, port, moto)


def test_the_newest_rows_time_comes_back_from_the_database_itself(restored: Restored) -> None:
    """To the microsecond, through the quotes of a shell; seconds since 1970 serve as well: 2026-11-28T12:00:00.25Z."""
    assert restored.newest("SELECT max(at) FROM written WHERE said = 'it''s'") == NEWEST
    assert restored.newest("SELECT extract(epoch FROM max(at)) FROM written") == NEWEST
    assert restored.newest("SELECT max(at) FROM written WHERE said = 'never'") is None
    assert restored.newest(None) is None


def test_what_goes_wrong_there_is_said_here_in_one_line(restored: Restored) -> None:
    """A statement that gives no time, one that can't be carried out, a secret that isn't there: none is tried for ten minutes."""
    with pytest.raises(
        CannotMeasure, match=r"asking restored on i-0123456789abcdef0: Failed, exit code 3: --probe-sql gave"
    ):
        restored.newest("SELECT said FROM written ORDER BY at DESC LIMIT 1")
    with pytest.raises(CannotMeasure, match=r'exit code 3: --probe-sql: relation "nowhere" does not exist'):
        restored.newest("SELECT max(at) FROM nowhere")
    with pytest.raises(CannotMeasure, match=r"exit code 2: probe\.secret: secretsmanager:GetSecretValue"):
        restored.newest(None, secret="none such")
