"""How a scenario asks DynamoDB: where it answers, for which region requests are signed, and by whose keys."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from harness.dynamodb.client import Client, DynamoClient
from harness.dynamodb.clients import ClientName, client_factory
from harness.dynamodb.signing import CredentialSource, chain_credentials, local_credentials
from harness.errors import CannotMeasure


@lru_cache
def _chain(profile: str | None) -> CredentialSource:
    """One chain for all clients of a process: to look for keys takes a while, on an instance a question over the network."""
    return chain_credentials(profile)


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
        return _chain(self.profile) if self.chain else local_credentials

    def require_keys(self) -> None:
        """Raises CannotMeasure where botocore's chain has none, before anything is made."""
        from botocore.exceptions import BotoCoreError

        try:
            self.credentials()
        except BotoCoreError as error:
            raise CannotMeasure(
                f"target aws: {str(error).rstrip('.')}; set AWS_PROFILE or aws.profile, or sign in (`aws sso login`)"
            ) from error

    def lean(self) -> DynamoClient:
        """A client for what isn't measured, whatever the setting."""
        return DynamoClient(self.url, self.region, self.credentials)

    def factory(self, client: ClientName, url: str | None = None) -> Callable[[], Client]:
        """What makes the clients that are measured; ``url``: of something that answers in the service's place.

        That gets nobody's keys.
        """
        credentials = None if self.chain and url is None else local_credentials
        return client_factory(client, url or self.url, self.region, credentials, profile=self.profile)
