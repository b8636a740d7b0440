"""The small tree of errors: each says what was expected, what was found, where, and what to do."""


class HarnessError(Exception):
    """Anything a user can act on; shown as one line, without a traceback."""

    exit_code = 3


class UsageError(HarnessError):
    """Wrong usage or configuration."""

    exit_code = 2


class CannotMeasure(HarnessError):  # noqa: N818 - the word of the exit code's meaning
    """A scenario, a service or the run cannot be measured; the message says why in one line."""


class TrialFailed(CannotMeasure):
    """One trial can't be measured, and neither can those like it (step and labels); the others of its plan can."""


class TrialBroken(CannotMeasure):
    """One trial lost part of its load on the way: what was measured of it doesn't count, and it can be done again."""


class ServerFailed(CannotMeasure):
    """A server didn't start or died; its own last log lines are kept beside the message."""

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(f"{message}\n{log_tail}" if log_tail else message)
        self.log_tail = log_tail
