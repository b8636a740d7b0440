"""Client arms: the ways in which applications reach a database, side by side in one failover (D2)."""
