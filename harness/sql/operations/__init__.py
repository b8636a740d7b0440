"""The rooms behind scenarios/rds_operations.py: what a managed database is operated by, done for real and timed under load."""
