"""docs/ci: the workflow's own commands are run, as GitHub runs them, on smoke and a small part; so the document can't rot.

``uses:`` steps are GitHub's: what they bring is put there by hand (a clone of this commit, the cache of the main branch's runs).
What is committed is what is run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.gate_rules import parse
from harness.paths import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs" / "ci"
MAIN, PULL_REQUEST = "github.ref == 'refs/heads/main'", "github.event_name == 'pull_request'"
SMALL = {
    "PROFILE": "smoke", "SCENARIOS": "query_vs_scan", "CONFIG": "small.yaml", "PAIRS": "2",
    "PAIRED": "query_vs_scan.units_per_answer{part=arms,arm=query,question=aircraft} no worse than 0%",
}  # fmt: skip
PARTS = "scenarios: {query_vs_scan: {parts: [arms], table_items: [1000], pairs: 2, trial_s: 0.1}}\n"


def workflow(name: str = "dbharness.yml") -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return document


def steps_of(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow()["jobs"][job]["steps"]
    return found


@dataclass(kw_only=True)
class Runner:
    """A machine of GitHub's: a checkout, what its environment says, and the steps that were run."""

    workspace: Path
    temporary: Path
    variables: Mapping[str, str]
    holds: frozenset[str]
    ran: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def summary(self) -> Path:
        return self.temporary / "summary.md"

    def run(self, job: str) -> int:
        """Every command of a job, in order, until one fails; then only those that always run. The exit code of the first that did."""
        failed = 0
        for step in steps_of(job):
            condition = step.get("if", "always of those that come before")
            known = {"always()", MAIN, PULL_REQUEST, "always of those that come before"}
            assert condition in known, f"{condition}: this test doesn't know whether it holds"
            holds = condition == "always()" or (not failed and (condition in self.holds or "before" in condition))
            if "run" in step and holds:
                code = self._step(step["run"])
                self.ran.append(step["name"])
                failed = failed or code
        return failed

    def _step(self, text: str) -> int:
        script = self.temporary / "step.sh"
        script.write_text(text)
        done = subprocess.run(
            ["bash", "-e", str(script)], cwd=self.workspace, env=self._environment(), capture_output=True, text=True,
            timeout=170, check=False,
        )  # fmt: skip
        self.said += done.stdout + done.stderr
        return done.returncode

    def _environment(self) -> dict[str, str]:
        own = {name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "DBHARNESS_"))}
        return own | workflow()["env"] | SMALL | self.variables | {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.workspace), "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_STEP_SUMMARY": str(self.summary), "RUNNER_TEMP": str(self.temporary), "RUNNER_OS": "Linux",
            "PYTHONPATH": str(self.workspace),
        }  # fmt: skip


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def set_up(workspace: Path) -> None:
    """What `make setup` would make, of the interpreter that runs this test: the step then finds it done."""
    environment = workspace / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith("."):
            (environment / part.name).symlink_to(part)
    (environment / ".setup-done").touch()
    shared = Path(os.environ.get("DBHARNESS_CACHE", PROJECT_ROOT / ".cache"))
    (workspace / ".cache").mkdir()
    for name in ("mariadb", "others", "dataset"):
        if (shared / name).exists():
            (workspace / ".cache" / name).symlink_to(shared / name)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Runner]]:
    """A push to main, and a pull request whose base it is."""
    folder = tmp_path_factory.mktemp("ci")
    origin = folder / "origin.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(PROJECT_ROOT), str(origin)], check=True)
    git(origin, "branch", "--force", "main", git(PROJECT_ROOT, "rev-parse", "HEAD"))
    runners = {}
    for number, (event, holds) in enumerate({"push": MAIN, "pull_request": PULL_REQUEST}.items(), 1):
        workspace, temporary = folder / event, folder / f"{event}-temporary"
        temporary.mkdir()
        subprocess.run(["git", "clone", "--quiet", "--branch", "main", str(origin), str(workspace)], check=True)
        if event == "pull_request":
            (workspace / "README.md").write_text("Another.\n")
            git(workspace, "commit", "--quiet", "--all", "--message", "Another README")
        (workspace / "small.yaml").write_text(PARTS)
        set_up(workspace)
        variables = {
            "GITHUB_EVENT_NAME": event, "GITHUB_SHA": git(workspace, "rev-parse", "HEAD"), "GITHUB_RUN_ID": f"100{number}",
            "GITHUB_REF": "refs/heads/main" if event == "push" else "refs/pull/1/merge",
            "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
        }  # fmt: skip
        runners[event] = Runner(workspace=workspace, temporary=temporary, variables=variables, holds=frozenset({holds}))
    yield runners
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pushed(hosts: dict[str, Runner]) -> Runner:
    """Main was measured, and its run is kept."""
    runner = hosts["push"]
    assert runner.run("measure") == 0, runner.said
    return runner


@pytest.fixture(scope="module")
def compared(hosts: dict[str, Runner], pushed: Runner) -> Runner:
    """A pull request was measured, with what the cache has of main."""
    runner = hosts["pull_request"]
    shutil.copytree(pushed.workspace / "results" / "baseline", runner.workspace / "results" / "baseline")
    assert runner.run("measure") == 0, runner.said
    return runner


def test_a_push_to_main_is_measured_verified_and_kept(pushed: Runner) -> None:
    """The report with its gates is in the summary; gates of scenarios that weren't run aren't asked; the run is in the store."""
    assert "Compare with the main branch" not in pushed.ran
    results = pushed.workspace / "results"
    assert [path.name for path in (results / "baseline").iterdir()] == ["1001-1"]
    assert (results / "baseline" / "1001-1" / "manifest.json").is_file()
    assert "all query_vs_scan.units_ratio >= 2" in pushed.summary.read_text()
    assert "verified: " in pushed.said
    assert (results / "run" / "junit.xml").is_file() and (results / "history" / "history.html").is_file()


def test_a_pull_request_is_compared_with_main(compared: Runner) -> None:
    """The same questions of the same twin cost the same units, exactly: the gate passes; the comparison is in the summary."""
    assert "Keep the run for those that come after" not in compared.ran
    assert "Compare with the main branch" in compared.ran
    comparison = compared.workspace / "results" / "comparison"
    assert (comparison / "comparison.html").is_file() and (comparison / "junit.xml").is_file()
    assert (comparison / "comparison.md").read_text() in compared.summary.read_text()


def test_a_gate_that_fails_fails_the_job_and_the_report_is_kept_all_the_same(compared: Runner) -> None:
    """Half a unit less than any answer costs, asked of the run that is there: exit 1, and the summary's step runs."""
    shutil.rmtree(compared.workspace / "results" / "run")
    shutil.rmtree(compared.workspace / "results" / "base")
    compared.summary.unlink()
    failing = Runner(
        workspace=compared.workspace, temporary=compared.temporary, holds=compared.holds,
        variables={**compared.variables, "GATES": '["all query_vs_scan.units_per_answer{arm=scan} <= 0.5"]'},
    )  # fmt: skip
    assert failing.run("measure") == 1, failing.said
    assert failing.ran[-2:] == ["Measure, report, judge the gates", "Write the job summary"]
    assert "Fail" in failing.summary.read_text()


def test_without_a_run_of_main_a_pull_request_says_so_and_goes_on(hosts: dict[str, Runner]) -> None:
    """The first one ever: the command of that step alone."""
    alone = hosts["push"]
    (text,) = [step["run"] for step in steps_of("measure") if step.get("if") == PULL_REQUEST]
    elsewhere = Runner(
        workspace=alone.temporary, temporary=alone.temporary, variables=alone.variables, holds=alone.holds
    )  # fmt: skip
    assert elsewhere._step(text) == 0
    assert "No run of the main branch is kept yet" in elsewhere.said


@pytest.mark.timeout(600)
def test_base_and_head_are_run_in_interleaved_pairs(hosts: dict[str, Runner]) -> None:
    """Two pairs of two commits that differ in a README: the declared gate, of an exact figure, passes."""
    runner = hosts["pull_request"]
    (runner.summary).unlink(missing_ok=True)
    results = runner.workspace / "results" / "pairs"
    assert runner.run("pairs") == 0, runner.said
    assert sorted(path.name for path in results.glob("[ab]-0*")) == ["a-01", "a-02", "b-01", "b-02"]
    assert "units_per_answer" in runner.summary.read_text()


def test_no_command_has_an_expression_in_it() -> None:
    """What `${{ … }}` puts into a script is code, whoever wrote it; the environment is text."""
    for job in workflow()["jobs"].values():
        assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_every_gate_in_the_documents_can_be_read() -> None:
    """Those of both files."""
    for variables in (workflow()["env"], workflow("gitlab.yml")["dbharness"]["variables"]):
        for text in (
            *yaml.safe_load(variables["GATES"]),
            variables["EXACT"],
            variables.get("PAIRED", variables["EXACT"]),
        ):
            assert str(parse(text))


def test_gitlabs_commands_are_those_of_the_workflow() -> None:
    """Every command of ours in the one file stands, with the same options, in the other."""

    def commands(text: str) -> set[tuple[str, ...]]:
        found = re.findall(r"\.venv/bin/dbharness (\w+(?: (?:add|fetch))?)([^\n]*)", text)
        return {(name, *sorted(re.findall(r"--[\w-]+", options))) for name, options in found}

    ours = commands("\n".join(step.get("run", "") for step in steps_of("measure")))
    short = commands("\n".join(workflow("gitlab.yml")["dbharness"]["script"]))
    assert short == {one if one[0] != "run" else ("run", "--out", "--profile", "--set") for one in short}
    assert {one for one in short if one[0] != "run"} <= ours
