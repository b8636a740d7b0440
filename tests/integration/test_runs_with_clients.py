"""Whole runs through boto3, and with botocore's retries: the samples say so, and nothing else changes."""

import pytest
from whole_runs import Place

from reports.load import Run


def test_a_run_through_boto3_says_so_and_counts_the_same(place: Place) -> None:
    """Both clients ask for the same answers: the same units and items, under another name of the client."""
    quick = ("parts=[table_items]", "table_items=[1000]", "pairs=1", "trial_s=0.01", "least_answers=2")
    sets = [word for value in quick for word in ("--set", f"query_vs_scan.{value}")]
    done = place.call("run", "query_vs_scan", "--profile", "smoke", "--out", str(place.run), *sets,
                      "--set", "query_vs_scan.client=boto3")  # fmt: skip
    assert done.returncode == 0, done.stderr
    samples = Run.load(place.run).samples("query_vs_scan")
    assert set(samples["client"]) == {"boto3"}
    assert set(samples["outcome"]) == {"ok"}
    assert (samples["read_units"] > 0).all()
    # Each Scan of the aircraft's table evaluates all of its thousand flights, whoever asks.
    assert set(samples.loc[samples["op"] == "Scan", "items_scanned"]) == {1000}


@pytest.mark.parametrize("client", ["lean", "boto3"])
def test_every_part_is_measured_and_every_answer_is_right(place: Place, client: str) -> None:
    """All cells of the plan by either client: no row is wrong, and only a Scan's neighbours and reports are throttled."""
    quick = ("table_items=[300,500]", "pairs=1", "trial_s=0.005", "least_answers=2", "least_scans=1", "index_writes=4",
             "answer_shares=[0.01,1.0]", "item_sizes=[narrow,2048]", "item_size_items=300", "aircraft=4",
             f"client={client}")  # fmt: skip
    sets = [word for value in quick for word in ("--set", f"query_vs_scan.{value}")]
    done = place.call("run", "query_vs_scan", "--profile", "smoke", "--out", str(place.run), *sets)
    assert done.returncode == 0, done.stderr
    run = Run.load(place.run)
    samples, trials = run.samples("query_vs_scan"), run.scenario("query_vs_scan")["trials"]
    assert set(samples["trial"]) == {trial["trial"] for trial in trials}
    part = samples["trial"].map({trial["trial"]: trial["labels"]["part"] for trial in trials})
    assert set(part) == {"arms", "table_items", "answer_share", "item_bytes", "index_writes", "neighbour"}
    assert set(samples.loc[part != "neighbour", "outcome"]) == {"ok"}
    assert set(samples["outcome"]) <= {"ok", "throttled"}
    assert set(samples.loc[samples["outcome"] == "throttled", "arm"]) <= {"scan", "gsi_query"}
    assert (samples["round_trips"] >= 1).all()
    assert set(samples.loc[samples["role"] == "neighbour", "op"]) == {"GetItem"}
    assert set(part[samples["role"] == "neighbour"]) == {"neighbour"}
    requests = samples[(part == "neighbour") & (samples["role"] == "neighbour")].groupby("arm")["op_id"].nunique()
    # 50 units a second for 8 s, half of them for everyone else.
    assert requests.to_dict() == dict.fromkeys(
        ("alone", "scan", "paced_scan", "parallel_scan_off_peak", "gsi_query"), 200
    )


def test_every_attempt_of_a_retried_request_is_a_row(place: Place) -> None:
    """A throttled request that is tried again has one operation, attempts 1, 2 …, and pauses between them."""
    # One unit a second keeps the demand so low that any machine can make it: two a second, 700 times as fast.
    quick = ("parts=[ramp]", "read_capacity_units=1", "write_capacity_units=1", "ramp_service_s=0", "hold_service_s=700", "speed=700",
             "pairs=1", "retries=standard")  # fmt: skip
    sets = [word for value in quick for word in ("--set", f"capacity_modes.{value}")]
    done = place.call("run", "capacity_modes", "--profile", "smoke", "--out", str(place.run), *sets)
    assert done.returncode == 0, done.stderr
    samples = Run.load(place.run).samples("capacity_modes")
    tried_again = samples[samples["attempt"] > 1]
    assert len(tried_again)
    assert tried_again["attempt"].max() <= 4
    for _, rows in samples[samples["op_id"].isin(tried_again["op_id"])].groupby("op_id"):
        rows = rows.sort_values("attempt")
        assert list(rows["attempt"]) == list(range(1, len(rows) + 1))
        assert set(rows["outcome"].iloc[:-1]) == {"throttled"}
        assert rows["t_intended"].nunique() == 1
        assert (rows["t_start"].iloc[1:].to_numpy() > rows["t_end"].iloc[:-1].to_numpy()).all()
