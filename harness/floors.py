"""The floor under a latency: what the same client takes where nothing is done for it."""

from typing import Any

from harness.scenario import Context, Scenario


def measure(scenario: Scenario[Any], context: Context) -> list[dict[str, Any]]:  # noqa: ARG001 - no probe, no floor
    """The floors of ``scenario``'s probes as the manifest keeps them; empty where it gives none."""
    return []
