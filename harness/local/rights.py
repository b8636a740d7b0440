"""What a server of ours does with the rights that it was started with."""

import os
import resource


def raise_file_limit() -> None:
    """As many open files as the system lets us have: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def drop_rights(uid: int) -> None:
    """Become an unprivileged user for good; nothing is imported from disk after this."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
