"""The rooms behind scenarios/rds_failover.py: what fails over, how it is loaded, and what is settled afterwards."""
