"""The cache: its client and the strategies an application may put before a database."""
