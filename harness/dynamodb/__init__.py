"""DynamoDB: the lean client and the pure rules (metering, admission, pricing)."""
