"""The experiments of scenario cache_hit_rate: what they vary, the rows they read, their load and their faults."""
