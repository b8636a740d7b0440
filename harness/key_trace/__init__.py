"""Reads a key trace: what `dbharness plan-cache` sizes a cache for. What is wrong names the file and the row."""
