"""Reads prices from AWS's Pricing API, through whatever makes the call; nothing is guessed where its answer leaves a choice.

The service answers in a few regions only, us-east-1 among them, for all regions. ``PriceList`` holds each product as a text of JSON:
``product.attributes``, and under ``terms.OnDemand`` offers with ``priceDimensions``: unit, from which quantity on, dollars.
Source: "GetProducts" in the AWS Price List API Reference, "Reading the service price list files" in the AWS Billing User Guide.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from harness.aws.price_sheet import Quote

REGION: Final = "us-east-1"
"""Where to ask."""
_MOST_PAGES = 50
_MILLION = 1_000_000


class Call(Protocol):
    """Makes one call of AWS and gives its answer; ``Aws.call`` is one."""

    def __call__(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """The answer; raises HarnessError where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """How a price is found: service, attributes, what its usage type ends with, and how many of its unit the key's price is for."""

    service: str
    usage: str
    attributes: Mapping[str, str]
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of it: quotes by key, and why there is none for the others."""

    quotes: Mapping[str, Quote]
    missing: Mapping[str, str]


def read(call: Call, region: str, keys: Iterable[str]) -> Read:
    """The prices of a region under those keys. Raises whatever ``call`` raises."""
    quotes: dict[str, Quote] = {}
    missing: dict[str, str] = {}
    for key in dict.fromkeys(keys):
        product = product_of(key)
        if product is None:
            missing[key] = "no product of the price list is known for it"
            continue
        found = {*_prices(product, _products(call, product, region))}
        if len({usd for usd, _ in found}) == 1:
            usd = next(iter(found))[0]
            published = max(date for _, date in found)
            quotes[key] = Quote(usd=usd * product.times, source=f"AWS Price List, published {published}")
        else:
            dollars = ", ".join(f"${usd:g}" for usd in sorted({usd for usd, _ in found}))
            missing[key] = f"the price list has more than one: {dollars}" if found else "the price list has none"
    return Read(quotes=quotes, missing=missing)


def product_of(key: str) -> Product | None:
    """How the price under a key of the price file is found; None where that isn't known."""
    for shape, make in _BY_SHAPE:
        if match := shape.fullmatch(key):
            return make(match)
    return _BY_KEY.get(key)


def _products(call: Call, product: Product, region: str) -> Iterator[dict[str, Any]]:
    """Everything that the service lists for it, page by page."""
    attributes = {"regionCode": region, **product.attributes}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in attributes.items()]
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        answer = call(
            "pricing", "GetProducts", ServiceCode=product.service, Filters=filters, FormatVersion="aws_v1",
            MaxResults=100, **token,
        )  # fmt: skip
        yield from map(json.loads, answer.get("PriceList", ()))
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _prices(product: Product, listed: Iterable[dict[str, Any]]) -> Iterator[tuple[float, str]]:
    """Dollars for one unit beyond what is free, with when they were published, of every product that fits.

    Usage types begin with the region's code (``EUC1-``, ``EU-``), in us-east-1 most of them with nothing; ``IA-`` is another product.
    """
    for one in listed:
        usage = one["product"]["attributes"].get("usagetype", "")
        if usage != product.usage and not re.fullmatch(rf"(EU|[A-Z]{{2,4}}\d)-{re.escape(product.usage)}", usage):
            continue
        for offer in one.get("terms", {}).get("OnDemand", {}).values():
            tiers = sorted(
                (float(tier.get("beginRange", "0")), float(tier["pricePerUnit"]["USD"]))
                for tier in offer["priceDimensions"].values()
                if "USD" in tier["pricePerUnit"]
            )
            charged = [usd for _, usd in tiers if usd > 0]
            if charged:
                yield charged[0], str(one.get("publicationDate", "at an unknown date"))[:10]


_RDS_USAGE: Mapping[str, tuple[str, str]] = {
    "": ("Single-AZ", "InstanceUsage:"),
    "_multi_az": ("Multi-AZ", "Multi-AZUsage:"),
    "_multi_az_cluster": ("Multi-AZ (readable standbys)", "Multi-AZClusterUsage:"),
}


def _instance(match: re.Match[str]) -> Product:
    deployed, usage = _RDS_USAGE[match["az"] or ""]
    kind = match["type"].replace("_", ".")
    engine = "PostgreSQL" if match["postgres"] else "MySQL"
    return Product(
        service="AmazonRDS", usage=f"{usage}{kind}",
        attributes={"instanceType": kind, "databaseEngine": engine, "deploymentOption": deployed},
    )  # fmt: skip


def _storage(match: re.Match[str]) -> Product:
    deployed, usage = _RDS_USAGE[match["az"] or ""]
    volume = {"storage": "GP3-Storage", "storage_io1": "PIOPS-Storage", "iops": "PIOPS"}[match["what"]]
    attributes = {"databaseEngine": "MySQL", "deploymentOption": deployed}
    copies = usage.removesuffix("Usage:").removesuffix("Instance")
    return Product(service="AmazonRDS", usage=f"RDS:{copies}{'-' if copies else ''}{volume}", attributes=attributes)


def _node(match: re.Match[str]) -> Product:
    kind = f"cache.{match['type'].replace('_', '.')}"
    engine = "Valkey" if match["valkey"] else "Redis"
    attributes = {"instanceType": kind, "cacheEngine": engine}
    return Product(service="AmazonElastiCache", usage=f"NodeUsage:{kind}", attributes=attributes)


def _generator(match: re.Match[str]) -> Product:
    kind = match["type"].replace("_", ".")
    attributes = {
        "instanceType": kind, "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used",
    }  # fmt: skip
    return Product(service="AmazonEC2", usage=f"BoxUsage:{kind}", attributes=attributes)


_BY_SHAPE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Product]], ...] = (
    (re.compile(r"rds\.(?P<postgres>postgres_)?(?P<type>db_[a-z0-9]+_[a-z0-9]+)(?P<az>_multi_az(_cluster)?)?_hour_usd"), _instance),
    (re.compile(r"rds\.(?P<what>storage|storage_io1)(?P<az>_multi_az(_cluster)?)?_gb_month_usd"), _storage),
    (re.compile(r"rds\.(?P<what>iops)(?P<az>_multi_az(_cluster)?)?_month_usd"), _storage),
    (re.compile(r"elasticache\.(?P<valkey>valkey_)?cache_(?P<type>[a-z0-9]+_[a-z0-9]+)_hour_usd"), _node),
    (re.compile(r"ec2\.(?P<type>[a-z0-9-]+_[a-z0-9-]+)_hour_usd"), _generator),
)  # fmt: skip


def _plain(service: str, usage: str, *, times: int = 1, **attributes: str) -> Product:
    return Product(service=service, usage=usage, attributes=attributes, times=times)


_BY_KEY: Mapping[str, Product] = {
    "rds.backup_gb_month_usd": _plain("AmazonRDS", "RDS:ChargedBackupUsage", productFamily="Storage Snapshot"),
    "rds.proxy_vcpu_hour_usd": _plain("AmazonRDS", "RDS:ProxyUsage", databaseEngine="MySQL"),
    "dynamodb.provisioned_rcu_hour_usd": _plain("AmazonDynamoDB", "ReadCapacityUnit-Hrs"),
    "dynamodb.provisioned_wcu_hour_usd": _plain("AmazonDynamoDB", "WriteCapacityUnit-Hrs"),
    "dynamodb.on_demand_read_usd_per_million": _plain("AmazonDynamoDB", "ReadRequestUnits", times=_MILLION),
    "dynamodb.on_demand_write_usd_per_million": _plain("AmazonDynamoDB", "WriteRequestUnits", times=_MILLION),
    "dynamodb.storage_gb_month_usd": _plain("AmazonDynamoDB", "TimedStorage-ByteHrs"),
    "dynamodb.point_in_time_gb_month_usd": _plain("AmazonDynamoDB", "TimedPITRStorage-ByteHrs"),
    "vpc.interface_endpoint_az_hour_usd": _plain("AmazonVPC", "VpcEndpoint-Hours"),
    "vpc.interface_endpoint_gb_usd": _plain("AmazonVPC", "VpcEndpoint-Bytes"),
    "secretsmanager.secret_month_usd": _plain("AWSSecretsManager", "AWSSecretsManager-Secrets"),
    "ec2.gp3_gb_month_usd": _plain("AmazonEC2", "EBS:VolumeUsage.gp3"),
    "s3.storage_gb_month_usd": _plain("AmazonS3", "TimedStorage-ByteHrs"),
    "cloudwatch.alarm_month_usd": _plain("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
}
