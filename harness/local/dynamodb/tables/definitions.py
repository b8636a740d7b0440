"""Keys, attributes and indexes as CreateTable and UpdateTable define them, checked in the service's order."""

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

from harness.local.dynamodb.data.storage import Index, KeySchema, Partitions
from harness.local.dynamodb.errors import invalid, not_built, validation
from harness.local.dynamodb.tables.parameters import MAX_INDEXES, MAX_LOCAL_INDEXES, MAX_PROJECTED

Definition = Mapping[str, Any]


def attribute_types(definitions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The types of attributes by name, in the order of names as the service describes them."""
    types: dict[str, str] = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in types:
            raise validation(f"Attribute Name is duplicated: {name}")
        types[name] = definition["AttributeType"]
    return dict(sorted(types.items()))


def table_keys(request: Definition, types: dict[str, str]) -> KeySchema:
    """A new table's own keys; they and its indexes' must use every attribute that is defined."""
    elements = request["KeySchema"]
    if len(elements) > len(types):
        raise validation("Invalid KeySchema: Some index key attribute have no definition")
    schema = _key_schema(elements, types)
    local, shared = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    if local is None and shared is None:
        if len(types) != len(elements):
            raise invalid(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                "AttributeDefinitions"
            )
        return schema
    used = set(schema.names)
    used |= {key["AttributeName"] for index in [*(local or ()), *(shared or ())] for key in index["KeySchema"]}
    if not types.keys() <= used:
        raise invalid(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(types)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )
    return schema


def indexes_of(request: Definition, table: KeySchema, types: dict[str, str]) -> dict[str, Index]:
    """A new table's indexes by name, the local ones first."""
    indexes: dict[str, Index] = {}
    local, shared = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    if local is not None:
        if not local:
            raise invalid("List of LocalSecondaryIndexes is empty")
        if table.sort is None:
            raise invalid(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
            )
        for definition in local:
            _add(indexes, _local_index(definition, table, types))
        if len(indexes) > MAX_LOCAL_INDEXES:
            raise invalid(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}")
    if shared is not None:
        if not shared:
            raise invalid("List of GlobalSecondaryIndexes is empty")
        for definition in shared:
            _add(indexes, global_index(definition, types))
        if len(shared) > MAX_INDEXES:
            raise invalid(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_INDEXES}")
    check_projected(indexes.values())
    return indexes


def global_index(definition: Definition, types: dict[str, str]) -> Index:
    """An empty global secondary index."""
    elements = definition["KeySchema"]
    if len(elements) > 2 or (len(elements) == 2 and elements[1]["KeyType"] == "HASH"):
        raise not_built("global secondary indexes with more than one attribute in either key")
    names = [element["AttributeName"] for element in elements]
    if len(set(names)) != len(names):
        raise invalid("The KeySchema contains multiple key attributes with the same name")
    schema = _key_schema(elements, types)
    projection, included = _projection(definition["Projection"])
    return Index(definition["IndexName"], schema, projection, included, Partitions())


def _local_index(definition: Definition, table: KeySchema, types: dict[str, str]) -> Index:
    name, schema = definition["IndexName"], _key_schema(definition["KeySchema"], types)
    if schema.sort is None:
        raise invalid(f"Index KeySchema does not have a range key for index: {name}")
    if schema.partition != table.partition:
        raise invalid(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {schema.partition}, table hash key: {table.partition}"
        )
    projection, included = _projection(definition["Projection"])
    return Index(name, schema, projection, included, Partitions(), local=True)


def check_projected(indexes: Collection[Index]) -> None:
    """All indexes together may name only so many attributes to project; one named twice counts twice."""
    named = sum(len(index.included) for index in indexes)
    if named > MAX_PROJECTED:
        raise invalid(
            f"Number of NonKeyAttributes over all secondary indexes exceeds the per-table limit of {MAX_PROJECTED}: {named}"
        )


def _add(indexes: dict[str, Index], index: Index) -> None:
    if index.name in indexes:
        raise invalid(f"Duplicate index name: {index.name}")
    indexes[index.name] = index


def _projection(projection: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    kind, included = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid("Unknown ProjectionType: null")
    if (kind == "INCLUDE") != (included is not None):
        raise invalid(
            f"ProjectionType is {kind}, but NonKeyAttributes is {'not ' if included is None else ''}specified"
        )
    names = sorted(included or ())
    for name, following in pairwise(names):
        if name == following:
            raise invalid(f"Duplicate element in NonKeyAttributes: {name}")
    return kind, tuple(names)


def _key_schema(elements: list[dict[str, str]], types: dict[str, str]) -> KeySchema:
    names = [element["AttributeName"] for element in elements]
    if not types.keys() >= set(names):
        raise invalid(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )
    if len(set(names)) != len(names):
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if elements[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(names) == 2 and elements[1]["KeyType"] != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    return KeySchema(names[0], names[1] if len(names) == 2 else None, {name: types[name] for name in names})
