"""What is shown of servers while a run goes on: their processor time between two looks, and what is done to them."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.plan import Trial
from harness.sql.operations.part import Doing
from harness.stores_compared.looks import Looks

if TYPE_CHECKING:
    from harness.stores_compared.cost import ServerProcesses


def test_processor_time_is_that_between_two_looks_over_the_time_between_them() -> None:
    """The server uses 300 ms of CPU while 2 s go by: 150 ms/s. Nobody looks unasked, and one look alone tells nothing."""
    now_ns, used_ns = [0], [5_000_000_000]
    server = cast("ServerProcesses", SimpleNamespace(cpu_ns=lambda: used_ns[0]))
    looks = Looks({"postgres": server}, lambda: now_ns[0])
    assert looks.pause() == 0
    assert looks.ask() == {}
    looks.pause()
    assert looks.ask() == {}
    now_ns[0] += 2_000_000_000
    used_ns[0] += 300_000_000
    looks.pause()
    assert looks.ask() == {"servers": {"cpu_ms_per_s|postgres": pytest.approx(150.0)}}
    assert looks.ask() == {}


def test_what_is_done_to_a_server_is_said_until_it_is_done_and_then_what_was_before() -> None:
    """A restore within a backup; the other engine's server has nothing done to it. An archive has a size while there is one."""
    doing, trial = Doing(), _trial("mysql")
    assert doing.live("mysql") == {"operation|mysql": "none"}
    doing.archives(trial, lambda: 4096)
    with doing.this(trial, "base backup"):
        with doing.this(trial, "restore"):
            assert doing.live("mysql") == {"operation|mysql": "restore", "archived_log_bytes|mysql": 4096.0}
            assert doing.live("postgres") == {"operation|postgres": "none"}
        assert doing.live("mysql")["operation|mysql"] == "base backup"
    doing.archives_no_more(trial)
    assert doing.live("mysql") == {"operation|mysql": "none"}


def test_what_failed_is_done_no_more() -> None:
    """An operation that raises is over too."""
    doing, trial = Doing(), _trial("postgres")
    with pytest.raises(OSError, match="full"), doing.this(trial, "snapshot"):
        raise OSError("full")
    assert doing.live("postgres") == {"operation|postgres": "none"}


def _trial(engine: str) -> Trial:
    labels: Any = {"part": "backup", "engine": engine}
    return Trial(trial=0, pair=0, arm="base_backup", step="500", labels=labels, params={})
