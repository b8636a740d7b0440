"""A year of flights in the twin."""

import psutil
import pytest

from harness import dataset
from harness.dynamodb.answers import bulk_load
from harness.dynamodb.client import DynamoClient
from harness.flights import serialised_items, table_definition
from harness.local.services import LocalServices
from harness.services import Needs

ALL_FLIGHTS = 336_776


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_flights_with_their_index_fit_in_one_and_a_half_gigabytes():
    """336,776 items and as many index entries; the process's resident memory after loading."""
    services = LocalServices.up(Needs(dynamodb=True))
    try:
        url = services.dynamodb_url
        with DynamoClient(url) as client:
            client.call("CreateTable", table_definition("flights"))
        year = dataset.load(tuple(range(1, 13)))
        assert bulk_load(lambda: DynamoClient(url), "flights", serialised_items(year)) == ALL_FLIGHTS
        port = int(url.rsplit(":", 1)[1])
        twin = next(c.pid for c in psutil.net_connections("tcp") if c.laddr[1:] == (port,) and c.status == "LISTEN")
        assert psutil.Process(twin).memory_info().rss < 1.5e9
    finally:
        services.close()
