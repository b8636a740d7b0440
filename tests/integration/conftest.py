"""Real servers for the tests that need them, each started here and gone afterwards."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
import trustme
import whole_runs
from botocore.config import Config
from emulator_wire import sender
from normalised import Send
from whole_runs import Place

from harness.local.processes import Warden
from harness.local.services import LocalServices
from harness.services import Needs
from tools.emulators import HOST, start_dynalite, start_moto


@pytest.fixture
def warden() -> Iterator[Warden]:
    keeper = Warden.start()
    yield keeper
    keeper.close()


@pytest.fixture(scope="session")
def twin_url() -> Iterator[str]:
    """A twin that throttles by tables only: a test's load lies in one partition, and comes faster than any network's."""
    services = LocalServices.up(Needs(dynamodb=True, dynamodb_partition_limits=False))
    yield services.dynamodb_url
    services.close()


@pytest.fixture(scope="session")
def dynamodb(twin_url: str) -> Any:
    """boto3 as it comes, but for its own retries, which would hide throttling (B10)."""
    return boto3.client(
        "dynamodb",
        endpoint_url=twin_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


@pytest.fixture(scope="module")
def emulators() -> Iterator[Warden]:
    """Keeps the other emulators of a file's tests."""
    keeper = Warden.start()
    yield keeper
    keeper.close()


@pytest.fixture(scope="module")
def dynalite(emulators: Warden) -> Send:
    return sender(f"http://{HOST}:{start_dynalite(emulators)}")


@pytest.fixture(scope="module")
def moto(emulators: Warden) -> Send:
    return sender(f"http://{HOST}:{start_moto(emulators)}")


@pytest.fixture
def counted(twin_url: str) -> Callable[..., float]:
    """The twin's own count of units consumed and requests throttled, by table, resource and kind."""

    def count(table: str, resource: str = "table", kind: str = "write", what: str = "consumed_units") -> float:
        with urlopen(f"{twin_url}/_twin/", timeout=5) as answer:
            units: float = json.load(answer)["tables"][table]["meters"][resource][kind][what]
        return units

    return count


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Where one whole run goes; see whole_runs.py."""
    yield from whole_runs.place(tmp_path)


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate with its key for 127.0.0.1, and the authority that vouches for it, made for these tests."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return folder / "server.pem", folder / "authority.pem"
