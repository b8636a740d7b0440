"""Answers known beforehand: servers that behave by a schedule, the load that asks them, and what must come out."""
