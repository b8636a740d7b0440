"""The embedded stand-ins: real servers and the DynamoDB twin, started and stopped here."""
