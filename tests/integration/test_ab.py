"""`dbharness ab` and `dbharness compare` with real runs: two sides interleaved, interrupted, failing, and what is typed wrongly."""

import json
import re
import signal
import socket
import subprocess
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from whole_runs import ROOT, Place, until

from harness.local.processes import Warden
from harness.local.services import State

SMALL = (
    "--profile", "smoke", "--set", "query_vs_scan.parts=[table_items]", "--set", "query_vs_scan.table_items=[1000]",
    "--set", "query_vs_scan.pairs=2", "--set", "query_vs_scan.least_answers=8",
)  # fmt: skip
BOTH = ("--a", "query_vs_scan.client=boto3", "--b", "query_vs_scan.client=lean")


def comparison(place: Place) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((place.run / "comparison.json").read_text())
    return document


def changes(place: Place, id: str, **labels: str) -> list[dict[str, Any]]:
    document = json.loads((place.run / "verdicts.json").read_text())
    return [one for one in document["changes"] if one["id"] == id and labels.items() <= one["labels"].items()]


def test_two_configurations_are_run_in_pairs_and_compared(place: Place) -> None:
    """Two pairs, whose runs lie one after the other in the order drawn; a read's units are exact and the same for both clients."""
    done = place.call("ab", "query_vs_scan", *BOTH, "--pairs", "2", *SMALL, "--out", str(place.run), timeout_s=170)
    assert done.returncode == 0, done.stdout + done.stderr
    written = comparison(place)
    assert [side["words"] for side in written["sides"].values()] == [BOTH[1], BOTH[3]]
    assert (written["scenario"], written["looks"], written["failed"]) == ("query_vs_scan", [[2, 0.95]], [])
    runs = [pair[letter] for pair in written["pairs"] for letter in pair["order"]]
    manifests = [json.loads((place.run / run / "manifest.json").read_text()) for run in runs]
    spans = [(manifest["started"], manifest["ended"]) for manifest in manifests]
    assert all(before[1] <= after[0] for before, after in pairwise(spans)) and len(spans) == 4
    clients = [manifest["config"]["scenarios"]["query_vs_scan"]["client"] for manifest in manifests]
    assert clients == [{"a": "boto3", "b": "lean"}[run[0]] for run in runs]
    units = changes(place, "query_vs_scan.units_per_answer", arm="query")
    assert [(one["exact"], one["word"], one["n"]) for one in units] == [(True, "equivalent", 2)]
    assert "client=lean" in done.stdout and "pair 2 of 2 (" in done.stderr
    assert place.leftovers() == []
    again = place.call("compare", str(place.run), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["sides"]["base"]["name"] == "client=boto3"


def test_ctrl_c_keeps_whole_pairs_compares_them_and_takes_its_worktree_away(place: Place) -> None:
    """Stopped in the second pair, one side a commit: exit 130, one pair counts, nothing runs on and git knows no worktree more."""
    words = (
        "ab",
        "query_vs_scan",
        "--a",
        "commit:HEAD",
        "--b",
        "query_vs_scan.client=lean",
        *SMALL,
        "--out",
        str(place.run),
    )
    process = place.start(place.command(*words))
    until(
        lambda: (place.run / "comparison.json").exists() and len(comparison(place)["pairs"]) == 1, 120, "a whole pair"
    )
    until(lambda: any(place.run.glob("*-02/manifest.json")), 30, "a run of the second pair")
    process.send_signal(signal.SIGINT)
    assert process.wait(90) == 130, place.said
    written = comparison(place)
    assert [pair["pair"] for pair in written["pairs"]] == [1]
    assert written["ended"] == "interrupted; 1 of 8 pairs are whole"
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert written["sides"]["a"]["commit"] == head
    assert json.loads((place.run / "a-01" / "manifest.json").read_text())["git"] == {"commit": head, "dirty": False}
    assert json.loads((place.run / "verdicts.json").read_text())["design"] == "one_against_one"
    assert "Traceback" not in place.said
    assert place.leftovers() == []
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"{head[:12]}-{process.pid}" not in worktrees


def test_a_side_that_cannot_be_measured_fails_twice_and_is_exit_3(place: Place) -> None:
    """Nobody answers at its endpoint: both attempts are kept, and there is nothing to compare."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = f"endpoint:http://127.0.0.1:{port}"
    words = ("--a", nobody, "--b", nobody, "--b", "query_vs_scan.client=boto3", "--pairs", "2")
    done = place.call("ab", "query_vs_scan", *words, *SMALL, "--out", str(place.run))
    assert done.returncode == 3, done.stdout + done.stderr
    written = comparison(place)
    assert written["pairs"] == [] and len(written["failed"]) == 2
    assert written["ended"].startswith("pair 1 failed twice: query_vs_scan is not measured: ")
    assert "Traceback" not in done.stderr and f"127.0.0.1:{port}" in done.stderr
    assert place.leftovers() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ab",), r"neither --a nor --b says anything: what is to be compared\?"),
        (
            ("ab", "--a", "fast"),
            r"--a fast: a side is a configuration \(FILE.yaml\), KEY=VALUE, commit:REF or endpoint:URL",
        ),
        (
            ("ab", "--a", "query_vs_scan.pears=3"),
            r"--a: --set query_vs_scan.pears=3: .*pears is not a key of this section",
        ),
        (("ab", "query_vs_scam", *BOTH), r"unknown scenario 'query_vs_scam'; there are .*query_vs_scan"),
        (
            ("ab", "--b", "commit:no-such-thing"),
            r"commit:no-such-thing: git knows no such commit in .*; fetch it first",
        ),
        (("ab", *BOTH, "--pairs", "1"), r"--pairs 1: at least 2; from 6 on an interval can exclude chance"),
        (("ab", *BOTH, "--most-pairs", "4"), r"--most-pairs 4: below --pairs 8, which are made in any case"),
        (("ab", *BOTH, "--set", "seed=-1"), r"--set seed=-1: seed must be >= 0, got -1"),
        (("ab", *BOTH, "--allow", "everything"), r"'--allow'.*everything"),
        (("ab", *BOTH, "--config", "{here}/none.yaml"), r"none.yaml: No such file or directory; give a configuration"),
        (("compare", "{here}"), r"no folder that `dbharness ab` made; a single run is compared with another"),
        (
            ("compare", "{here}", "{here}/other"),
            r"manifest.json: No such file.*give a folder that `dbharness run` wrote",
        ),
        (("compare",), r"--base: no run on that side; give BASE CANDIDATE, or --base RUN … --candidate RUN …"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_typed_wrongly_is_exit_2_and_leaves_nothing(place: Place, words: tuple[str, ...], says: str) -> None:
    """A line with the way out, no traceback, no folder."""
    filled = [word.format(here=place.temporary) for word in words]
    out = ("--out", str(place.run)) if words[0] == "ab" else ()
    done = place.call(*filled, *out, timeout_s=60)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(says, " ".join(done.stderr.replace("│", " ").split())), done.stderr
    assert "Traceback" not in done.stderr
    assert not place.run.exists()


def test_a_folder_that_holds_something_is_left_alone(place: Place) -> None:
    """Exit 2 before anything is run."""
    place.run.mkdir()
    (place.run / "notes.txt").write_text("mine")
    done = place.call("ab", "query_vs_scan", *BOTH, "--out", str(place.run))
    assert done.returncode == 2 and "exists and isn't an empty directory" in done.stderr
    assert [path.name for path in place.run.iterdir()] == ["notes.txt"]


def test_servers_that_services_up_keeps_are_in_the_way(place: Place) -> None:
    """Each run starts its own; whoever keeps some is told how to stop them, and nothing is run."""
    keeper = Warden.start_detached()
    cache = place.temporary / "cache"
    cache.mkdir()
    (cache / "services.json").write_text(json.dumps(asdict(State(control=str(keeper.scratch / "control")))))
    keeper.detach()
    try:
        done = subprocess.run(
            place.command("ab", "query_vs_scan", *BOTH, "--out", str(place.run)), cwd=ROOT, capture_output=True, text=True,
            env=place.environment | {"DBHARNESS_CACHE": str(cache)}, timeout=60,
        )  # fmt: skip
    finally:
        Warden.attach(keeper.scratch / "control").close()
    assert done.returncode == 2, done.stdout + done.stderr
    assert (
        "servers of `services up` are running" in done.stderr and "`dbharness services down` stops those" in done.stderr
    )
    assert not place.run.exists()
