"""What the twin is started with: the words of a command line, checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.local.dynamodb.parameters import MAX_SPEED, Parameters, read_parameters
from harness.local.dynamodb.wire.service_time import ServiceTime
from harness.local.dynamodb.wire.signature import Verifier
from harness.local.dynamodb.wire.wire import REQUEST_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the twin is served.

    ``verifier`` refuses what isn't signed with its key; ``service_time`` delays answers; ``control`` offers `/_twin/`
    beyond loopback too; without ``partition_limits`` only a table's own capacity counts; ``data`` is
    the folder that tables are read from and written to; ``drop_to_uid`` gives up root's rights once everything is imported and the port is bound.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    drop_to_uid: int | None = None
    verifier: Verifier | None = None
    service_time: ServiceTime | None = None
    control: bool = False
    partition_limits: bool = True
    data: Path | None = None
    parameters: Parameters = field(default_factory=Parameters)
    request_timeout_s: float = REQUEST_TIMEOUT_S


def options_of(
    *,
    host: str,
    port: int,
    speed: float,
    drop_to_uid: int | None = None,
    require_signature: bool = False,
    access_key: str | None = None,
    secret_key_file: Path | None = None,
    service_time: Path | None = None,
    seed: int = 0,
    control: bool = False,
    partition_limits: bool = True,
    data: Path | None = None,
    parameters: Path | None = None,
    request_timeout_s: float = REQUEST_TIMEOUT_S,
    environment: Mapping[str, str] = os.environ,
) -> Options:
    """The words of a command line as options; raises UsageError for what isn't right in them or in their files."""
    if not 0 < speed <= MAX_SPEED:
        raise UsageError(f"--speed must be > 0 and at most {MAX_SPEED:,}, got {speed:g}")
    if not request_timeout_s > 0:
        raise UsageError(f"--request-timeout must be > 0, got {request_timeout_s:g}")
    if not require_signature and (access_key or secret_key_file):
        raise UsageError("--access-key and --secret-key-file are for --require-signature; give that too, or neither")
    return Options(
        host=host,
        port=port,
        speed=speed,
        drop_to_uid=drop_to_uid,
        verifier=_verifier(access_key, secret_key_file, environment) if require_signature else None,
        service_time=None if service_time is None else ServiceTime.read(service_time, seed),
        control=control,
        partition_limits=partition_limits,
        data=data,
        parameters=Parameters() if parameters is None else read_parameters(parameters),
        request_timeout_s=request_timeout_s,
    )


def _verifier(access_key: str | None, secret_key_file: Path | None, environment: Mapping[str, str]) -> Verifier:
    key_id = access_key or environment.get("AWS_ACCESS_KEY_ID", "")
    if secret_key_file is None:
        secret = environment.get("AWS_SECRET_ACCESS_KEY", "")
    else:
        try:
            secret = secret_key_file.read_text(encoding="ascii").strip()
        except OSError as error:
            raise UsageError(f"--secret-key-file {secret_key_file}: {error.strerror}; name a readable file") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"--secret-key-file {secret_key_file}: a secret key is ASCII text") from error
    if not key_id or not secret:
        missing = "--access-key or AWS_ACCESS_KEY_ID" if not key_id else "--secret-key-file or AWS_SECRET_ACCESS_KEY"
        raise UsageError(f"--require-signature needs a key to verify with: give {missing}")
    return Verifier(key_id, secret)
