"""How the servers of one database stand to each other: alone, with a standby on the same volume, or replicating."""
