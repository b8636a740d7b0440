"""What an error of a database driver counts as (D5, D6)."""

import psycopg
import pymysql
import pytest

from harness.sql.connections import classify
from harness.sql.waiting import ReadTimedOut


def mysql(code, context=None):
    error = pymysql.OperationalError(code, "said the server")
    error.__context__ = context
    return error


def connecting(code, original):
    error = pymysql.OperationalError(code, "can't connect")
    error.original_exception = original
    return error


def postgres(sqlstate, message="said the server"):
    if sqlstate is None:
        return psycopg.OperationalError(message)
    return psycopg.errors.lookup(sqlstate)(message)


@pytest.mark.parametrize(
    ("error", "of_a_write", "of_a_read", "code"),
    [
        (mysql(2013), "ambiguous", "error", "2013"),
        (mysql(2013, TimeoutError("timed out")), "ambiguous", "timeout", "2013"),
        (mysql(2006, BrokenPipeError()), "error", "error", "2006"),
        (mysql(1053), "ambiguous", "error", "1053"),
        (mysql(1290), "error", "error", "1290"),
        (mysql(1836), "error", "error", "1836"),
        (connecting(2003, ConnectionRefusedError()), "error", "error", "2003"),
        (connecting(2003, TimeoutError("timed out")), "timeout", "timeout", "2003"),
        (pymysql.InterfaceError(0, ""), "error", "error", "0"),
        (pymysql.IntegrityError(1062, "duplicate"), "error", "error", "1062"),
        (
            postgres(None, "server closed the connection unexpectedly"),
            "ambiguous",
            "error",
            "OperationalError",
        ),
        (postgres(None, "the connection is closed"), "error", "error", "OperationalError"),
        (postgres("57P01"), "ambiguous", "error", "57P01"),
        (postgres("57P02"), "ambiguous", "error", "57P02"),
        (postgres("57P03"), "error", "error", "57P03"),
        (postgres("08006"), "ambiguous", "error", "08006"),
        (postgres("08001"), "error", "error", "08001"),
        (postgres("25006"), "error", "error", "25006"),
        (postgres("08P01", "server conn crashed?"), "ambiguous", "error", "08P01"),
        (postgres("08P01", "query_wait_timeout"), "error", "error", "08P01"),
        (
            postgres("08P01", "server login has been failing, try again later (server_login_retry)"),
            "error",
            "error",
            "08P01",
        ),
        (postgres("57014"), "error", "error", "57014"),
        (psycopg.errors.ConnectionTimeout("no connection"), "timeout", "timeout", "ConnectionTimeout"),
        (ReadTimedOut("no answer"), "ambiguous", "timeout", "ReadTimedOut"),
        (ConnectionResetError(), "ambiguous", "error", "ConnectionResetError"),
        (ConnectionRefusedError(), "error", "error", "ConnectionRefusedError"),
        (TimeoutError(), "ambiguous", "timeout", "TimeoutError"),
    ],
)
def test_an_error_counts_as(error, of_a_write, of_a_read, code):
    """Broken after sending is ambiguous for a write; refused or never sent is an error; late is a timeout."""
    assert classify(error, sent=True) == (of_a_write, code)
    assert classify(error, sent=False) == (of_a_read, code)


def test_an_unrelated_timeout_behind_another_error_changes_nothing():
    """Only PyMySQL's own errors hide a timeout; another error raised after one keeps its meaning."""
    error = ValueError("ours")
    error.__context__ = TimeoutError()
    assert classify(error, sent=True) == ("error", "ValueError")
