"""The DynamoDB arm: one table of flights with three indexes, laid out for the patterns that were planned."""
