"""Everything looked at, and what it means for each scenario."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness import config as configuration
from harness.doctor import machine, programs, surroundings
from harness.doctor.findings import Check, Examined, Runnable, by_subject
from harness.paths import runs_dir
from harness.registry import load_scenario, scenario_names, settings_models
from harness.services import Needs

_ENGINES = {"postgres": programs.POSTGRES, "mysql": programs.MYSQL}
_ALWAYS = (machine.PYTHON, machine.RUNS, machine.TEMPORARY)


def examine(config: Path) -> Examined:
    """Look at everything; scenarios as this configuration has them. Raises UsageError for one that can't be read."""
    checks = (*machine.checks(runs_dir()), *programs.checks(), *surroundings.checks())
    settings = configuration.load(config, settings_models())
    needs = {}
    for name in scenario_names():
        wanted: Needs = load_scenario(name).needs(settings.scenarios[name])
        needs[name] = wanted
    return Examined(
        checks=checks,
        scenarios=[runnable(name, wanted, checks, tls=settings.cache.tls) for name, wanted in needs.items()],
    )


def runnable(scenario: str, needs: Needs, checks: Sequence[Check], *, tls: bool) -> Runnable:
    """Whether a scenario of these needs can run, with what is ok; ``tls``: its cache speaks that."""
    found = by_subject(checks)
    stops = [*_stopping(needs, found, tls=tls)]
    if stops:
        return Runnable(scenario=scenario, state="missing", why=f"can't run: {'; '.join(stops)}")
    without = [*_lacking(needs, found)]
    if without:
        return Runnable(scenario=scenario, state="limited", why=f"runs without {', '.join(without)}")
    return Runnable(scenario=scenario, state="ok", why="runs")


def _stopping(needs: Needs, found: Mapping[str, Check], *, tls: bool) -> Iterator[str]:
    """What it can't do without."""
    subjects = [*_ALWAYS]
    if needs.cache:
        subjects.append(programs.REDIS if tls else programs.VALKEY)
    if needs.sql_servers:
        subjects.append(machine.LOOPBACK)
    yield from (f"{subject}: {found[subject].found}" for subject in subjects if found[subject].state == "missing")
    engines = [_ENGINES[engine] for engine in (*needs.engines, *needs.sql_servers)]
    if engines and all(found[engine].state == "missing" for engine in engines):
        yield f"neither of {', '.join(engines)} is here" if len(engines) > 1 else f"{engines[0]} isn't here"


def _lacking(needs: Needs, found: Mapping[str, Check]) -> Iterator[str]:
    """What reads *not measured* in its report."""
    subjects = [_ENGINES[engine] for engine in (*needs.engines, *needs.sql_servers)]
    if needs.sql_servers:
        subjects += [programs.PGBOUNCER, machine.MINTTL]
    if needs.dynamodb:
        subjects.append(machine.TIMERFD)
    yield from (subject for subject in subjects if found[subject].state == "missing")
