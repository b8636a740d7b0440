"""Where the project keeps what it downloads and what it writes."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def in_checkout() -> bool:
    """Whether the package runs from a checkout rather than from an installed wheel."""
    return (PROJECT_ROOT / "pyproject.toml").is_file()


def cache_dir() -> Path:
    """The folder of downloaded servers and prepared data; ``DBHARNESS_CACHE`` overrides it."""
    if override := os.environ.get("DBHARNESS_CACHE"):
        return Path(override)
    if in_checkout():
        return PROJECT_ROOT / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dbharness"


def runs_dir() -> Path:
    """The folder that holds run directories unless ``--out`` says otherwise."""
    return (PROJECT_ROOT if in_checkout() else Path.cwd()) / "runs"
