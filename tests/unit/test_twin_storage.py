"""What the twin keeps of an item."""

import tracemalloc

from harness.local.dynamodb.storage import Entry, Partitions, as_json


def flight(number: int) -> dict[str, dict[str, str]]:
    return {
        "tailnum": {"S": f"N{number}"},
        "flight_key": {"S": f"2013-01-01T05:15#UA#{number}"},
        "note": {"S": "x" * 400},
    }


def test_a_stored_item_takes_little_more_memory_than_its_json():
    """About 490 bytes of JSON and the entry around it: 2 KB at most, so that all flights of a year fit (1.5 GB)."""
    tracemalloc.start()
    held_in = Partitions()
    for number in range(500):
        raw = as_json(flight(number))
        held_in.put(Entry(f"N{number}".encode(), (b"2013-01-01T05:15",), raw, 450))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_in.count == 500
    assert held / 500 < 2_000
