"""docs/adding-a-scenario.md: its example, put where it says into a copy of the tree, is measured and reported."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from whole_runs import ROOT

PAGE = ROOT / "docs" / "adding-a-scenario.md"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The packages and the configuration of this checkout, in a place of their own."""
    for name in ("harness", "reports", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc"))
    for name in ("config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_pages_example_runs_as_it_stands(tree: Path) -> None:
    """Two files and one line: exit 0, one headline with its interval over two pairs, a drawn chart."""
    load, report = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tree / "scenarios" / "count_star.py").write_text(load)
    (tree / "reports" / "count_star.py").write_text(report)
    names = tree / "scenarios" / "__init__.py"
    names.write_text(names.read_text().replace('    "rds_failover",\n', '    "rds_failover",\n    "count_star",\n'))
    run = tree / "run"
    command = [
        sys.executable, "-m", "harness.cli", "run", "count_star", "--profile", "smoke", "--out", str(run),
        "--set", "count_star.pairs=2",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(tree), "DBHARNESS_CACHE": str(ROOT / ".cache")}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads((run / "findings.json").read_text())
    assert (found["id"], found["n"]) == ("count_star.latency_ratio", 2)
    assert found["value"] > 1, "27,004 flights can't be counted as fast as one row is read"
    assert found["low"] < found["value"] < found["high"]
    assert found["sentence"].startswith("An exact count took ")
    page = (run / "report.html").read_text()
    assert "Exact count or estimate" in page and "<svg" in page


def test_the_pages_example_is_as_clean_as_the_rest(tree: Path) -> None:
    """ruff and mypy find nothing in it."""
    load, report = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    files = [tree / "scenarios" / "count_star.py", tree / "reports" / "count_star.py"]
    for file, text in zip(files, (load, report), strict=True):
        file.write_text(text)
    for tool in (["ruff", "check"], ["mypy"]):
        done = subprocess.run([sys.executable, "-m", *tool, *map(str, files)], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
