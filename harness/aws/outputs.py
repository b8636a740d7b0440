"""What a stack of ours has, as section ``aws`` of the configuration would say it. Pure."""

from collections.abc import Mapping
from typing import Any

from harness.config import AwsSettings
from harness.sql.endpoint import Engine

_NAMED: Mapping[Engine, str] = {"mysql": "MySql", "postgres": "Postgres"}


def with_outputs(own: AwsSettings, outputs: Mapping[str, str]) -> AwsSettings:
    """``own`` filled with a stack's outputs: a service that ``own`` names is as it says, others are the stack's."""
    found: dict[str, Any] = {}
    if own.dynamodb is None:
        found["dynamodb"] = {}
    tables = own.dynamodb.tables.model_dump() if own.dynamodb else {}
    names = {"provisioned": outputs.get("ProvisionedTableName"), "on_demand": outputs.get("OnDemandTableName")}
    merged = {key: tables.get(key) or name for key, name in names.items()}
    found["dynamodb"] = {
        "endpoint_url": own.dynamodb.endpoint_url if own.dynamodb else None,
        "tables": merged | {"prefix": tables.get("prefix")},
    }
    sql = {engine: one for engine in _NAMED if engine not in own.sql and (one := _sql(outputs, engine))}
    found["sql"] = {engine: one.model_dump() for engine, one in own.sql.items()} | sql
    if own.cache is None and "CacheEndpoint" in outputs:
        found["cache"] = {
            "replication_group": outputs.get("CacheGroupId"), "host": outputs["CacheEndpoint"],
            "port": int(outputs.get("CachePort", 6379)), "secret": outputs.get("CacheSecretArn"),
            "cluster": int(outputs.get("CacheShardCount", 1)) > 1,
        }  # fmt: skip
    return AwsSettings.model_validate(own.model_dump() | found)


def _sql(outputs: Mapping[str, str], engine: Engine) -> dict[str, Any] | None:
    name = _NAMED[engine]
    if f"{name}Endpoint" not in outputs:
        return None
    return {
        "instance": outputs.get(f"{name}InstanceId"), "cluster": outputs.get(f"{name}ClusterId"),
        "host": outputs[f"{name}Endpoint"], "port": outputs.get(f"{name}Port"),
        "reader_host": outputs.get(f"{name}ReaderEndpoint"), "proxy_host": outputs.get(f"{name}ProxyEndpoint"),
        "database": outputs.get("SqlDatabaseName", "flights"), "secret": outputs.get(f"{name}SecretArn"),
    }  # fmt: skip
