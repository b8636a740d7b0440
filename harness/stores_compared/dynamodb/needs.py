"""What each pattern needs of DynamoDB, in words, and what it has no answer to."""

from collections.abc import Mapping

from harness.stores_compared.patterns import Name
from harness.stores_compared.store import Needed

OF_INDEX = "eventual: an index has no other"
OF_TABLE = "eventual; strong at twice the units"
A_PAGE = "1 a page of 1 MB"

CANNOT: Mapping[Name, str] = {
    "full_text": "DynamoDB has no index of words: a filter with contains() reads and bills every airport, finds parts of words too and minds the "
    "case. It takes a search engine fed by the table's stream (OpenSearch), or an item for every word of every name that the application "
    "writes itself",
}

NEEDED: Mapping[Name, Needed] = {
    "flight_by_key": Needed(words="index by_flight; a strong read takes a GetItem behind it", consistency=OF_INDEX, requests="1"),
    "aircraft_flights": Needed(
        words="primary key, backwards, pages by LastEvaluatedKey", consistency=OF_TABLE, requests="1 a page of 25"
    ),
    "airport_day": Needed(words="index by_dest, a range of keys", consistency=OF_INDEX, requests="1"),
    "flight_with_all": Needed(
        words="index by_flight; airline, plane and weather written into every flight", consistency=OF_INDEX, requests="1"
    ),
    "carrier_month_delays": Needed(
        words="index by_month, all of a month's entries, summed in the application; a month is one partition, which takes 1,000 writes a "
        "second. A maintained aggregate would take 1 Query of half a unit, and a write of 1 unit more for every flight that is written",
        consistency=OF_INDEX, requests=A_PAGE,
    ),
    "top_routes": Needed(
        words="scan of the whole index by_dest, counted in the application. A maintained count of each route would take 1 Query, and a write "
        "of 1 unit more for every flight that is written",
        consistency=OF_INDEX, requests=A_PAGE,
    ),
    "ad_hoc": Needed(
        words="full scan through a filter, which saves no unit; sorted in the application", consistency=OF_TABLE, requests=A_PAGE
    ),
    "count": Needed(
        words="scan of the whole index by_month. DescribeTable's count is up to six hours old; a maintained counter would take 1 GetItem, and "
        "a write of 1 unit more for every flight that is written, at most 1,000 a second of one counter",
        consistency=OF_INDEX, requests=A_PAGE,
    ),
    "update_if": Needed(
        words="index by_flight for the primary key, condition in the UpdateItem",
        consistency="atomic for one item; the key is read from the index, eventually consistent", requests="2: Query, UpdateItem",
    ),
    "move_flight": Needed(
        words="transaction: Delete and Put, for a key can't be changed; flight and plane read before in the application",
        consistency="serializable, at twice the write units; indexes follow eventually", requests="2: BatchGetItem, TransactWriteItems",
    ),
    "add_attribute": Needed(
        words="no schema to change: full scan, and an UpdateItem for every flight; in parallel it is faster, never cheaper. Readers find some "
        "flights with it and some without meanwhile",
        consistency="atomic for one item each", requests=f"{A_PAGE}, 1 a flight",
    ),
    "bulk_load": Needed(words="BatchWriteItem, what is unprocessed again", consistency="atomic for one item each", requests="1 each 25 flights"),
}  # fmt: skip
