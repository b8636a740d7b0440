"""What each pattern needs of a SQL database, in words."""

from harness.sql.endpoint import Engine
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.sql.answers import ISOLATION
from harness.stores_compared.store import Needed

ONE = "1"
WORDS: dict[Name, tuple[str, str]] = {
    "flight_by_key": ("primary key", ONE),
    "aircraft_flights": ("index by_tailnum, pages by the last key", "1 a page"),
    "airport_day": ("index by_dest, a range of keys", ONE),
    "flight_with_all": ("primary key and three joins by primary keys", ONE),
    "carrier_month_delays": ("index by_month alone, grouped; a full scan where all is one month", ONE),
    "top_routes": ("whole index by_route, grouped", ONE),
    "ad_hoc": ("full scan", ONE),
    "count": ("whole index", ONE),
    "update_if": ("primary key, condition in the statement", ONE),
    "move_flight": ("primary key, one statement", ONE),
    "add_attribute": ("ALTER TABLE and UPDATE of all rows", "2"),
}
FLAT: dict[Name, tuple[str, str]] = {
    "flight_with_all": ("primary key", ONE),
    "move_flight": ("transaction: another flight's plane read, row written", "4: BEGIN, SELECT, UPDATE, COMMIT"),
}


def needed(pattern: Name, engine: Engine, *, flat: bool) -> Needed:
    """What an arm needs, and gives."""
    match pattern, engine:
        case "full_text", "postgres":
            words, requests = "GIN index by_words of tsvectors", ONE
        case "full_text", "mysql":
            words, requests = "FULLTEXT index by_words; words of three letters and more", ONE
        case "bulk_load", "postgres":
            words, requests = "COPY", ONE
        case "bulk_load", "mysql":
            words, requests = "INSERT of 1,000 rows at once, in one transaction", "1 each 1,000 rows, BEGIN and COMMIT"
        case _:
            words, requests = (FLAT.get(pattern) if flat else None) or WORDS[pattern]
    kind = "" if PATTERNS[pattern].reads else ", durable at once"
    return Needed(words=words, consistency=f"{ISOLATION[engine]}{kind}", requests=requests)
