"""Credentials come from botocore's chain and are renewed by it: a program, an instance's role, none at all."""

import datetime as dt
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import NoCredentialsError

from harness.dynamodb.signing import Credentials, Signer, chain_credentials

# Gives a new key each time it is asked, which lives for as many seconds as it is told.
PROGRAM = """
import datetime, json, pathlib, sys
count = pathlib.Path(sys.argv[1]); number = int(count.read_text()) + 1; count.write_text(str(number))
expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=float(sys.argv[2]))
print(json.dumps({"Version": 1, "AccessKeyId": f"AKID{number}", "SecretAccessKey": f"secret{number}",
                  "SessionToken": f"token{number}", "Expiration": expires.isoformat()}))
"""


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """An environment that says nothing of AWS; gives the path of its configuration."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE", "ROLE_ARN",
                 "WEB_IDENTITY_TOKEN_FILE", "CONTAINER_CREDENTIALS_FULL_URI", "CONTAINER_CREDENTIALS_RELATIVE_URI"):  # fmt: skip
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path / "config"


def configure(path, lifetime_s):
    program, count = path.parent / "program.py", path.parent / "count"
    program.write_text(PROGRAM)
    count.write_text("0")
    path.write_text(f"[profile made]\ncredential_process = {sys.executable} {program} {count} {lifetime_s}\n")
    return count


def test_credentials_that_last_are_asked_for_once(bare):
    """Two hours of life: the program runs once, whatever is signed."""
    count = configure(bare, 7200)
    source = chain_credentials("made")
    assert {source() for _ in range(5)} == {
        Credentials(access_key="AKID1", secret_key="secret1", token="token1"),
    }
    assert count.read_text() == "1"


def test_credentials_about_to_expire_are_renewed_and_signed_with(bare):
    """A minute of life is within botocore's margin: each second's first request signs with a new key and token."""
    configure(bare, 60)
    now = [1_764_000_000.0]
    signer = Signer(host="h", region="eu-west-1", credentials=chain_credentials("made"), wall_clock=lambda: now[0])
    requests = []
    for now[0] in (1_764_000_000.0, 1_764_000_000.5, 1_764_000_001.0):
        requests.append(signer.request("Scan", b"{}").decode())
    first, same_second, next_second = requests
    assert first == same_second
    assert "Credential=AKID1/" not in next_second
    key = next_second.partition("Credential=")[2].partition("/")[0]
    assert f"X-Amz-Security-Token: token{key.removeprefix('AKID')}\r\n" in next_second


class Metadata(BaseHTTPRequestHandler):
    """An instance's metadata service, version 2, whose role is called *bench*."""

    def do_PUT(self):
        self._say("a-token")

    def do_GET(self):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.headers["x-aws-ec2-metadata-token"] != "a-token":
            self.send_error(401)
        elif self.path == f"{roles}bench":
            expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=6)
            self._say(json.dumps({"Code": "Success", "AccessKeyId": "ASIAROLE", "SecretAccessKey": "s", "Token": "t",
                                  "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}))  # fmt: skip
        elif self.path == roles:
            self._say("bench")
        else:
            self.send_error(404)

    def _say(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def test_an_instance_signs_as_its_role(bare, monkeypatch):
    """Where nothing else is configured the metadata service is asked, by its second version."""
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        try:
            found = chain_credentials()()
        finally:
            server.shutdown()
            thread.join()
    assert found == Credentials(access_key="ASIAROLE", secret_key="s", token="t")


def test_no_credentials_are_said_at_once(bare):
    """Before anything is measured, not at the first request."""
    with pytest.raises(NoCredentialsError):
        chain_credentials()
