"""The twin of DynamoDB: one process, the real wire protocol, exact units, real throttling."""
