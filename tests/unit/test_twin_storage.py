"""What the twin keeps of an item."""

import tracemalloc

from harness.local.dynamodb.storage import KeySchema, make_entry

SCHEMA = KeySchema("tailnum", "flight_key", {"tailnum": "S", "flight_key": "S"})


def flight(number: int) -> dict[str, dict[str, str]]:
    return {
        "tailnum": {"S": f"N{number}"},
        "flight_key": {"S": f"2013-01-01T05:15#UA#{number}"},
        "note": {"S": "x" * 400},
    }


def test_a_stored_item_takes_little_more_memory_than_its_json():
    """About 490 bytes of JSON and the entry around it: 2 KB at most, so that all flights of a year fit (1.5 GB)."""
    tracemalloc.start()
    entries = [make_entry(SCHEMA, flight(number)) for number in range(500)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(entries[0].raw) > 450
    assert held / len(entries) < 2_000
