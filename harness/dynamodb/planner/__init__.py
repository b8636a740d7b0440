"""Replays a demand under settings of a table and says which is cheapest. Pure; the rules are admission's and autoscaling's."""
