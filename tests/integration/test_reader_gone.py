"""Whoever reads a command's output may go before its end (`dbharness history | head`): it ends quietly, with 141."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gated import finding, gated
from planted_history import noisy, planted_nights

from harness.gating import worse
from harness.paths import PROJECT_ROOT
from harness.reader import READER_GONE, until_reader_goes

GATE = "query_vs_scan.latency_p95_ms <= 1"


def unread() -> int:
    """A pipe to write into whose reader has gone already, so that no test waits for one to go."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def typed(*words: object, read: bool = False) -> tuple[int, str]:
    """Exit code and standard error of a command that nobody reads."""
    out = subprocess.DEVNULL if read else unread()
    try:
        command = [sys.executable, "-m", "harness.cli", *map(str, words)]
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, stdout=out, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    finally:
        if not read:
            os.close(out)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four nights of one figure."""
    return planted_nights(tmp_path_factory.mktemp("kept"), noisy(10, 4))


@pytest.mark.parametrize(
    "asked",
    [
        lambda nights: ("history", nights[0].parent),
        lambda nights: ("compare", nights[0], nights[1]),
        lambda nights: ("compare", nights[0], nights[1], "--json"),
        lambda nights: ("gate", nights[0], "--gate", GATE),
        lambda nights: ("report", nights[0]),
        lambda nights: ("baseline", "list", "--store", nights[0].parent),
        lambda _: ("doctor", "--json"),
        lambda _: ("run", "--help"),
        lambda _: ("aws", "--help"),
    ],
)
def test_a_command_whose_reader_is_gone_ends_quietly(
    nights: list[Path], asked: Callable[[list[Path]], tuple[object, ...]]
) -> None:
    """Whether it prints by itself or its report's process does, a little or much, by print, rich or typer's help."""
    assert typed(*asked(nights)) == (READER_GONE, "")


def test_what_was_written_is_whole_and_a_gate_that_failed_isnt_called_kept(nights: list[Path], tmp_path: Path) -> None:
    """The page is written before anything is said; a verdict that nobody read is 141, and 1 once it is read.

    A command that does several things has it before any verdict, and after having been interrupted.
    """
    page = tmp_path / "page"
    assert typed("compare", nights[0], nights[1], "--out", page) == (READER_GONE, "")
    assert (page / "comparison.html").read_text().rstrip().endswith("</html>")
    broken = Path(gated(tmp_path / "run", [finding("p95_ms", 2.0, 1.9, 2.1)], gates=["shop.p95_ms <= 1"]).path)
    assert typed("gate", broken) == (READER_GONE, "")
    assert json.loads((broken / "gates.json").read_text())["exit_code"] == 1
    assert typed("gate", broken, read=True) == (1, "")
    assert [worse(READER_GONE, code) for code in (0, 1, 2, 3, 4, 130)] == [READER_GONE] * 5 + [130]


def test_a_complaint_that_nobody_reads_is_quiet_too(tmp_path: Path) -> None:
    """Standard error in the same pipe: `2>&1 | head`."""
    gone = unread()
    try:
        command = [sys.executable, "-m", "harness.cli", "history", str(tmp_path)]
        done = subprocess.run(command, cwd=PROJECT_ROOT, stdout=gone, stderr=gone, timeout=120, check=False)
    finally:
        os.close(gone)
    assert done.returncode == READER_GONE


def test_another_pipe_that_broke_is_an_error_as_before() -> None:
    """A connection that a database closed is nobody's reader gone: both streams have theirs."""

    def broken() -> int:
        raise BrokenPipeError("the database closed its connection")

    with pytest.raises(BrokenPipeError, match="the database closed"):
        until_reader_goes(broken)
    assert until_reader_goes(lambda: 3) == 3 and until_reader_goes(lambda: None) == 0
