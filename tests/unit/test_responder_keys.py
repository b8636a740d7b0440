"""When two requests are the same to the responder, and when one isn't whole yet."""

import pytest

from harness.local.responder import http_key, plain_key


def request(body: bytes, *, date: bytes = b"20260101T000000Z", operation: bytes = b"GetItem") -> bytes:
    """A request as a DynamoDB client sends it."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: %s\r\nX-Amz-Target: DynamoDB_20120810.%s\r\nContent-Length: %d\r\n\r\n"
    return head % (date, operation, len(body)) + body


def test_date_and_signature_do_not_make_another_request() -> None:
    """The same operation and body at another time have the same key; another body or operation has another."""
    key = http_key(request(b'{"a":1}'))
    assert key == (b"dynamodb_20120810.getitem", b'{"a":1}')
    assert http_key(request(b'{"a":1}', date=b"20270101T000000Z")) == key
    assert http_key(request(b'{"a":2}')) != key
    assert http_key(request(b'{"a":1}', operation=b"Query")) != key


@pytest.mark.parametrize(
    "cut", [10, 60, -8, -1], ids=["in the head", "later in the head", "before the body", "in the body"]
)
def test_a_part_of_a_request_has_no_key(cut: int) -> None:
    """Some clients send head and body apart; the rest is waited for."""
    assert http_key(request(b'{"a":1}')[:cut]) is None


def test_a_request_without_target_or_length_is_its_first_line() -> None:
    """As a health check is."""
    assert http_key(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n") == (b"get /ping http/1.1", b"")


def test_other_protocols_compare_every_byte() -> None:
    """A command that differs in one byte is another."""
    assert plain_key(b"*1\r\n$4\r\nPING\r\n") == (b"", b"*1\r\n$4\r\nPING\r\n")
