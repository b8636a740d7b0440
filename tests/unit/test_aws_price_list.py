"""Prices out of the Pricing API's answers, which are made here after its documented shape; nothing guessed where there is a choice."""

import json
from collections.abc import Sequence
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from harness.aws.deployment import STACKS, Deployment, Part, Work, of_stacks
from harness.aws.estimate import estimate
from harness.aws.gateway import Aws
from harness.aws.price_list import REGION, product_of, read
from harness.aws.price_sheet import PriceSheet
from harness.config import Config, load_prices

INSTANCE = "rds.db_t3_micro_hour_usd"


def product(
    usage: str, tiers: Sequence[tuple[str, str]], *, published: str = "2026-11-20T10:11:12Z", **attributes: str
) -> str:
    """One member of ``PriceList``: a text. ``tiers``: from which quantity on, and dollars."""
    sku, offer = "ABCDEFGHJKMNPQRS", "JRTCKXETXF"
    dimensions = {
        f"{sku}.{offer}.{number}": {
            "unit": "Hrs", "beginRange": begin, "endRange": "Inf", "description": f"${usd} per unit", "appliesTo": [],
            "rateCode": f"{sku}.{offer}.{number}", "pricePerUnit": {"USD": usd},
        }
        for number, (begin, usd) in enumerate(tiers)
    }  # fmt: skip
    return json.dumps(
        {
            "product": {"productFamily": "Any", "sku": sku, "attributes": {"usagetype": usage, **attributes}},
            "serviceCode": "Any",
            "terms": {
                "OnDemand": {
                    f"{sku}.{offer}": {
                        "priceDimensions": dimensions, "sku": sku, "effectiveDate": "2026-11-01T00:00:00Z",
                        "offerTermCode": offer, "termAttributes": {},
                    }
                },
                "Reserved": {},
            },
            "version": "20261120101112",
            "publicationDate": published,
        }
    )  # fmt: skip


class Listed:
    """Answers GetProducts page by page, and remembers what was asked."""

    def __init__(self, *pages: Sequence[str]) -> None:
        self.pages, self.asked = pages, list[dict[str, Any]]()

    def __call__(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        assert (service, operation) == ("pricing", "GetProducts")
        self.asked.append(params)
        at = int(params.get("NextToken", "0"))
        answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": list(self.pages[at])}
        return answer | ({"NextToken": str(at + 1)} if at + 1 < len(self.pages) else {})


def test_a_price_comes_with_the_date_it_was_published() -> None:
    """$0.017 an hour, published on 20 November."""
    found = read(Listed([product("InstanceUsage:db.t3.micro", [("0", "0.0170000000")])]), "us-east-1", [INSTANCE])
    assert (found.quotes[INSTANCE].usd, found.missing) == (0.017, {})
    assert found.quotes[INSTANCE].source == "AWS Price List, published 2026-11-20"


def test_what_is_asked_names_engine_deployment_and_region() -> None:
    """So that a Multi-AZ PostgreSQL in Frankfurt isn't another's price."""
    listed = Listed([product("EUC1-Multi-AZUsage:db.m5.large", [("0", "0.41")])])
    key = "rds.postgres_db_m5_large_multi_az_hour_usd"
    assert read(listed, "eu-central-1", [key]).quotes[key].usd == 0.41
    [asked] = listed.asked
    assert asked["ServiceCode"] == "AmazonRDS"
    assert {one["Field"]: one["Value"] for one in asked["Filters"]} == {
        "regionCode": "eu-central-1", "instanceType": "db.m5.large", "databaseEngine": "PostgreSQL",
        "deploymentOption": "Multi-AZ",
    }  # fmt: skip


@pytest.mark.parametrize("usage", ["ReadCapacityUnit-Hrs", "USE1-ReadCapacityUnit-Hrs", "EU-ReadCapacityUnit-Hrs"])
def test_what_is_free_first_is_billed_by_what_comes_after(usage: str) -> None:
    """DynamoDB's first 18,600 unit-hours cost nothing: the list price is that of the next ones."""
    key = "dynamodb.provisioned_rcu_hour_usd"
    listed = Listed([product(usage, [("18600", "0.00013"), ("0", "0.0000000000")])])
    assert read(listed, "us-east-1", [key]).quotes[key].usd == 0.00013


def test_of_falling_tiers_the_first_is_taken() -> None:
    """The first petabyte through an endpoint costs $0.01 a GB, what comes later less."""
    key = "vpc.interface_endpoint_gb_usd"
    listed = Listed([product("USE1-VpcEndpoint-Bytes", [("1048576", "0.006"), ("0", "0.01")])])
    assert read(listed, "us-east-1", [key]).quotes[key].usd == 0.01


def test_another_product_that_ends_alike_isnt_taken() -> None:
    """The infrequent-access class has unit-hours of its own, and reserved products no price on demand."""
    key = "dynamodb.provisioned_rcu_hour_usd"
    listed = Listed([product("IA-ReadCapacityUnit-Hrs", [("0", "0.00016")])])
    assert read(listed, "us-east-1", [key]).missing == {key: "the price list has none"}


def test_requests_are_priced_by_the_million() -> None:
    """$0.000000125 a unit are $0.125 a million."""
    key = "dynamodb.on_demand_read_usd_per_million"
    found = read(Listed([product("ReadRequestUnits", [("0", "0.0000001250")])]), "us-east-1", [key])
    assert found.quotes[key].usd == pytest.approx(0.125)


def test_two_prices_that_differ_are_neither() -> None:
    """Nobody can tell from here which is meant; two that agree are one."""
    unlike = [product("InstanceUsage:db.t3.micro", [("0", usd)]) for usd in ("0.017", "0.020")]
    assert read(Listed(unlike), "us-east-1", [INSTANCE]).missing == {
        INSTANCE: "the price list has more than one: $0.017, $0.02"
    }
    assert read(Listed([unlike[0], unlike[0]]), "us-east-1", [INSTANCE]).quotes[INSTANCE].usd == 0.017


def test_all_pages_are_read() -> None:
    """The price stands on the second."""
    listed = Listed(
        [product("InstanceUsage:db.t3.small", [("0", "0.034")])],
        [product("InstanceUsage:db.t3.micro", [("0", "0.017")])],
    )
    assert read(listed, "us-east-1", [INSTANCE]).quotes[INSTANCE].usd == 0.017
    assert [asked.get("NextToken") for asked in listed.asked] == [None, "1"]


def test_a_price_in_another_currency_or_without_an_offer_is_none() -> None:
    """China's are in CNY; what is only reserved has no offer on demand."""
    yuan = product("InstanceUsage:db.t3.micro", [("0", "0.1")]).replace('"USD"', '"CNY"')
    reserved = json.loads(product("InstanceUsage:db.t3.micro", [("0", "0.1")]))
    del reserved["terms"]["OnDemand"]
    assert INSTANCE in read(Listed([yuan, json.dumps(reserved)]), "us-east-1", [INSTANCE]).missing


def test_a_key_without_a_known_product_isnt_asked_for() -> None:
    """It stays what it was."""
    listed = Listed([])
    assert read(listed, "us-east-1", ["ec2.between_zones_gb_usd"]).missing == {
        "ec2.between_zones_gb_usd": "no product of the price list is known for it"
    }
    assert listed.asked == []


def test_every_price_of_the_estimates_has_a_product_but_the_data_between_zones() -> None:
    """So that one option fills what the file lacks."""
    work = Work(parts=(Part(name="run", seconds=1, how="given", read_request_units=1),))
    sheet = PriceSheet(prices=load_prices(Config()))
    keys = {
        key for stacks in STACKS.values() for key in estimate(of_stacks(stacks, items=1), work, sheet).keys
    }  # fmt: skip
    assert {key for key in keys if product_of(key) is None} == {"ec2.between_zones_gb_usd"}


def test_the_gateway_asks_with_parameters_that_botocore_takes() -> None:
    """Through Aws.call and botocore's own model, to a stubbed answer."""
    client = botocore.session.get_session().create_client(
        "pricing", region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none"
    )
    with Stubber(client) as stub:
        filters = {
            "regionCode": "us-east-1", "instanceType": "db.t3.micro", "databaseEngine": "MySQL", "deploymentOption": "Single-AZ",
        }  # fmt: skip
        stub.add_response(
            "get_products",
            {"FormatVersion": "aws_v1", "PriceList": [product("InstanceUsage:db.t3.micro", [("0", "0.017")])]},
            {
                "ServiceCode": "AmazonRDS", "FormatVersion": "aws_v1", "MaxResults": 100,
                "Filters": [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()],
            },
        )  # fmt: skip
        aws = Aws(REGION, stack="none", clients=lambda _: client)
        assert read(aws.call, "us-east-1", [INSTANCE]).quotes[INSTANCE].usd == 0.017
        stub.assert_no_pending_responses()


def test_what_was_read_goes_before_the_file() -> None:
    """A secret at $0.50 instead of the file's $0.40, with its own source; the rest stays."""
    key = "secretsmanager.secret_month_usd"
    found = read(Listed([product("USE1-AWSSecretsManager-Secrets", [("0", "0.50")])]), "us-east-1", [key])
    sheet = PriceSheet(prices=load_prices(Config())).with_quotes(found.quotes)
    made = estimate(Deployment(secrets=1, endpoint_zones=1), Work(parts=()), sheet)
    by_what = {one.what: one for one in made.lines}
    assert by_what["Secrets Manager"].usd_per_unit == 0.50
    assert by_what["Secrets Manager"].source == "AWS Price List, published 2026-11-20"
    assert by_what["Interface endpoints"].usd_per_unit == 0.01
