"""The code that runs are made with: what is here, or a commit in a worktree of its own, gone when we are."""

import fcntl
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.errors import CannotMeasure, UsageError
from harness.paths import PROJECT_ROOT, cache_dir, in_checkout

_LOCK = "lock"
Install = Callable[[Path, Path], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A folder of code with the interpreter that runs it; ``commit`` is None for the code that we are."""

    folder: Path
    python: str
    commit: str | None = None


HERE = Tree(folder=PROJECT_ROOT, python=sys.executable)


def watching(state: Callable[[], object], say: Callable[[str], None]) -> Callable[[], None]:
    """What says, each time it is called, that the checkout's ``state`` isn't what it was at first; runs of it can't be mixed."""
    at_first = state()

    def look() -> None:
        if state() != at_first:
            say("warning: the checkout isn't as it was when this began; comparing its runs will take --allow mixed")

    return look


class Worktrees:
    """Worktrees of commits, one each, under the cache; closing takes them away again, with what was installed for them.

    What a killed process left is taken away by the next one: a worktree is somebody's as long as its lock is held.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        checkout: Path = PROJECT_ROOT,
        under: Path | None = None,
        install: Install | None = None,
    ) -> None:
        self._say, self._checkout, self._install = say, checkout, install or install_environment
        self._under = under or cache_dir().absolute() / "worktrees"
        self._made: dict[str, Tree] = {}
        self._locks: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Nothing is made yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take away what was made."""
        for room, lock in self._locks.items():
            self._remove(room)
            os.close(lock)

    def at(self, ref: str) -> Tree:
        """The code of the commit that ``ref`` means. Raises UsageError where there is none, CannotMeasure where it can't be had."""
        commit = self._commit(ref)
        if commit not in self._made:
            self._made[commit] = self._make(commit, ref)
        return self._made[commit]

    def _commit(self, ref: str) -> str:
        if not in_checkout():
            raise UsageError(f"commit:{ref}: this dbharness is installed, not a git checkout; run it from one")
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if found.returncode:
            raise UsageError(f"commit:{ref}: git knows no such commit in {self._checkout}; fetch it first (git fetch)")
        return found.stdout.strip()

    def _make(self, commit: str, ref: str) -> Tree:
        room = self._room(commit)
        tree = room / "tree"
        self._say(f"commit:{ref}: a worktree of {commit[:12]}")
        added = self._git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        if added.returncode:
            raise CannotMeasure(f"commit:{ref}: git made no worktree: {_last_line(added.stderr)}")
        if requirements(tree) == requirements(self._checkout):
            return Tree(folder=tree, python=sys.executable, commit=commit)
        self._say(f"commit:{ref}: it requires other libraries, which takes a minute or two")
        return Tree(folder=tree, python=self._install(room / "environment", tree), commit=commit)

    def _room(self, commit: str) -> Path:
        """An empty folder that nobody else takes away: ours as long as we hold its lock."""
        room = self._under / f"{commit[:12]}-{os.getpid()}"
        try:
            with self._alone():
                self._sweep()
                room.mkdir()
                self._locks[room] = os.open(room / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._locks[room], fcntl.LOCK_EX)
        except OSError as error:
            raise CannotMeasure(f"{room}: {error.strerror}; name another cache with DBHARNESS_CACHE") from error
        return room

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._under.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._under / f".{_LOCK}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Take away what nobody holds any more."""
        for lock in self._under.glob(f"*/{_LOCK}"):
            descriptor = os.open(lock, os.O_RDWR)
            try:
                with suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._remove(lock.parent)
            finally:
                os.close(descriptor)

    def _remove(self, room: Path) -> None:
        self._git("worktree", "remove", "--force", str(room / "tree"))
        shutil.rmtree(room, ignore_errors=True)

    def _git(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = ["git", "-C", str(self._checkout), *words]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise CannotMeasure(f"git can't be started: {error.strerror}; install it") from error


def requirements(folder: Path) -> tuple[Any, str]:
    """What an environment for this code has to hold: the dependencies it declares, and the pins it was tested with."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise CannotMeasure(f"{folder / 'pyproject.toml'}: doesn't say what the code depends on ({error})") from error
    pins = folder / "constraints.txt"
    return sorted(project.get("dependencies", ())), pins.read_text() if pins.is_file() else ""


def install_environment(folder: Path, tree: Path) -> str:
    """Make an interpreter environment in ``folder`` with what ``tree`` requires; the path of its Python. Raises CannotMeasure."""
    python = folder / "bin" / "python"
    pins = tree / "constraints.txt"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = ["-c", str(pins)] if pins.is_file() else []
    for command in ([sys.executable, "-m", "venv", str(folder)], [*install, *pinned, "-e", str(tree)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotMeasure(f"{tree}: its libraries can't be installed: {_last_line(done.stderr or done.stdout)}")
    return str(python)


def _last_line(text: str) -> str:
    return next(iter(reversed(text.strip().splitlines())), "it didn't say why")
