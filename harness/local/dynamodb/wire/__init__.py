"""The twin on the wire: HTTP, long work in turns, slow clients, signatures, faults, service times."""
