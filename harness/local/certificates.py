"""Certificates for a server on loopback, made at its start by an authority of its own and gone with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.local.processes import Warden


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """A server's certificate and key, as files that only it can read, and the authority that vouches for it."""

    server_file: Path
    key_file: Path
    authority_file: Path
    authority_pem: str

    @classmethod
    def make(cls, warden: Warden, host: str) -> Self:
        """For ``host``, in a folder of the warden's."""
        import trustme  # it brings OpenSSL along: only where TLS is asked for

        authority, folder = trustme.CA(), warden.folder("certificates")
        leaf = authority.issue_cert(host)
        made = cls(
            server_file=folder / "server.pem", key_file=folder / "key.pem", authority_file=folder / "authority.pem",
            authority_pem=authority.cert_pem.bytes().decode(),
        )  # fmt: skip
        made.authority_file.write_text(made.authority_pem)
        made.server_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        made.key_file.touch(mode=0o600)
        made.key_file.write_bytes(leaf.private_key_pem.bytes())
        for file in (made.server_file, made.key_file, made.authority_file):
            warden.give(file)
        return made
