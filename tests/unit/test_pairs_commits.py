"""Commits are run from worktrees of their own, which are gone afterwards, however that comes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import CannotMeasure, UsageError
from harness.pairs.commits import Tree, Worktrees, requirements, watching

ROOT = Path(__file__).resolve().parents[2]
PROJECT = '[project]\nname = "x"\ndependencies = ["locust>=2", "gevent>=26"]\n'


class Checkout:
    """A git checkout with three commits: *old* requires another library, *now* is what is there, between them only the code changed."""

    def __init__(self, path: Path) -> None:
        self.path, self.cache = path / "checkout", path / "cache"
        self.path.mkdir()
        self.git("init", "--quiet")
        self.commit("old", PROJECT.replace("locust>=2", "locust>=1"), "gevent==26\n", "old")
        self.commit("before", PROJECT, "gevent==26\n", "before")
        self.commit("now", PROJECT + "[tool.ruff]\nline-length = 120\n", "gevent==26\n", "now")

    def commit(self, tag: str, project: str, pins: str, code: str) -> None:
        (self.path / "pyproject.toml").write_text(project)
        (self.path / "constraints.txt").write_text(pins)
        (self.path / "code.py").write_text(code)
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", tag)
        self.git("tag", tag)

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(self.path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def worktrees(self) -> Worktrees:
        """Whose environments are named and never installed."""
        return Worktrees(
            lambda _: None, checkout=self.path, under=self.cache, install=lambda folder, _: f"{folder}/python"
        )

    def left(self) -> list[str]:
        """Worktrees that git knows beside the checkout, and folders of the cache."""
        known = [
            line for line in self.git("worktree", "list", "--porcelain").splitlines() if line.startswith("worktree ")
        ]
        return known[1:] + [path.name for path in self.cache.glob("[!.]*")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_commit_is_there_as_it_was_and_gone_afterwards(checkout: Checkout) -> None:
    """Its files, its number, and our interpreter, since nothing it requires has changed (a linter's setting doesn't count)."""
    with checkout.worktrees() as worktrees:
        tree = worktrees.at("before")
        assert (tree.folder / "code.py").read_text() == "before"
        assert tree == Tree(folder=tree.folder, python=sys.executable, commit=checkout.git("rev-parse", "before"))
        assert tree.folder.is_relative_to(checkout.cache)
    assert checkout.left() == []
    assert (checkout.path / "code.py").read_text() == "now"


def test_a_commit_that_requires_other_libraries_gets_an_environment_of_its_own(checkout: Checkout) -> None:
    """Beside its worktree, so that it goes with it."""
    with checkout.worktrees() as worktrees:
        tree = worktrees.at("old")
        assert tree.python == f"{tree.folder.parent / 'environment'}/python"


def test_both_sides_of_one_commit_share_a_worktree(checkout: Checkout) -> None:
    """By whatever name it is called."""
    with checkout.worktrees() as worktrees:
        assert worktrees.at("now") == worktrees.at("HEAD")
        assert worktrees.at("now") != worktrees.at("HEAD~1")


@pytest.mark.parametrize("ending", [KeyboardInterrupt, CannotMeasure])
def test_whatever_ends_it_takes_the_worktrees_away(checkout: Checkout, ending: type[BaseException]) -> None:
    """Ctrl-C among them."""
    with pytest.raises(ending), checkout.worktrees() as worktrees:
        worktrees.at("before")
        raise ending
    assert checkout.left() == []


def test_an_installation_that_is_interrupted_leaves_no_worktree(checkout: Checkout) -> None:
    """It takes a minute or two: long enough to change one's mind."""

    def interrupted(folder: Path, tree: Path) -> str:
        raise KeyboardInterrupt

    worktrees = Worktrees(lambda _: None, checkout=checkout.path, under=checkout.cache, install=interrupted)
    with pytest.raises(KeyboardInterrupt), worktrees:
        worktrees.at("old")
    assert checkout.left() == []


def test_an_unknown_commit_is_said_with_the_way_out(checkout: Checkout) -> None:
    """As in a shallow clone, whose history isn't there."""
    with checkout.worktrees() as worktrees, pytest.raises(UsageError) as refused:
        worktrees.at("mian")
    assert str(refused.value) == f"commit:mian: git knows no such commit in {checkout.path}; fetch it first (git fetch)"
    assert checkout.left() == []


def test_what_a_killed_process_left_is_taken_away_by_the_next_one(checkout: Checkout) -> None:
    """kill -9 lets its lock go, and nothing else."""
    victim = keeper(checkout)
    assert len(checkout.left()) == 2  # the worktree, and its folder
    victim.kill()
    victim.wait()
    assert len(checkout.left()) == 2
    with checkout.worktrees() as worktrees:
        worktrees.at("now")
    assert checkout.left() == []


def test_what_another_process_uses_is_left_alone(checkout: Checkout) -> None:
    """Two comparisons at once, of the same commit."""
    other = keeper(checkout)
    with checkout.worktrees() as worktrees:
        worktrees.at("before")
        assert len(checkout.left()) == 4
    assert len(checkout.left()) == 2
    other.send_signal(signal.SIGTERM)
    assert other.wait() == 0
    assert checkout.left() == []


def keeper(checkout: Checkout) -> "subprocess.Popen[str]":
    """Another process that has a worktree of *before* until it is told to end."""
    program = (
        "import signal, sys; from pathlib import Path; from harness.pairs.commits import Worktrees\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "with Worktrees(lambda _: None, checkout=Path(sys.argv[1]), under=Path(sys.argv[2])) as worktrees:\n"
        "    worktrees.at('before'); print('there', flush=True); signal.pause()\n"
    )
    words = [sys.executable, "-c", program, str(checkout.path), str(checkout.cache)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert process.stdout and process.stdout.readline() == "there\n"
    return process


def test_requirements_are_dependencies_and_pins_in_any_order(tmp_path: Path) -> None:
    """Sorted: two lists of the same libraries are the same."""
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["b", "a"]\n')
    assert requirements(tmp_path) == (["a", "b"], "")
    (tmp_path / "constraints.txt").write_text("a==1\n")
    assert requirements(tmp_path) == (["a", "b"], "a==1\n")


def test_a_commit_without_a_project_is_none_of_ours(tmp_path: Path) -> None:
    """Some other repository's history, or a time before there was code."""
    with pytest.raises(CannotMeasure, match="doesn't say what the code depends on"):
        requirements(tmp_path)


def test_a_checkout_that_changes_while_pairs_are_made_is_said_before_the_next_run() -> None:
    """Clean at first and before the first run; then somebody edits a file, and takes it back."""
    states = iter(["clean", "clean", "edited", "clean"])
    said: list[str] = []
    look = watching(lambda: next(states), said.append)
    look()
    assert said == []
    look()
    assert said == ["warning: the checkout isn't as it was when this began; comparing its runs will take --allow mixed"]
    look()
    assert len(said) == 1
