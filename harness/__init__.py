"""Puts load on databases and records what happened."""
