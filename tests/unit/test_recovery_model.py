"""Which base backup a restore begins with, and what can't be restored to; no server is asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import CannotMeasure, UsageError
from harness.sql.recovery.mariadb import Position
from harness.sql.recovery.model import BaseBackup, newest_by

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def a_backup(number: int, ended_at: datetime) -> BaseBackup:
    return BaseBackup(folder=Path(f"base-{number}"), seconds=1.0, ended_at=ended_at)


FIRST, SECOND = a_backup(1, NOON), a_backup(2, NOON + timedelta(minutes=5))


def test_a_restore_begins_with_the_newest_backup_that_ended_by_then() -> None:
    """Up to 12:05:00 that is the first; at 12:05:00 sharp the second has just ended."""
    assert newest_by([SECOND, FIRST], NOON) == FIRST
    assert newest_by([SECOND, FIRST], NOON + timedelta(minutes=4, seconds=59)) == FIRST
    assert newest_by([FIRST, SECOND], NOON + timedelta(minutes=5)) == SECOND


def test_before_the_first_backup_ended_there_is_nothing_to_restore() -> None:
    """The message has the moment from which on there is."""
    with pytest.raises(CannotMeasure, match="the first base backup ended at 2026-11-28T12:00:00"):
        newest_by([SECOND, FIRST], NOON - timedelta(seconds=1))
    with pytest.raises(CannotMeasure, match="there is no base backup"):
        newest_by([], NOON)


@pytest.mark.parametrize("moment", [NOON + timedelta(milliseconds=1), NOON.replace(tzinfo=None)])
def test_only_a_whole_second_of_a_known_zone_is_a_target(moment: datetime) -> None:
    """MySQL's log has whole seconds, and RestoreTime on RDS too; a time without a zone could be any."""
    with pytest.raises(UsageError, match="a restore is to a whole second with its zone"):
        newest_by([FIRST], moment)


def test_places_in_the_binary_log_are_in_the_order_of_their_files() -> None:
    """Whatever their offsets."""
    assert Position(file="binlog.000002", offset=4) > Position(file="binlog.000001", offset=900)
    assert Position(file="binlog.000001", offset=900) > Position(file="binlog.000001", offset=4)
