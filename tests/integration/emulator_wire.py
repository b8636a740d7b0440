"""Requests to any server that speaks DynamoDB, without a client that would check, retry or translate."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from normalised import Send

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
}


def sender(url: str) -> Send:
    """A function that sends one request over a kept connection: its status and body; {} where that isn't JSON."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=30)

    def send(operation: str, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        connection.request("POST", "/", json.dumps(payload), headers)
        answer = connection.getresponse()
        body = answer.read()
        try:
            return answer.status, json.loads(body)
        except json.JSONDecodeError:
            return answer.status, {}

    return send


def create(send: Send, definition: dict[str, Any]) -> None:
    """Create a table, after the one that was there under its name, and wait until it is active."""
    name = {"TableName": definition["TableName"]}
    send("DeleteTable", name)
    _until(lambda: send("DescribeTable", name)[0] != 200, f"{name} isn't gone")
    status, body = send("CreateTable", definition)
    assert status == 200, body
    await_active(send, definition["TableName"])


def await_active(send: Send, table: str, indexes: set[str] | None = None) -> None:
    """Wait until a table and all its indexes are active; with ``indexes``, until it has just these global ones."""

    def is_active() -> bool:
        described = send("DescribeTable", {"TableName": table})[1]["Table"]
        states = {i["IndexName"]: i["IndexStatus"] for i in described.get("GlobalSecondaryIndexes", [])}
        if indexes is not None and set(states) != indexes:
            return False
        return {described["TableStatus"], *states.values()} == {"ACTIVE"}

    _until(is_active, f"{table} isn't active")


def _until(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)
