"""One file a question; each is also a plain locustfile.

Adding a scenario is a file here, a file of the same name in reports/, and a line in this list.
"""

SCENARIOS = (
    "query_vs_scan",
    "capacity_modes",
    "cache_hit_rate",
    "rds_failover",
    "sql_vs_nosql",
    "rds_operations",
)
