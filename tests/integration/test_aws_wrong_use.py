"""What is missing before AWS is asked at all: one line that says what, and the way out. No address is asked but loopback's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import PROJECT_ROOT

STACK = "dbharness-test"
EACH = {
    "up": (STACK, "--yes", "--max-usd", "1000"), "check": (STACK,), "down": (STACK, "--yes"), "sweep": ("--yes",),
    "run": ("query_vs_scan", "--stack", STACK), "snapshot": ("--stack", STACK), "restore": ("--stack", STACK),
    "estimate": ("--for", "quick", "--from-price-list"),
}  # fmt: skip
"""Every command that asks AWS, with the least it needs."""


def last_line(home: Path, command: str, *words: str) -> str:
    """How the command ends where nobody is signed in: its last line on standard error, after what it costs, where that is shown."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "aws", command, *words], cwd=PROJECT_ROOT, capture_output=True, text=True,
        env=environment | {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 or command == "up"
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", EACH)
def test_without_credentials_every_command_says_how_to_have_some(command: str, tmp_path: Path) -> None:
    """The call that couldn't be signed, and three ways to sign in."""
    said = last_line(tmp_path, command, *EACH[command])
    assert said.endswith(
        "Unable to locate credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`"
    )


@pytest.mark.parametrize("command", EACH)
def test_a_profile_that_isnt_there_is_named_with_the_option(command: str, tmp_path: Path) -> None:
    """The option is the one that these commands have: --profile is another thing."""
    said = last_line(tmp_path, command, *EACH[command], "--aws-profile", "nobody")
    assert said == (
        "The config profile (nobody) could not be found; name another with --aws-profile, or aws.profile in config.yaml"
    )


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_profile_may_be_the_configurations(command: str, tmp_path: Path) -> None:
    """Section aws says whose credentials and where, for every command alike."""
    text = (PROJECT_ROOT / "config.yaml").read_text()
    assert text.count("\naws: null ") == 1
    file = tmp_path / "config.yaml"
    file.write_text(text.replace("\naws: null ", "\naws: {profile: nobody} "))
    assert last_line(tmp_path, command, *EACH[command], "--config", str(file)).startswith(
        "The config profile (nobody) could not be found"
    )


@pytest.mark.parametrize("command", ["check", "sweep", "run"])
def test_without_a_region_one_is_asked_for(command: str, tmp_path: Path) -> None:
    """A configuration that has none, or a name that no region can have."""
    text = (PROJECT_ROOT / "config.yaml").read_text()
    assert text.count("\nregion: us-east-1 ") == 1
    file = tmp_path / "config.yaml"
    file.write_text(text.replace("\nregion: us-east-1 ", "\nregion: '' "))
    way_out = "name one, such as us-east-1, with --region or as region in config.yaml"
    assert last_line(tmp_path, command, *EACH[command], "--config", str(file)) == f"no region: {way_out}"
    assert way_out in last_line(tmp_path, command, *EACH[command], "--region", "no where")
