"""When a figure may be the tool's own: the limits that reports and the live page hold the load's own process against."""

CPU_LIMIT = 0.8
"""Of a core; above it the generator itself may be what is waited for."""
LATE_MS, LATE_SHARE = 1.0, 0.1
"""Late by more than the larger of so many milliseconds and this share of the figure, at p99."""
