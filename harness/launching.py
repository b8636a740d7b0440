"""Who asked for a run, and with which configuration: ``dbharness run`` by its environment, or a plain ``locust -f`` by its options."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import config as configuration
from harness.config import AwsSettings, Config
from harness.errors import HarnessError
from harness.gating import Against, about
from harness.paths import PROJECT_ROOT
from harness.registry import load_scenario, settings_models
from harness.rundir import RunDir, command_line, redactor_of

RUN_VARIABLE = "DBHARNESS_RUN"
AWS_VARIABLE = "DBHARNESS_AWS"
"""Section aws as JSON; it names secrets and holds none."""


@dataclass(slots=True, kw_only=True)
class Launch:
    """Who asked for the run: ``owned`` when this process made the run directory and so closes and reports it."""

    run: RunDir
    config: Config
    owned: bool
    reason: str | None = None
    failure: HarnessError | None = None
    against: Against = field(default_factory=Against)
    baselines: tuple[Path, ...] = ()
    servers: dict[str, str] = field(default_factory=dict)


def launch_from_environment(
    scenario: str, *, profile: str | None, overrides: Sequence[str], out: Path | None = None, against: Against
) -> Launch:
    """The run directory that ``dbharness run`` handed down, or a new one of our own for a plain ``locust -f``.

    Of our own, gates are judged ``against`` baselines, which are looked for before anything is measured.
    """
    if path := os.environ.get(RUN_VARIABLE):
        run = RunDir(Path(path))
        config = config_of(run.manifest["config"])
        if section := os.environ.get(AWS_VARIABLE):  # the manifest's own may be redacted
            config = config.model_copy(update={"aws": AwsSettings.model_validate_json(section)})
        run.redactor = redactor_of(config)
        return Launch(run=run, config=config, owned=False)
    file = config_file()
    config = configuration.load(file, settings_models(), profile=profile, overrides=overrides)
    prices = configuration.load_prices(config)
    baselines = against.runs(about(config.gates, {scenario}))
    run = RunDir.create(out, config, prices, source=file.name, command=command_line())
    return Launch(run=run, config=config, owned=True, against=against, baselines=baselines)


def default_profile() -> str | None:
    """The profile a plain ``locust -f`` measures unless told otherwise; None where the configuration names none."""
    return os.environ.get("DBHARNESS_PROFILE") or configuration.named_profile(config_file())


def config_file() -> Path:
    """The configuration of a plain ``locust -f``."""
    return Path(os.environ.get("DBHARNESS_CONFIG", PROJECT_ROOT / "config.yaml"))


def config_of(record: dict[str, Any]) -> Config:
    """The configuration as ``as_used`` gave it and a manifest or a message kept it."""
    sections = {name: load_scenario(name).Settings.model_validate(part) for name, part in record["scenarios"].items()}
    return Config.model_validate(record | {"scenarios": {}}).model_copy(update={"scenarios": sections})
