"""Tables and their indexes: made, changed, described, expired; capacity and quotas."""
