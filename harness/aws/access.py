"""Who logs in to databases and caches, and by which certificates they are known. Secrets are read when needed, never written."""

import json
import os
from pathlib import Path

from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.config import AwsCacheSettings, AwsSqlSettings
from harness.errors import UsageError

BUNDLE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def sql_login(aws: Aws, where: AwsSqlSettings, key: str, secret: str | None) -> tuple[str, str]:
    """User and password; ``secret`` is RDS's own where none is given. ``key`` is the section's, for errors."""
    if where.user_env and where.password_env:
        return _from_environment(where.user_env, f"{key}.user_env"), _from_environment(
            where.password_env, f"{key}.password_env"
        )
    name = where.secret or secret
    if name is None:
        raise UsageError(f"{key}: RDS keeps no secret for it; give secret, or user_env and password_env")
    kept = _secret(aws, name, f"{key}.secret")
    try:
        return str(kept["username"]), str(kept["password"])
    except KeyError as error:
        raise UsageError(f"{key}.secret: the secret has no {error.args[0]}; expected username and password") from None


def cache_password(aws: Aws, where: AwsCacheSettings, secret: str | None) -> str | None:
    """AUTH's token; None where nothing is said of one."""
    if where.password_env:
        return _from_environment(where.password_env, "aws.cache.password_env")
    name = where.secret or secret
    if name is None:
        return None
    kept = _secret(aws, name, "aws.cache.secret")
    for member in ("password", "auth_token", "token"):
        if member in kept:
            return str(kept[member])
    raise UsageError("aws.cache.secret: the secret has no password, auth_token or token")


def authority(ca_bundle: str | None) -> tuple[str, str]:
    """(file, its PEM text) of whoever vouches for the databases' certificates."""
    if ca_bundle is None:
        raise UsageError(
            f"aws.ca_bundle: names no file, and a database's certificate isn't taken unseen; RDS's is {BUNDLE}"
        )
    path = Path(ca_bundle).expanduser()
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"aws.ca_bundle {ca_bundle}: {error}; RDS's bundle is {BUNDLE}") from error
    if "BEGIN CERTIFICATE" not in text:
        raise UsageError(f"aws.ca_bundle {ca_bundle}: holds no certificate in PEM; RDS's bundle is {BUNDLE}")
    return str(path), text


def _from_environment(name: str, key: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{key}: the environment has no {name}; set it before the run")
    return value


def _secret(aws: Aws, name: str, key: str) -> dict[str, object]:
    """The members of a secret; one that is bare text is its password. The text itself is in no error."""
    try:
        text = aws.call("secretsmanager", "GetSecretValue", SecretId=name).get("SecretString", "")
    except AwsError as error:
        raise UsageError(f"{key}: {error}") from error
    try:
        kept = json.loads(text)
    except ValueError:
        return {"password": text} if text else {}
    return kept if isinstance(kept, dict) else {"password": text}
