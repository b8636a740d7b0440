"""Expressions: their grammar, what is wrong with them, and what they do to items."""
