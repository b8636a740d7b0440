"""A calibration of this machine, shortened; in a process of its own, since Locust patches the one it is in."""

import json
import sys
from subprocess import run

from whole_runs import ROOT, Place

from harness.calibration import SERVICES

PROGRAM = """
import json
from rich.console import Console
from harness import calibration, suite
with suite.progress_on(Console(stderr=True)) as progress:
    print(json.dumps(calibration.run(progress, profile="smoke", trials=1, trial_s=0.1).as_record()))
"""


def test_every_client_has_a_floor_and_an_offer(place: Place) -> None:
    """Five clients; floors are ordered; boto3's floor is above the lean client's and its offer a fraction of it."""
    done = run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=place.environment, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    offers = {offer["service"]: offer for offer in found["offers"]}
    assert list(offers) == list(SERVICES.values())
    assert found["unavailable"] == {}
    for offer in offers.values():
        assert 0 < offer["floor_p50_us"] <= offer["floor_p95_us"] <= offer["floor_p99_us"]
        assert offer["slots"] == 20 and offer["offer_per_s"] > 0
    lean, boto3 = offers["DynamoDB, lean client"], offers["DynamoDB, boto3"]
    assert lean["offer_per_s"] > 5 * boto3["offer_per_s"]
    assert lean["floor_p50_us"] < boto3["floor_p50_us"]
    assert "warnings" in found["machine"]["noise"]
    assert place.leftovers() == []
