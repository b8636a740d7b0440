"""What differs between the manifests of two sides, and what a side's own runs don't agree on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reports.records import Recorded

Topic = Literal[
    "schema", "target", "seed", "profile", "dataset", "machine", "prices", "versions", "git", "servers", "configuration"
]
ABSENT = "–"
_COMMIT = 12  # characters of a commit that tell it apart
_MACHINE = ("cpu", "cores", "memory_bytes", "os", "kernel")
_DATASET = ("name", "months", "flights")
_SCHEMAS = ("schema", "samples_schema", "findings_schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the manifests say of one side and otherwise of the other; ``mixed`` where a side's own runs disagree."""

    topic: Topic
    name: str
    base: str
    candidate: str
    mixed: bool

    @property
    def where(self) -> str:
        """``configuration: scenarios.query_vs_scan.client``."""
        return self.topic if self.name == self.topic else f"{self.topic}: {self.name}"


def differences(bases: Sequence[Recorded], candidates: Sequence[Recorded]) -> tuple[Difference, ...]:
    """All that isn't the same in all manifests, in the order of the topics; settings of scenarios that no run has are left out."""
    base, candidate = ([dict(_facts(run.manifest)) for run in side] for side in (bases, candidates))
    keys = dict.fromkeys(key for facts in (*base, *candidate) for key in facts)
    found = []
    for topic, name in keys:
        here, there = (_told(side, (topic, name)) for side in (base, candidate))
        if here != there or len(here) > 1:
            mixed = len(here) > 1 or len(there) > 1
            found.append(Difference(topic=topic, name=name, base=_joined(here), candidate=_joined(there), mixed=mixed))
    return tuple(found)


def _told(side: Sequence[Mapping[tuple[Topic, str], str]], key: tuple[Topic, str]) -> tuple[str, ...]:
    """What the runs of a side say of one thing, each answer once."""
    return tuple(sorted({facts.get(key, ABSENT) for facts in side}))


def _joined(answers: Sequence[str], most: int = 3) -> str:
    more = len(answers) - most
    return " | ".join(answers[:most]) + (f" | and {more} more" if more > 0 else "")


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[tuple[Topic, str], str]]:
    for name in _SCHEMAS:
        yield ("schema", name), _text(manifest.get(name))
    yield ("target", "target"), _text(manifest.get("target"))
    yield ("seed", "seed"), _text(manifest.get("seed"))
    yield ("profile", "profile"), _text(manifest.get("profile"))
    yield from _some("dataset", manifest.get("dataset"), _DATASET)
    yield from _some("machine", manifest.get("machine"), _MACHINE)
    yield from _prices(manifest.get("prices") or {})
    for name, version in (manifest.get("versions") or {}).items():
        yield ("versions", str(name)), _text(version)
    yield ("git", "commit"), _text((manifest.get("git") or {}).get("commit"))[:_COMMIT]
    yield ("git", "uncommitted changes"), _text((manifest.get("git") or {}).get("dirty"))
    for scenario, entry in (manifest.get("scenarios") or {}).items():
        for role, server in (entry.get("servers") or {}).items():
            yield ("servers", f"{scenario}.{role}"), _text(server)
    for name, value in _flat(manifest.get("config") or {}):
        section, _, rest = name.partition(".")
        unused = section == "scenarios" and rest.partition(".")[0] not in (manifest.get("scenarios") or {})
        if not unused and name not in ("profile", "target", "seed"):
            yield ("configuration", name), _text(value)


def _some(
    topic: Topic, section: Mapping[str, Any] | None, names: Sequence[str]
) -> Iterator[tuple[tuple[Topic, str], str]]:
    for name in names:
        yield (topic, name), _text((section or {}).get(name))


def _prices(prices: Mapping[str, Any]) -> Iterator[tuple[tuple[Topic, str], str]]:
    yield from _some("prices", prices, ("region", "date"))
    for name, price in (prices.get("values") or {}).items():
        yield ("prices", str(name)), _text(price)


def _flat(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a configuration, each under its whole name; a list is one setting."""
    for name, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return str(value)
