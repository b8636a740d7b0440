"""For all tests: what they start must heed Ctrl-C."""

import signal


def pytest_configure() -> None:
    """A shell's background ignores SIGINT, and what is started there would inherit that; a handler isn't inherited."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
