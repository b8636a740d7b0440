"""What a run shows while it goes on: what is known each second, Locust's tabs, and our own page under /dbharness/."""
