"""`dbharness aws estimate --from-price-list` as a process of its own, its gateway asking a stand-in of the Pricing API over HTTP.

moto's server has no Pricing API (it answers 500), so the stand-in is made here, after the documented shape.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import loopback_http
import pytest

from harness.paths import PROJECT_ROOT

SECRET = {
    "product": {"attributes": {"usagetype": "USE1-AWSSecretsManager-Secrets"}},
    "terms": {
        "OnDemand": {"a.b": {"priceDimensions": {"a.b.c": {"beginRange": "0", "pricePerUnit": {"USD": "0.80"}}}}}
    },
    "publicationDate": "2026-11-20T00:00:00Z",
}


def price_list(headers: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
    """Knows what a secret costs, and nothing else."""
    known = json.loads(body)["ServiceCode"] == "AWSSecretsManager"
    assert headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
    said = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(SECRET)] if known else []}
    return 200, "application/x-amz-json-1.1", json.dumps(said).encode()


@pytest.fixture
def endpoint() -> Iterator[str]:
    with loopback_http.served(price_list) as url:
        yield url


def dbharness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *arguments]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_prices_come_from_the_list_where_it_has_them_and_else_from_the_file(endpoint: str) -> None:
    """Three secrets at $0.80 a month are $2.40/730 an hour; an endpoint's hour is the file's $0.01."""
    answer = dbharness(
        "aws", "estimate", "rds_failover", "--for", "quick", "--from-price-list", "--target-endpoint", endpoint, "--json"
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    estimate = json.loads(answer.stdout)["estimates"]["quick"]
    lines: dict[str, Any] = {one["what"]: one for one in estimate["lines"]}
    assert lines["Secrets Manager"]["usd_hour"] == pytest.approx(2.4 / 730)
    assert lines["Secrets Manager"]["source"] == "AWS Price List, published 2026-11-20"
    assert lines["Interface endpoints"]["usd_per_unit"] == 0.01


def test_a_price_list_that_cant_be_reached_is_one_line_and_no_estimate() -> None:
    """Nothing listens at port 9 of loopback."""
    answer = dbharness(
        "aws", "estimate", "--for", "quick", "--from-price-list", "--target-endpoint", "http://127.0.0.1:9"
    )  # fmt: skip
    assert answer.returncode == 3
    assert answer.stderr.startswith("pricing:GetProducts: ") and len(answer.stderr.splitlines()) == 1
    assert answer.stdout == ""


def test_a_scenarios_settings_can_be_read_where_boto3_is_at_work() -> None:
    """Locust isn't let patch sockets under it (F4): TLS contexts can still be made."""
    code = (
        "import boto3, os, ssl; boto3.client('sts', region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "from harness.aws import planned\n"
        "assert 'query_vs_scan' in planned.scenario_models()\n"
        "from gevent import monkey\n"
        "assert not monkey.is_module_patched('socket') and 'LOCUST_SKIP_MONKEY_PATCH' not in os.environ\n"
        "ssl.create_default_context().minimum_version = ssl.TLSVersion.TLSv1_2"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert answer.returncode == 0, answer.stderr
