"""How a scenario asks DynamoDB: where it answers, for which region requests are signed, and by whose keys."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.dynamodb.client import Client, DynamoClient
from harness.dynamodb.clients import ClientName, client_factory
from harness.dynamodb.signing import CredentialSource, chain_credentials, local_credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoAccess:
    """The service at ``url``. ``chain``: botocore's keys, of ``profile``; else such as a stand-in is given, which looks at none.

    Keys are looked up where they are used and never kept here: this is what workers are sent.
    """

    url: str
    region: str = "us-east-1"
    chain: bool = False
    profile: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def credentials(self) -> CredentialSource:
        """Whose keys. Raises botocore's NoCredentialsError where the chain has none."""
        return chain_credentials(self.profile) if self.chain else local_credentials

    def lean(self) -> DynamoClient:
        """A client for what isn't measured, whatever the setting."""
        return DynamoClient(self.url, self.region, self.credentials)

    def factory(self, client: ClientName, url: str | None = None) -> Callable[[], Client]:
        """What makes the clients that are measured; ``url``: of something that answers in the service's place."""
        credentials = None if self.chain else local_credentials
        return client_factory(client, url or self.url, self.region, credentials, profile=self.profile)
