"""Measurements by hand, never part of the tests: each prints a table of ratios taken in one run."""
