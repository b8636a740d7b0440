"""What a run's figures were measured on: stand-ins here, AWS itself, or something else at an address that was given.

A run of target aws says AWS only where every service of a scenario was AWS's own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reports.findings import Basis, Finding
from reports.load import Run

LOCAL, OVERRIDE = "local model", "endpoint override"
_WORDS = {LOCAL: LOCAL, OVERRIDE: OVERRIDE, "aws": "AWS"}


def words_of(manifest: Mapping[str, Any], scenario: str, server: str) -> str:
    """What one server of a scenario is, as a sentence names it; of one that the run says nothing of, what its target is."""
    if manifest["target"] != "aws":
        return LOCAL
    places = manifest["scenarios"][scenario].get("places", {})
    return _WORDS[places.get(server, _together(manifest, scenario))]


def target_words(manifest: Mapping[str, Any]) -> str:
    """The target of the whole run: AWS only where nothing was anything else."""
    target = str(manifest.get("target"))
    if target != "aws":
        return {"local": "local stand-ins", "model": "a model of the service"}.get(target, target)
    scenarios = [name for name, entry in manifest["scenarios"].items() if entry.get("places")]
    real = [_together(manifest, name) == "aws" for name in scenarios]
    if all(real) and real:
        return "AWS"
    if any(real):
        return "AWS, in part by an endpoint override"
    return f"target aws by {OVERRIDE}: not AWS" if real else "target aws, of which nothing was reached"


def at_its_place(run: Run, finding: Finding) -> Finding:
    """The finding as of where it was measured, for those that say *local model* because nobody told them otherwise."""
    if run.manifest["target"] != "aws":
        return finding
    real = _together(run.manifest, finding.scenario) == "aws"
    basis: Basis = finding.basis if finding.basis == "modelled" else ("aws" if real else "endpoint_override")
    return replace(finding, basis=basis, target="aws" if real else OVERRIDE)


def is_aws(run: Run) -> bool:
    """Whether managed services were asked for, whatever answered."""
    return bool(run.manifest["target"] == "aws")


def _together(manifest: Mapping[str, Any], scenario: str) -> str:
    """``aws`` where all its services are."""
    places = set(manifest["scenarios"][scenario].get("places", {}).values())
    return "aws" if places == {"aws"} else OVERRIDE
