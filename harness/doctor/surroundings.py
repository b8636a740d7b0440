"""What else is there: credentials (only whether), proxies, and what an earlier run of ours left behind."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.doctor.findings import Check, state_of
from harness.local.processes import SCRATCH_PREFIX

_IN_ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_KEEPER = ("harness", "local", "warden.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A process that keeps servers; ``detached`` from who started it, as `services up` does."""

    pid: int
    age_s: float
    scratch: Path
    detached: bool


def checks() -> Iterator[Check]:
    """Credentials, proxies, leftovers."""
    yield credentials(os.environ, Path.home())
    yield proxies(os.environ)
    yield leftovers(list(_keepers()), _scratches())


def credentials(environment: Mapping[str, str], home: Path) -> Check:
    """Whether there is anything that could be one: names of variables and files, nothing of what is in them; nobody is asked."""
    named = [name for name in _IN_ENVIRONMENT if environment.get(name)]
    for variable, name in (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")):
        path = Path(environment.get(variable) or home / ".aws" / name)
        if path.is_file():
            named.append(str(path))
    return Check(
        subject="AWS credentials", state=state_of(missing=not named), needed_for="--target aws and dbharness aws alone",
        found=f"may be in {', '.join(named)}; nobody was asked" if named else "none in the environment or ~/.aws",
        mend="aws configure sso",
    )  # fmt: skip


def proxies(environment: Mapping[str, str]) -> Check:
    """Those of the environment; clients that heed them must not go through one to the embedded servers."""
    lower = {name.lower(): value for name, value in environment.items() if value}
    there = [name for name in _PROXIES if name in lower]
    passed_by = {name.strip() for name in lower.get("no_proxy", "").split(",")}
    bypassed = not passed_by.isdisjoint(("127.0.0.1", "*"))
    return Check(
        subject="proxies", state=state_of(limited=bool(there) and not bypassed), needed_for="clients of your own that ask the twin",
        found=f"{', '.join(there)}, {'' if bypassed else 'not '}passed by for 127.0.0.1" if there else "none",
        mend="export NO_PROXY=127.0.0.1,localhost",
    )  # fmt: skip


def leftovers(keepers: Sequence[Keeper], scratches: Sequence[Path]) -> Check:
    """Servers of ours that run now, and folders of those that don't any more."""
    kept = {keeper.scratch for keeper in keepers}
    gone = [scratch for scratch in scratches if scratch not in kept]
    up = [keeper for keeper in keepers if keeper.detached]
    said = [_running(keeper) for keeper in keepers]
    if gone:
        said.append(f"{len(gone)} folder{'' if len(gone) == 1 else 's'} of servers that are gone: {gone[0]}")
    return Check(
        subject="leftovers", state=state_of(limited=bool(said)), needed_for="a machine that does nothing else",
        found="; ".join(said) or "none",
        mend="dbharness services down" if up else f"rm -r {' '.join(map(str, gone[:3]))}" if gone else "wait until it has ended",
    )  # fmt: skip


def _running(keeper: Keeper) -> str:
    whose = "`services up`" if keeper.detached else "another run"
    return f"servers of {whose} for {keeper.age_s / 60:.0f} minutes (pid {keeper.pid})"


def _keepers() -> Iterator[Keeper]:
    """Of this user's; they were started with their folder, and with how they are spoken to."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            place = next(number for number, word in enumerate(words) if Path(word).parts[-3:] == _KEEPER)
            if process.uids().real == os.getuid():
                age_s = time.time() - process.create_time()
                scratch, how = Path(words[place + 1]), words[place + 2]
                yield Keeper(pid=process.pid, age_s=age_s, scratch=scratch, detached=how == "listen")
        except (psutil.Error, StopIteration, IndexError):  # another program, or it ended meanwhile
            continue


def _scratches() -> list[Path]:
    """Folders of servers, of this user's."""
    folders = Path(tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*")
    return sorted(path for path in folders if (path / "tmp").is_dir() and path.stat().st_uid == os.getuid())
