"""Which DynamoDB client, and where the service is when nobody says so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.dynamodb.boto_client import BotoClient, botocore_client
from harness.dynamodb.client import Client, DynamoClient
from harness.dynamodb.signing import CredentialSource, chain_credentials, local_credentials
from harness.errors import UsageError

ClientName = Literal["lean", "boto3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the service answers, and the region its requests are signed for."""

    url: str
    region: str


def resolve(region: str | None = None, endpoint_url: str | None = None, profile: str | None = None) -> Endpoint:
    """What botocore would use: its configuration, environment and rules of endpoints fill in what isn't given.

    Raises UsageError where there is no region, or no such profile or endpoint.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        made = Session(profile=profile).create_client(
            "dynamodb", region_name=region, endpoint_url=endpoint_url,
            # The keys are never used: the client is only asked where it would go.
            aws_access_key_id="none", aws_secret_access_key="none",  # noqa: S106
        )  # fmt: skip
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"DynamoDB: {error} Give a region (AWS_REGION, or the profile's) or an endpoint.") from error
    return Endpoint(url=made.meta.endpoint_url, region=made.meta.region_name)


def client_factory(
    name: ClientName,
    endpoint_url: str,
    region: str = "us-east-1",
    credentials: CredentialSource | None = local_credentials,
    connect_timeout_s: float = 2.0,
    read_timeout_s: float = 10.0,
    *,
    profile: str | None = None,
) -> Callable[[], Client]:
    """A function that gives one greenlet its client; those of ``boto3`` share one pool.

    ``credentials`` None: botocore's chain, of ``profile``; it refreshes them when they expire.
    """
    if name == "lean":
        source = chain_credentials(profile) if credentials is None else credentials
        return lambda: DynamoClient(endpoint_url, region, source, connect_timeout_s, read_timeout_s)
    timeouts_s = connect_timeout_s, read_timeout_s
    shared = botocore_client(endpoint_url, region, credentials, *timeouts_s, profile=profile)
    return lambda: BotoClient(shared)
