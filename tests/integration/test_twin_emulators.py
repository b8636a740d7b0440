"""The requests on which other emulators are known to differ, one by one: the list in docs/emulators.md stays true."""

from collections.abc import Iterator
from typing import Any

import pytest
from differences import DYNALITE, MOTO
from emulator_wire import create, sender
from known_answers import DYNALITE_PROBES, KEY, MOTO_PROBES, TABLE, Probe, part
from normalised import CRASH, Send, refusal

from harness.paths import PROJECT_ROOT


@pytest.fixture
def twin(twin_url: str) -> Iterator[Send]:
    send = sender(twin_url)
    yield send
    send("DeleteTable", {"TableName": TABLE["TableName"]})


def _answer(send: Send, probe: Probe) -> dict[str, Any]:
    create(send, TABLE)
    for item in probe.items:
        status, body = send("PutItem", {"TableName": TABLE["TableName"], "Item": item})
        assert status == 200, body
    status, body = send(probe.operation, probe.payload)
    if status >= 500:
        return {"error": CRASH}
    return body if status == 200 else refusal(body)


def _check(probe: Probe, twin: Send, other: Send) -> None:
    ours, theirs = _answer(twin, probe), _answer(other, probe)
    assert {path: part(ours, path) for path in probe.ours} == probe.ours
    assert {path: part(theirs, path) for path in probe.theirs} == probe.theirs


@pytest.mark.parametrize("probe", DYNALITE_PROBES, ids=lambda probe: probe.name)
def test_dynalite_differs_as_listed(twin: Send, dynalite: Send, probe: Probe) -> None:
    """The twin answers as the service does, dynalite as the list says."""
    _check(probe, twin, dynalite)


@pytest.mark.parametrize("probe", MOTO_PROBES, ids=lambda probe: probe.name)
def test_moto_differs_as_listed(twin: Send, moto: Send, probe: Probe) -> None:
    """The twin answers as the service does, moto as the list says."""
    _check(probe, twin, moto)


@pytest.mark.parametrize("emulator", ["dynalite", "moto"])
def test_other_emulators_never_throttle(twin: Send, request: pytest.FixtureRequest, emulator: str) -> None:
    """1 write unit a second stores 300: an item of 390 KB takes 390, so the next write is refused, but not by them."""
    other: Send = request.getfixturevalue(emulator)
    small = {name: member for name, member in TABLE.items() if not name.endswith("Indexes")}
    small["AttributeDefinitions"] = [a for a in TABLE["AttributeDefinitions"] if a["AttributeName"] in ("pk", "sk")]
    small["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    write = {"TableName": TABLE["TableName"], "Item": {**KEY, "t": {"S": "x" * 390 * 1024}}}
    answers = {}
    for name, send in (("twin", twin), (emulator, other)):
        create(send, small)
        assert send("PutItem", write)[0] == 200
        status, body = send("PutItem", write)
        answers[name] = "ok" if status == 200 else refusal(body)["error"]
    assert answers == {"twin": "ProvisionedThroughputExceededException", emulator: "ok"}


def test_every_known_difference_is_probed_and_documented() -> None:
    """What is excused in the random comparison is shown by a request of its own and explained in docs/emulators.md."""
    text = (PROJECT_ROOT / "docs" / "emulators.md").read_text()
    for differences, probes, emulator in ((DYNALITE, DYNALITE_PROBES, "dynalite"), (MOTO, MOTO_PROBES, "moto")):
        section = text.partition(f"## {emulator}")[2].partition("\n## ")[0]
        probed = {probe.name for probe in probes}
        assert {difference.name for difference in differences} <= probed
        assert not [name for name in probed if f"**{name}**" not in section]
