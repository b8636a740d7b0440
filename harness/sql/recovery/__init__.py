"""Automated backups and point-in-time restore, as RDS has them: base backups and a continuous archive of the log.

A restore makes a new instance beside the old one, which runs on, and has what was committed before a whole second of the server's
clock. ``backups_of`` in ``make`` is the way in.
"""
