"""For all tests: what they start heeds Ctrl-C, Locust doesn't alter the process that runs them, and no example has a time limit."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

_DONT = "LOCUST_SKIP_MONKEY_PATCH"


def pytest_configure() -> None:
    """Before anything is collected."""
    # A shell's background ignores SIGINT, and what is started there would inherit that; a handler isn't inherited.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # An example that takes longer than usual tells of the machine, which runs several files at once.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    # Imported by whichever test comes first, Locust would patch ssl and sockets under those that use them already.
    # Load is made in processes of its own, which are patched as ever.
    os.environ[_DONT] = "1"
    import locust  # noqa: F401

    del os.environ[_DONT]


@pytest.fixture
def port() -> Iterator[int]:
    """A port of loopback for a server that a test starts, given to nobody else meanwhile."""
    from harness.local.processes import held_port

    with held_port() as port:
        yield port
