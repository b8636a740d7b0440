"""One run of one side: its command line, whose code it is, and whether it came to its end."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.pairs.commits import Tree
from harness.pairs.runs import Asked, run_side, words_of
from harness.pairs.sides import Side, side_of

ASKED = Asked(scenario="query_vs_scan", profile="smoke", seed=7, overrides=("months=[1]",), config=None)
PLAIN = Asked(scenario=None, profile=None, seed=None, overrides=(), config=None)
ENDPOINT = (
    "endpoint:http://127.0.0.1:9"  # a side that asks for no servers of ours, so whether any are up doesn't matter
)


def test_a_side_s_own_words_come_after_the_common_ones_and_its_file_in_place_of_the_common_one(tmp_path: Path) -> None:
    """What comes later goes over what came before."""
    file = tmp_path / "mine.yaml"
    file.touch()
    side = side_of("a", [str(file), "query_vs_scan.client=boto3"])
    asked = Asked(
        scenario="query_vs_scan", profile="smoke", seed=7, overrides=("months=[1]",), config=Path("/all.yaml")
    )
    assert words_of(side, asked, Path("/runs/a-01")) == [
        "run", "query_vs_scan", "--profile", "smoke", "--seed", "7", "--config", str(file), "--out", "/runs/a-01",
        "--set", "months=[1]", "--set", "query_vs_scan.client=boto3",
    ]  # fmt: skip


def test_what_nobody_said_is_not_said() -> None:
    """Each code's own configuration then, all scenarios, and its own seed."""
    assert words_of(side_of("a", []), PLAIN, Path("/runs/a-01")) == ["run", "--out", "/runs/a-01"]


def test_seed_zero_is_a_seed() -> None:
    """It is said like any other."""
    asked = Asked(scenario=None, profile=None, seed=0, overrides=(), config=None)
    assert "--seed 0" in " ".join(words_of(side_of("a", []), asked, Path("/x")))


class Code:
    """A commit's code whose ``dbharness`` does what a test says, and tells how it was started."""

    def __init__(
        self, path: Path, does: str, *, status: str | None = "complete", run: str = "complete", findings: bool = True
    ):
        (path / "harness").mkdir(parents=True)
        (path / "harness" / "__init__.py").touch()
        manifest = {"status": run, "scenarios": {"query_vs_scan": {"status": status, "reason": "no luck"}}}
        written = f"(out / 'manifest.json').write_text({json.dumps(manifest)!r})" if status else "pass"
        (path / "harness" / "cli.py").write_text(
            "import json, os, pathlib, sys\n"
            "def main():\n"
            "    out = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]); out.mkdir()\n"
            "    told = {'argv': sys.argv, 'cwd': os.getcwd(), 'environment': dict(os.environ)}\n"
            "    out.with_suffix('.told').write_text(json.dumps(told))\n"
            f"    {written}\n"
            f"    {'' if findings else '0 and '}(out / 'findings.json').write_text('[]')\n"
            f"    {does}\n"
        )
        self.path, self.out, self.log = path, path.parent / "a-01", path.parent / "a-01.log"

    def run(self, side: Side | None = None) -> str | None:
        tree = Tree(folder=self.path, python=sys.executable, commit="0" * 40)
        return run_side(side or side_of("a", [ENDPOINT]), tree, ASKED, self.out, self.log)

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.with_suffix(".told").read_text())
        return found


def test_a_commit_runs_its_own_code_in_its_own_folder_with_the_downloads_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever we stand ourselves; and its command is one that can be typed."""
    code = Code(tmp_path / "tree", "print('hello')")
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    assert code.run() is None
    assert code.told["argv"][:3] == ["dbharness", "run", "query_vs_scan"]
    assert (code.told["cwd"], code.told["environment"]["DBHARNESS_CACHE"]) == (str(code.path), str(tmp_path / "cache"))
    assert code.log.read_text() == "hello\n"


def test_no_run_of_a_pair_is_judged_by_itself(tmp_path: Path) -> None:
    """Its configuration's relative gates have no baseline but the other side; the comparison asks them."""
    code = Code(tmp_path / "tree", "pass")
    assert code.run() is None
    assert code.told["environment"]["DBHARNESS_GATES_ELSEWHERE"]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"status": "not_measured", "run": "failed"}, "query_vs_scan is not measured: no luck"),
        ({"status": "partial", "run": "partial"}, "query_vs_scan is partial: no luck"),
        ({"run": "running"}, "last words"),
        ({"findings": False}, "last words"),
        ({"status": None}, "last words"),
    ],
    ids=["not measured", "partial", "killed between scenarios", "no report", "nothing"],
)
def test_a_run_that_did_not_come_to_its_end_says_why(tmp_path: Path, how: dict[str, Any], why: str) -> None:
    """By its manifest, else by the last it said."""
    assert Code(tmp_path / "tree", "print('first\\nlast words'); sys.exit(3)", **how).run() == why


def test_a_run_that_is_killed_has_no_words_and_its_exit_code(tmp_path: Path) -> None:
    """Out of memory, for one."""
    assert Code(tmp_path / "tree", "os.kill(os.getpid(), 9)", status=None).run() == "it ended with exit code -9"


def test_words_that_a_run_refuses_are_wrong_usage_with_the_side_before_each_line(tmp_path: Path) -> None:
    """Nothing was begun: exit 2 and no directory."""
    code = Code(tmp_path / "tree", "print('--set x=1: no such key\\n--set y=2: no such key'); sys.exit(2)", status=None)
    with pytest.raises(UsageError) as refused:
        code.run(side_of("b", [ENDPOINT]))
    assert str(refused.value) == "--b: --set x=1: no such key\n--b: --set y=2: no such key"
