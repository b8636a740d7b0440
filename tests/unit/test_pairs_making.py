"""Pairs are made one after the other: a failing run, an interruption, a decision at a look, and what comparison.json then has."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.config import AwsDynamoSettings, AwsSettings
from harness.errors import CannotMeasure, UsageError
from harness.pairs.folder import Folder
from harness.pairs.making import Ending, Making
from harness.pairs.plan import LETTERS, Letter, declared_looks, plan_pairs
from harness.redaction import Redactor

SEED = 3


@dataclass
class Runs:
    """Stands for the runs: each takes ten seconds; ``fails`` says why one doesn't come to its end, by its directory."""

    folder: Path
    fails: dict[str, str | BaseException] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    now_s: float = 0.0

    def __call__(self, letter: Letter, name: str) -> str | None:
        assert name.startswith(letter)
        self.made.append(name)
        (self.folder / name).mkdir()
        self.now_s += 10
        failure = self.fails.get(name)
        if isinstance(failure, BaseException):
            raise failure
        (self.folder / name / "manifest.json").touch()
        return failure


class Story:
    """One making from beginning to end."""

    def __init__(
        self, tmp_path: Path, pairs: int, most: int | None = None, *, decided: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] | None = None, **fails: str | BaseException,
    ) -> None:  # fmt: skip
        self.looks = declared_looks(pairs, most)
        self.plan = plan_pairs(self.looks, SEED)
        sides = {letter: {"name": letter, "words": letter, "commit": None, "endpoint": None} for letter in LETTERS}
        self.folder = Folder.create(tmp_path / "ab", scenario="query_vs_scan", sides=sides, seed=SEED, looks=self.looks)
        self.runs = Runs(self.folder.path, {name.replace("_", "-"): why for name, why in fails.items()})
        self.said: list[str] = []
        self.making = Making(
            folder=self.folder, run=self.runs, decided=decided, say=say or self.said.append,
            clock_s=lambda: self.runs.now_s,
        )  # fmt: skip

    def make(self) -> Ending:
        return self.making.make(self.plan, self.looks)

    @property
    def written(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder.path / "comparison.json").read_text())
        return document


def test_whole_pairs_are_written_in_the_order_that_was_planned(tmp_path: Path) -> None:
    """comparison.json names the sides, the seed, the looks, and for each pair its order and its directories."""
    story = Story(tmp_path, 3)
    assert story.make() == "done"
    written = story.written
    assert [written[key] for key in ("schema", "scenario", "seed", "looks")] == [1, "query_vs_scan", SEED, [[3, 0.95]]]
    assert written["pairs"] == [
        {"pair": number, "order": list(pair.order), "a": f"a-0{number}", "b": f"b-0{number}"}
        for number, pair in enumerate(story.plan, 1)
    ]
    assert story.runs.made == [pair.run(letter) for pair in story.plan for letter in pair.order]
    assert (written["ended"], written["failed"]) == ("all 3 pairs were made", [])


def test_the_folder_says_at_any_time_what_is_whole(tmp_path: Path) -> None:
    """Before a run begins, the pairs before its own are there and nothing is ended."""
    seen: list[tuple[int, str | None]] = []
    story = Story(tmp_path, 3, say=lambda _: seen.append((len(story.written["pairs"]), story.written["ended"])))
    story.make()
    assert seen == [(0, None), (0, None), (1, None), (1, None), (2, None), (2, None), (3, "all 3 pairs were made")]


def test_a_pair_with_a_run_that_failed_is_made_again_once(tmp_path: Path) -> None:
    """Both its runs, in the same order; the failed one is kept and named, and doesn't count."""
    story = Story(tmp_path, 2, b_01="query_vs_scan is not measured: no luck")
    assert story.make() == "done"
    first, second = story.plan
    assert story.written["pairs"][0] == {"pair": 1, "order": list(first.order), "a": "a-01-again", "b": "b-01-again"}
    assert story.written["pairs"][1] == {"pair": 2, "order": list(second.order), "a": "a-02", "b": "b-02"}
    assert story.written["failed"] == [
        {"pair": 1, "side": "b", "run": "b-01", "reason": "query_vs_scan is not measured: no luck"}
    ]
    assert "warning: pair 1, b: query_vs_scan is not measured: no luck" in story.said
    assert any(line.startswith("pair 1 of 2, again (") for line in story.said)


def test_a_pair_that_fails_twice_ends_it_with_what_is_whole(tmp_path: Path) -> None:
    """Two pairs count; why there are no more is said and written."""
    story = Story(tmp_path, 4, a_03="out of luck", a_03_again="out of luck again")
    assert story.make() == "failed"
    assert [pair["pair"] for pair in story.written["pairs"]] == [1, 2]
    assert story.written["ended"] == story.said[-1] == "pair 3 failed twice: out of luck again"
    assert [failed["run"] for failed in story.written["failed"]] == ["a-03", "a-03-again"]


@pytest.mark.parametrize("run", ["a_02", "b_02"])
def test_an_interruption_keeps_what_was_made_and_the_unfinished_pair_does_not_count(tmp_path: Path, run: str) -> None:
    """Whichever of the second pair's runs it comes in."""
    story = Story(tmp_path, 8, **{run: KeyboardInterrupt()})
    assert story.make() == "interrupted"
    assert [pair["pair"] for pair in story.written["pairs"]] == [1]
    assert story.written["ended"] == "interrupted; 1 of 8 pairs are whole"
    assert (story.folder.path / run.replace("_", "-")).is_dir()


def test_it_is_looked_at_declared_numbers_alone(tmp_path: Path) -> None:
    """Two to five pairs: one look after the second, and none after the last, which ends it anyway."""
    looked: list[int] = []

    def look() -> bool:
        looked.append(story.folder.pairs)
        return False

    story = Story(tmp_path, 2, 5, decided=look)
    assert story.make() == "done"
    assert (looked, story.folder.pairs) == ([2], 5)
    assert story.written["looks"] == [[2, 0.975], [5, 0.975]]


def test_what_is_decided_at_the_first_look_needs_no_more_pairs(tmp_path: Path) -> None:
    """Two of up to five."""
    story = Story(tmp_path, 2, 5, decided=lambda: True)
    assert story.make() == "decided"
    assert (story.folder.pairs, story.written["ended"]) == (2, "decided at the look after 2 pairs")


def test_words_that_a_run_refuses_end_it_at_once_and_leave_no_empty_folder(tmp_path: Path) -> None:
    """Nothing is measured by asking the same again; no run had begun."""
    first = plan_pairs(declared_looks(8, None), SEED)[0].order[0]
    story = Story(tmp_path, 8, **{f"{first}_01": UsageError(f"--{first}: no such key")})
    with pytest.raises(UsageError, match="no such key"):
        story.make()
    assert len(story.runs.made) == 1
    assert not story.folder.path.exists()


def test_words_that_the_second_side_refuses_keep_the_run_of_the_first(tmp_path: Path) -> None:
    """It was made, and why nothing follows is written."""
    second = plan_pairs(declared_looks(8, None), SEED)[0].order[1]
    story = Story(tmp_path, 8, **{f"{second}_01": UsageError(f"--{second}: no such key")})
    with pytest.raises(UsageError):
        story.make()
    assert (story.written["pairs"], story.written["ended"]) == ([], f"--{second}: no such key")


def test_progress_says_pair_order_side_and_how_long_it_takes_once_that_is_known(tmp_path: Path) -> None:
    """Runs of 10 s each: after one pair of four, 3 pairs of 20 s are left, and 50 s when half of the second is made."""
    story = Story(tmp_path, 4)
    story.make()
    first, second = story.plan[0].order, story.plan[1].order
    assert story.said[:4] == [
        f"pair 1 of 4 ({first[0]}, then {first[1]}): {first[0]}; how long all takes is known after this pair",
        f"pair 1 of 4 ({first[0]}, then {first[1]}): {first[1]}; how long all takes is known after this pair",
        f"pair 2 of 4 ({second[0]}, then {second[1]}): {second[0]}; about 60 s left",
        f"pair 2 of 4 ({second[0]}, then {second[1]}): {second[1]}; about 50 s left",
    ]


def test_progress_is_until_the_next_look_and_says_how_many_pairs_there_may_be(tmp_path: Path) -> None:
    """Of 20 pairs at most, 8 are made for the first look: 7 · 20 s are 140 s, said in minutes; then 12 for the second."""
    story = Story(tmp_path, 8, 20)
    story.make()
    assert story.said[2].startswith("pair 2 of 8, 20 at most (") and story.said[2].endswith("; about 2 min left")
    assert story.said[16].startswith("pair 9 of 20 (") and story.said[16].endswith("; about 4 min left")


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    """--out on what is somebody's."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists and isn't an empty directory"):
        Folder.create(tmp_path, scenario=None, sides={}, seed=1, looks=())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_made_says_where_else(tmp_path: Path) -> None:
    """Below a file."""
    (tmp_path / "file").touch()
    with pytest.raises(CannotMeasure, match="name another place with --out"):
        Folder.create(tmp_path / "file" / "ab", scenario=None, sides={}, seed=1, looks=())


def test_endpoints_are_kept_out_where_the_configuration_says_so(tmp_path: Path) -> None:
    """``aws.redact`` holds for comparison.json too."""
    url = "http://10.1.2.3:8000"
    settings = AwsSettings(dynamodb=AwsDynamoSettings(endpoint_url=url), redact=True)
    sides = {"a": {"name": "10.1.2.3:8000", "words": f"endpoint:{url}", "commit": None, "endpoint": url}}
    folder = Folder.create(
        tmp_path / "ab", scenario=None, sides=sides, seed=1, looks=(), redactor=Redactor.of(settings)  # type: ignore[arg-type]
    )  # fmt: skip
    assert "10.1.2.3" not in (folder.path / "comparison.json").read_text()
