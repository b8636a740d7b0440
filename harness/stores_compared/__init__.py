"""The same questions of three kinds of stores: access patterns, the arms that answer them, and what an answer cost a server."""
