"""What the requests about tables may hold; see `shapes`. The order of members is that of the service's messages."""

from harness.local.dynamodb.members import Flag, Listed, Member, Structure, TableName, Text, Unbuilt, Whole
from harness.local.dynamodb.shapes import ANYTHING, control, shape

_INDEX_NAME = Text(name=True)
_ATTRIBUTE_NAME = Text(least=1, most=255)
_THROUGHPUT = Structure(
    "WriteCapacityUnits",
    "ReadCapacityUnits",
    WriteCapacityUnits=Whole(1, kind="Long"),
    ReadCapacityUnits=Whole(1, kind="Long"),
)
_ON_DEMAND = Structure(MaxReadRequestUnits=Whole(kind="Long"), MaxWriteRequestUnits=Whole(kind="Long"))
_WARM = Structure(ReadUnitsPerSecond=Whole(kind="Long"), WriteUnitsPerSecond=Whole(kind="Long"))
_KEY = Structure(
    "AttributeName",
    "KeyType",
    AttributeName=_ATTRIBUTE_NAME,
    KeyType=Text("HASH", "RANGE"),
).called("KeySchemaElement")
_KEYS = Listed(_KEY, least=1, most=2)
_GLOBAL_KEYS = Listed(_KEY, least=1)
_ATTRIBUTES = Listed(
    Structure(
        "AttributeName",
        "AttributeType",
        AttributeName=_ATTRIBUTE_NAME,
        AttributeType=Text("B", "N", "S"),
    )
)
_PROJECTION = Structure(
    ProjectionType=Text("ALL", "INCLUDE", "KEYS_ONLY"),
    NonKeyAttributes=Listed(Text(least=1, most=255), least=1, most=20),
)
_LOCAL_INDEX = Structure(
    "IndexName", "KeySchema", "Projection", IndexName=_INDEX_NAME, KeySchema=_KEYS, Projection=_PROJECTION
)
_CAPACITY: dict[str, Member] = {
    "ProvisionedThroughput": _THROUGHPUT,
    "OnDemandThroughput": _ON_DEMAND,
    "WarmThroughput": _WARM,
}
_GLOBAL_INDEX = Structure(
    "KeySchema",
    "Projection",
    "IndexName",
    IndexName=_INDEX_NAME,
    **_CAPACITY,
    KeySchema=_GLOBAL_KEYS,
    Projection=_PROJECTION,
)
_SETTINGS: dict[str, Member] = {
    "BillingMode": Text("PROVISIONED", "PAY_PER_REQUEST"),
    **_CAPACITY,
    "DeletionProtectionEnabled": Flag(),
    "TableClass": Text("STANDARD", "STANDARD_INFREQUENT_ACCESS"),
    "SSESpecification": Structure(Enabled=Flag(), SSEType=Text("AES256", "KMS"), KMSMasterKeyId=Text()),
    "StreamSpecification": Structure(
        "StreamEnabled",
        StreamEnabled=Flag(),
        StreamViewType=Text("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"),
    ),
}

CREATE_TABLE = control(
    "AttributeDefinitions",
    "KeySchema",
    TableName=TableName(new=True),
    AttributeDefinitions=_ATTRIBUTES,
    **_SETTINGS,
    KeySchema=_KEYS,
    LocalSecondaryIndexes=Listed(_LOCAL_INDEX),
    GlobalSecondaryIndexes=Listed(_GLOBAL_INDEX),
    Tags=ANYTHING,
    GlobalTableSourceArn=Unbuilt("GlobalTableSourceArn"),
    ResourcePolicy=Unbuilt("ResourcePolicy"),
    VectorIndexes=Unbuilt("VectorIndexes"),
)
UPDATE_TABLE = control(
    AttributeDefinitions=_ATTRIBUTES,
    **_SETTINGS,
    GlobalSecondaryIndexUpdates=Listed(
        Structure(
            Update=Structure("IndexName", IndexName=_INDEX_NAME, **_CAPACITY),
            Create=_GLOBAL_INDEX,
            Delete=Structure("IndexName", IndexName=_INDEX_NAME),
        )
    ),
    ReplicaUpdates=Unbuilt("ReplicaUpdates"),
    MultiRegionConsistency=Unbuilt("MultiRegionConsistency"),
    GlobalTableWitnessUpdates=Unbuilt("GlobalTableWitnessUpdates"),
    VectorIndexUpdates=Unbuilt("VectorIndexUpdates"),
)
ONE_TABLE = control()
LIST_TABLES = shape(ExclusiveStartTableName=Text(name=True), Limit=Whole(1, 100))
UPDATE_TIME_TO_LIVE = control(
    "TimeToLiveSpecification",
    TimeToLiveSpecification=Structure("AttributeName", "Enabled", AttributeName=_ATTRIBUTE_NAME, Enabled=Flag()),
)
NO_MEMBERS = shape()
