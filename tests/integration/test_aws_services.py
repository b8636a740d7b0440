"""Services of target aws against moto's server: found by id, logged in by secret, refused where they aren't ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.aws.gateway import Aws
from harness.aws.safety import Refused
from harness.aws.services import AwsServices, attached
from harness.config import AwsSettings, Config
from harness.errors import CannotMeasure, HarnessError
from harness.flights import table_definition
from harness.local.certificates import Certificates
from harness.local.mariadb import MariaDbServer
from harness.local.processes import Warden
from harness.services import Needs
from harness.sql.connections import connect
from harness.sql.endpoint import SqlEndpoint
from tools.emulators import HOST, start_moto

LAB = [{"Key": "dbharness", "Value": "lab"}]
NAME = "db.dbharness.test"


@pytest.fixture(scope="module")
def moto_url(emulators: Warden) -> str:
    return f"http://{HOST}:{start_moto(emulators)}"


@pytest.fixture(scope="module")
def aws(moto_url: str) -> Aws:
    return Aws("us-east-1", stack="lab", endpoint_url=moto_url)


def config(moto_url: str, **section: Any) -> Config:
    return Config(target="aws", aws=AwsSettings.model_validate({"stack": "lab", "endpoint_url": moto_url} | section))


@pytest.fixture(scope="module")
def database(emulators: Warden) -> Iterator[tuple[SqlEndpoint, Path]]:
    """A MariaDB with a certificate for 127.0.0.1, and the authority's file."""
    certificates = Certificates.make(emulators, HOST)
    server = MariaDbServer(emulators, (HOST,))
    server.configure({"ssl_cert": str(certificates.server_file), "ssl_key": str(certificates.key_file)})
    server.create()
    server.start(HOST)
    yield server.endpoint(HOST), certificates.authority_file


@pytest.fixture(scope="module")
def instances(aws: Aws, database: tuple[SqlEndpoint, Path]) -> None:
    """One of ours, one without a tag, one of ours by its tag and of production by its name; a secret that fits, one that doesn't."""
    for name, tags in (("lab-mysql", LAB), ("theirs", []), ("orders-prod", LAB)):
        aws.client("rds").create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="mysql", AllocatedStorage=20, MasterUsername="a",
            MasterUserPassword="a-long-password", MultiAZ=True, Tags=tags,
        )  # fmt: skip
    login = {"username": database[0].user, "password": database[0].password}
    for name, kept in (("lab/login", login), ("lab/half", {"username": "x"})):
        aws.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(kept))


def sql(database: tuple[SqlEndpoint, Path], **members: Any) -> dict[str, Any]:
    """By a tunnel, as it were: an id's own address is another, so that is said to be ours."""
    there = {"host": HOST, "port": database[0].port, "secret": "lab/login", "ours": "instance" in members}
    return {"ca_bundle": str(database[1]), "sql": {"mysql": there | members}}


def test_a_database_is_found_by_its_id_and_let_in_by_its_secret(
    moto_url: str, database: tuple[SqlEndpoint, Path], instances: None
) -> None:
    """Multi-AZ as RDS says; TLS as the bundle says; what a worker is sent reaches the same database."""
    told = config(moto_url, **sql(database, instance="lab-mysql"))
    services = AwsServices.up(Needs(engines=("mysql", "postgres")), told)
    assert services.databases["mysql"].topology == "multi_az_instance"
    assert services.products["mysql"].startswith("MariaDB 10.") and services.places == {"mysql": "endpoint override"}
    assert "no sql.postgres" in services.unavailable["postgres"]
    there = attached(json.loads(json.dumps(services.as_record())), told)
    with connect(there.sql["mysql"]) as connection:
        ((_, cipher),) = connection.query("SHOW STATUS LIKE 'Ssl_cipher'")
    assert cipher


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"instance": "theirs"}, "Dropping tables of DB instance theirs is refused: it has no tag dbharness=lab"),
        ({"instance": "orders-prod"}, "its name orders-prod looks like production"),
        ({"instance": "nobody"}, "nobody"),
        ({"instance": "lab-mysql", "ours": False}, f"aws.sql.mysql: its host {HOST} isn't lab-mysql."),
        ({"instance": "lab-mysql", "host": "orders.prod.example"}, "its host orders.prod.example looks like production"),
        ({"host": "orders.prod.example", "ours": True}, "its host orders.prod.example looks like production"),
        ({}, "aws.sql.mysql: tables in it are dropped and made anew: give instance or cluster, whose tags are read, or say `ours: true`"),
        ({"instance": "lab-mysql", "secret": "lab/half"}, "aws.sql.mysql.secret: the secret has no password"),
        ({"instance": "lab-mysql", "secret": "lab/none"}, "aws.sql.mysql.secret: secretsmanager:GetSecretValue"),
        ({"instance": "lab-mysql", "user_env": "NO_SUCH_USER", "password_env": "NO_SUCH"}, "the environment has no NO_SUCH_USER"),
    ],
)  # fmt: skip
def test_what_is_not_ours_or_lets_nobody_in_ends_in_one_line(
    moto_url: str, database: tuple[SqlEndpoint, Path], instances: None, members: dict[str, Any], says: str
) -> None:
    """Before anything is dropped; no secret in the message."""
    with pytest.raises(HarnessError) as caught:
        AwsServices.up(Needs(engines=("mysql",)), config(moto_url, **sql(database, **members)))
    assert says in str(caught.value) and database[0].password not in str(caught.value)


def test_a_certificate_of_somebody_else_s_authority_is_not_taken(
    moto_url: str, database: tuple[SqlEndpoint, Path], instances: None, warden: Warden
) -> None:
    """The engine can't be had, and why is said; without a bundle nothing is tried."""
    section = sql(database, instance="lab-mysql")
    other = Certificates.make(warden, HOST).authority_file
    services = AwsServices.up(Needs(engines=("mysql",)), config(moto_url, **(section | {"ca_bundle": str(other)})))
    assert "certificate verify failed" in services.unavailable["mysql"] and not services.sql
    with pytest.raises(HarnessError, match="aws.ca_bundle: names no file"):
        AwsServices.up(Needs(engines=("mysql",)), config(moto_url, **(section | {"ca_bundle": None})))
    with pytest.raises(HarnessError, match="holds no certificate in PEM"):
        AwsServices.up(Needs(engines=("mysql",)), config(moto_url, **(section | {"ca_bundle": __file__})))


def test_tables_carry_the_tag_and_go_and_others_stay(moto_url: str, aws: Aws) -> None:
    """Through the gateway: one is made and taken away; one of the same name that nobody tagged is refused and stays."""
    services = AwsServices.up(Needs(dynamodb=True), config(moto_url, dynamodb={}))
    mine, theirs = (f"{services.table_prefix}{name}" for name in ("flights_1", "flights_2"))
    services.make_table(table_definition(mine))
    arn = aws.call("dynamodb", "DescribeTable", TableName=mine)["Table"]["TableArn"]
    assert aws.call("dynamodb", "ListTagsOfResource", ResourceArn=arn)["Tags"] == LAB
    aws.client("dynamodb").create_table(**table_definition(theirs))
    with pytest.raises(Refused, match="has no tag dbharness=lab"):
        services.make_table(table_definition(theirs))
    services.make_table(table_definition(mine))  # what an earlier run left
    services.close()
    assert aws.client("dynamodb").list_tables()["TableNames"] == [theirs]


def test_without_a_stack_or_a_section_nothing_is_looked_for() -> None:
    """One line, with both ways out; and what a section lacks is named."""
    with pytest.raises(
        CannotMeasure, match="target aws: no stack and no aws: section; `dbharness aws up` makes a stack"
    ):
        AwsServices.up(Needs(), Config(target="aws"))
    own = Config(target="aws", aws=AwsSettings(endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(CannotMeasure, match="section aws has no dynamodb: and names no stack"):
        AwsServices.up(Needs(dynamodb=True), own)
    with pytest.raises(CannotMeasure, match="section aws has no cache: and names no stack"):
        AwsServices.up(Needs(cache=True), own)


def test_a_stack_that_is_not_there_is_said(moto_url: str) -> None:
    """By its name, with what CloudFormation answered."""
    with pytest.raises(CannotMeasure, match=r"aws\.stack lab: cloudformation:DescribeStacks"):
        AwsServices.up(Needs(dynamodb=True), config(moto_url))


def test_a_password_is_in_no_representation(database: tuple[SqlEndpoint, Path]) -> None:
    """Of an endpoint by TLS too."""
    assert database[0].password not in repr(replace(database[0], authority_file="x", server_name=NAME))
