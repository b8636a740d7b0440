"""Turns a run directory into findings, charts and reports. Knows nothing of load."""
