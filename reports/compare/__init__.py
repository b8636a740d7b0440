"""Compares runs: which figures are the same figure, by how much they changed, and what that is worth.

One way through: runs → what may be compared at all (``refusals``) → design (``designs``) → figures matched (``matching``) → changes
(``changes``) → the comparison with its family (``comparison``) → table, page, Markdown, JSON, JUnit.
"""
