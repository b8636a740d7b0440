"""What a schema event's statements say of tables, keys and indexes."""

import json

from reports.sql_vs_nosql.schema import Index, tables_of


def test_a_sql_schema_has_its_tables_with_keys_and_indexes_however_they_are_declared() -> None:
    """A key beside a column or at the end; an index of its own, one inside the table, one by an expression; line breaks don't matter."""
    found = tables_of(
        [
            "CREATE TABLE flights (flight_key varchar(26) PRIMARY KEY, dest varchar(3) NOT NULL,\nprice decimal(8, 2), INDEX by_dest (dest, flight_key)) ENGINE=InnoDB",
            "CREATE INDEX flights_by_price ON flights (price) INCLUDE (dest)",
            "CREATE TABLE weather (origin varchar(3), time_hour timestamp, PRIMARY KEY (origin, time_hour), FULLTEXT INDEX by_words (name))",
            "CREATE INDEX weather_by_words ON weather USING gin (to_tsvector('simple', name))",
            "SET postgres_cached:<pattern> <answer> PX 60000",
        ]
    )
    flights, weather = found
    assert (flights.name, flights.key, flights.columns) == ("flights", "flight_key", ("flight_key", "dest", "price"))
    assert flights.indexes == [
        Index(name="by_dest", of="(dest, flight_key)"), Index(name="by_price", of="(price) INCLUDE (dest)"),
    ]  # fmt: skip
    assert (weather.key, weather.columns) == ("origin, time_hour", ("origin", "time_hour"))
    assert weather.indexes == [
        Index(name="by_words", of="FULLTEXT (name)"), Index(name="by_words", of="USING gin (to_tsvector('simple', name))"),
    ]  # fmt: skip


def test_a_create_table_document_has_its_keys_and_what_its_indexes_project() -> None:
    """Every kind of projection; attributes that are no keys aren't declared."""

    def key(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]

    indexes = [
        {"IndexName": "by_dest", "KeySchema": key("dest", "flight_key"), "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["carrier"]}},
        {"IndexName": "by_day", "KeySchema": key("day"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
        {"IndexName": "by_all", "KeySchema": key("carrier"), "Projection": {"ProjectionType": "ALL"}},
    ]  # fmt: skip
    document = {"TableName": "flights", "KeySchema": key("tailnum", "flight_key"), "GlobalSecondaryIndexes": indexes}
    (table,) = tables_of([json.dumps(document)])
    assert (table.name, table.key, table.columns) == ("flights", "tailnum (partition), flight_key (sort)", ())
    assert [(one.name, one.of) for one in table.indexes] == [
        ("by_dest", "dest (partition), flight_key (sort); has carrier"), ("by_day", "day (partition); has keys alone"),
        ("by_all", "carrier (partition); has all attributes"),
    ]  # fmt: skip
