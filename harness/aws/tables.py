"""Tables that a run makes for itself: with our tag, never over somebody else's, and taken down with the run."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from harness.aws.calls import TAG
from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.aws.safety import Refused, looks_like_production
from harness.dynamodb.access import DynamoAccess
from harness.errors import CannotMeasure, HarnessError

PATIENCE_S = 300.0
"""A table with three indexes is made in half a minute; longer than this is no table to wait for."""
_POLL_S = 2.0


class Makes(Protocol):
    """Makes a table and takes it away again."""

    def create(self, definition: Mapping[str, Any]) -> None:
        """CreateTable, and wait until it is there. Raises CannotMeasure."""

    def close(self) -> None:
        """Take away what was made."""


class TaggedTables:
    """Through the gateway: what is made carries the tag, and what is deleted was seen to carry it."""

    def __init__(
        self, aws: Aws, *, sleep_s: Callable[[float], None] = time.sleep, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._aws, self._sleep_s, self._clock_s = aws, sleep_s, clock_s
        self._made: list[str] = []

    def create(self, definition: Mapping[str, Any]) -> None:
        """See Makes. One of the name that an earlier run left is deleted first, if it is ours."""
        name = definition["TableName"]
        if looks_like_production(name):
            raise Refused(
                f"table {name} looks like production, so nobody here would delete it again: name another prefix"
            )
        tags = [{"Key": TAG, "Value": self._aws.stack}]
        if self._state(name) is not None:
            self._delete(name)
        self._made.append(name)  # before it is asked for: whoever is killed in between has it in the tag alone
        self._aws.call("dynamodb", "CreateTable", **definition, Tags=tags)
        self._wait(name, "ACTIVE")

    def close(self) -> None:
        """See Makes; goes on past one that can't be deleted, and raises for it at the end."""
        failures = []
        while self._made:
            name = self._made.pop()
            try:
                if self._state(name) is not None:
                    self._delete(name)
            except HarnessError as error:
                failures.append(str(error))
        if failures:
            raise CannotMeasure(
                f"tables are left behind, `dbharness aws down` finds them by tag: {'; '.join(failures)}"
            )

    def _delete(self, name: str) -> None:
        if (state := self._state(name)) in ("CREATING", "UPDATING"):
            self._wait(name, "ACTIVE")
        if state != "DELETING":  # somebody was killed while it went
            self._aws.guarded("dynamodb", "DeleteTable", TableName=name)
        self._wait(name, None)

    def _wait(self, name: str, wanted: str | None) -> None:
        deadline_s = self._clock_s() + PATIENCE_S
        while (state := self._state(name)) != wanted:
            if self._clock_s() > deadline_s:
                raise CannotMeasure(
                    f"table {name} is {state or 'gone'} for {PATIENCE_S:g} s, expected {wanted or 'gone'}"
                )
            self._sleep_s(_POLL_S)

    def _state(self, name: str) -> str | None:
        try:
            described = self._aws.call("dynamodb", "DescribeTable", TableName=name)["Table"]
        except AwsError as error:
            if error.trouble == "missing":
                return None
            raise
        indexes = [index.get("IndexStatus") for index in described.get("GlobalSecondaryIndexes", ())]
        state = str(described["TableStatus"])
        return "CREATING" if state == "ACTIVE" and "CREATING" in indexes else state


class OverrideTables:
    """At an endpoint that isn't AWS's, which may know no tags: only what this run made is deleted, nothing replaced."""

    def __init__(self, access: DynamoAccess) -> None:
        self._access = access
        self._made: list[str] = []

    def create(self, definition: Mapping[str, Any]) -> None:
        """See Makes. Raises CannotMeasure for a name that is taken: nobody can tell whose that is."""
        name = definition["TableName"]
        with self._access.lean() as client:
            created = client.call("CreateTable", dict(definition))
            if created.error_code == "ResourceInUseException":
                raise CannotMeasure(
                    f"table {name} is there already at {self._access.url}, and without tags nobody knows whose; "
                    "delete it, or set aws.dynamodb.tables.prefix"
                )
            if created.status != 200:
                raise CannotMeasure(f"CreateTable {name}: {created.error_code}: {created.body.get('message')}")
            self._made.append(name)
            deadline_s = time.monotonic() + PATIENCE_S
            while client.call("DescribeTable", {"TableName": name}).body["Table"]["TableStatus"] != "ACTIVE":
                if time.monotonic() > deadline_s:
                    raise CannotMeasure(f"table {name} isn't ACTIVE after {PATIENCE_S:g} s")
                time.sleep(0.05)

    def close(self) -> None:
        """See Makes."""
        with self._access.lean() as client:
            while self._made:
                client.call("DeleteTable", {"TableName": self._made.pop()})
