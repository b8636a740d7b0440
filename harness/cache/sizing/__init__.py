"""How large a cache should be: the hit rate of every size from one pass over a key trace, and what that is worth. Pure."""
