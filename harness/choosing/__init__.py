"""Which store a workload should have: rates and prices over what was measured, as exact arithmetic. Nothing here reads or prints."""
