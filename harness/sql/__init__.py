"""SQL: connections, the write ledger, the phases of a failover."""
