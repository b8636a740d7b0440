"""Section aws: every error with its line and the way out; a stack's outputs as the section would say them."""

from pathlib import Path

import pytest

from harness.aws.outputs import with_outputs
from harness.config import AwsCacheSettings, AwsDynamoSettings, AwsSettings, AwsSqlSettings, load
from harness.errors import UsageError


def refusal(tmp_path: Path, section: str, *overrides: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(f"profile: quick\naws:\n{section}")
    with pytest.raises(UsageError) as caught:
        load(path, {}, overrides=overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("  stak: mine\n", "config.yaml:3: aws.stak is not a key of this section; did you mean 'stack'?"),
        ("  dynamodb:\n    tables: {provisoned: a}\n", "config.yaml:4: aws.dynamodb.tables.provisoned is not a key of this section; did you mean 'provisioned'?"),
        ("  sql:\n    postgres: {secret: s}\n", "config.yaml:4: aws.sql.postgres says nowhere where the database is: give instance, cluster or host"),
        ("  sql:\n    mysql: {instance: a, cluster: b}\n", "config.yaml:4: aws.sql.mysql has instance and cluster: name the one that fails over"),
        ("  sql:\n    mysql: {host: a}\n", "config.yaml:4: aws.sql.mysql has nobody to log in as: give secret, or user_env and password_env"),
        ("  sql:\n    mysql: {host: a, user_env: U}\n", "config.yaml:4: aws.sql.mysql must have user_env and password_env"),
        ("  cache: {tls: true}\n", "config.yaml:3: aws.cache says nowhere where the cache is: give replication_group or host"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_its_line_and_the_way_out(tmp_path: Path, section: str, says: str) -> None:
    """One line of the file for one mistake."""
    assert says in refusal(tmp_path, section)


def test_an_engine_that_is_none_is_named(tmp_path: Path) -> None:
    """Only mysql and postgres are engines."""
    assert "aws.sql.oracle" in refusal(tmp_path, "  sql:\n    oracle: {host: a, secret: s}\n")


OUTPUTS = {
    "MySqlEndpoint": "my.x.us-east-1.rds.amazonaws.com", "MySqlPort": "3306", "MySqlInstanceId": "lab-my", "MySqlSecretArn": "arn:s",
    "PostgresEndpoint": "pg.x.us-east-1.rds.amazonaws.com", "PostgresPort": "5432", "PostgresClusterId": "lab-pg",
    "PostgresReaderEndpoint": "pg-ro.x.us-east-1.rds.amazonaws.com", "PostgresSecretArn": "arn:t", "SqlDatabaseName": "flights",
    "ProvisionedTableName": "lab-provisioned", "OnDemandTableName": "lab-on_demand",
    "CacheEndpoint": "c.x.cache.amazonaws.com", "CachePort": "6379", "CacheShardCount": "2", "CacheGroupId": "lab-cache",
    "CacheSecretArn": "arn:c",
}  # fmt: skip


def test_a_stack_s_outputs_are_the_section() -> None:
    """An instance by its id, a cluster by its own with its readers, both tables, a sharded cache."""
    filled = with_outputs(AwsSettings(stack="lab"), OUTPUTS)
    assert filled.dynamodb and (filled.dynamodb.tables.provisioned, filled.dynamodb.tables.on_demand) == ("lab-provisioned", "lab-on_demand")  # fmt: skip
    mysql, postgres = filled.sql["mysql"], filled.sql["postgres"]
    assert (mysql.instance, mysql.cluster, mysql.host, mysql.secret) == ("lab-my", None, OUTPUTS["MySqlEndpoint"], "arn:s")  # fmt: skip
    assert (postgres.cluster, postgres.reader_host, postgres.port) == ("lab-pg", OUTPUTS["PostgresReaderEndpoint"], 5432)  # fmt: skip
    assert filled.cache and (filled.cache.replication_group, filled.cache.cluster, filled.cache.tls) == ("lab-cache", True, True)  # fmt: skip


def test_what_the_section_names_itself_stays() -> None:
    """Services of one's own beside the stack's: each is as the section says, tables one by one."""
    own = AwsSettings(
        stack="lab", dynamodb=AwsDynamoSettings.model_validate({"tables": {"provisioned": "mine"}}),
        sql={"mysql": AwsSqlSettings(host="h", secret="s", ours=True)}, cache=AwsCacheSettings(host="k", ours=True),
    )  # fmt: skip
    filled = with_outputs(own, OUTPUTS)
    assert filled.dynamodb and (filled.dynamodb.tables.provisioned, filled.dynamodb.tables.on_demand) == ("mine", "lab-on_demand")  # fmt: skip
    assert filled.sql["mysql"] == own.sql["mysql"] and filled.sql["postgres"].cluster == "lab-pg"
    assert filled.cache == own.cache


def test_a_stack_without_databases_gives_none() -> None:
    """No endpoint, no section: asking for it says so."""
    filled = with_outputs(AwsSettings(stack="lab"), {"RunBucketName": "b"})
    assert filled.sql == {} and filled.cache is None
