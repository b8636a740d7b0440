"""What can't be compared, and what only on request: each refusal names the runs, what differs, and the way out."""

from collections.abc import Collection, Sequence
from pathlib import Path

from reports.compare.designs import Side, Sides
from reports.compare.differences import Difference, Topic
from reports.gates.validity import why_invalid

# What the command line may allow, in the order it is looked at.
ALLOWABLE = ("scenario", "schema", "target", "profile", "seed", "dataset", "machine", "prices", "mixed", "partial")
_STOPPING: tuple[Topic, ...] = ("schema", "target", "profile", "seed", "dataset", "machine", "prices")
# What the two sides of `dbharness ab` may be made to differ in; their pairs ran on one machine, with one seed, of one data set.
_DECLARED = frozenset({"target", "prices"})
_MEANS = {
    "schema": "files of another layout",
    "target": "other services",
    "profile": "other sizes and lengths",
    "seed": "other questions in another order",
    "dataset": "other data",
    "machine": "another machine",
    "prices": "other prices",
}


class NotComparable(Exception):  # noqa: N818 - the sentence that follows is the error
    """These runs don't answer the same question; the message says why and how to go on."""


class Invalid(Exception):  # noqa: N818 - likewise
    """The runs could be compared, were they whole."""


def refuse(sides: Sides, found: Sequence[Difference], allowed: Collection[str]) -> tuple[str, ...]:
    """The scenarios to compare. Raises NotComparable, or Invalid for runs that aren't whole."""
    _twice(sides)
    scenarios = _scenarios(sides, allowed)
    for topic in _STOPPING:
        those = [one for one in found if one.topic == topic and not (topic == "seed" and _paired_seeds(sides))]
        if those and topic not in allowed and not (sides.declared and topic in _DECLARED):
            raise NotComparable(_differs(topic, those))
    mixed = [one for one in found if one.mixed and one.topic not in ("seed", *allowed)]
    if mixed and "mixed" not in allowed:
        one = mixed[0]
        raise NotComparable(
            f"the runs of one side aren't of one make ({one.where}: {one.base} against {one.candidate}{_more(mixed)}); "
            "give runs that are, or --allow mixed"
        )
    if "partial" not in allowed:
        _whole(sides, scenarios)
    return scenarios


def _twice(sides: Sides) -> None:
    """A run that counts twice would pass for two."""
    seen: set[str] = set()
    for run in (*sides.base.runs, *sides.candidate.runs):
        if run.path in seen:
            raise NotComparable(f"{run.path} is given twice; a run can't be compared with itself: name each run once")
        seen.add(run.path)


def _scenarios(sides: Sides, allowed: Collection[str]) -> tuple[str, ...]:
    each = [set(run.manifest["scenarios"]) for run in (*sides.base.runs, *sides.candidate.runs)]
    common = [name for name in sides.base.runs[0].manifest["scenarios"] if all(name in names for names in each)]
    if not common:
        texts = " and ".join(_scenarios_of(side) for side in (sides.base, sides.candidate))
        raise NotComparable(f"the runs have no scenario in common: {texts}; compare runs of the same scenario")
    if len(common) < len(set.union(*each)) and "scenario" not in allowed:
        texts = " and ".join(_scenarios_of(side) for side in (sides.base, sides.candidate))
        raise NotComparable(
            f"the runs aren't of the same scenarios: {texts}; --allow scenario compares {', '.join(common)}"
        )
    return tuple(common)


def _scenarios_of(side: Side) -> str:
    names = sorted({name for run in side.runs for name in run.manifest["scenarios"]})
    return f"{side.name} has {', '.join(names)}"


def _paired_seeds(sides: Sides) -> bool:
    """Whether each pair has one seed on both its sides, though another pair may have another."""
    if sides.design != "interleaved_pairs":
        return False
    both = zip(sides.base.runs, sides.candidate.runs, strict=True)
    return all(a.manifest.get("seed") == b.manifest.get("seed") for a, b in both)


def _differs(topic: str, those: Sequence[Difference]) -> str:
    one = those[0]
    return (
        f"the runs differ in {one.where}: {one.base} against {one.candidate}{_more(those)}, {_MEANS[topic]}; "
        f"compare runs that agree in it, or --allow {topic}"
    )


def _more(those: Sequence[object]) -> str:
    return f", and {len(those) - 1} more" if len(those) > 1 else ""


def _whole(sides: Sides, scenarios: Sequence[str]) -> None:
    for run in (*sides.base.runs, *sides.candidate.runs):
        path = Path(run.path)
        for name in scenarios:
            unmeasured = run.manifest["scenarios"][name]["status"] == "not_measured"
            why = None if unmeasured or not (path / "samples").exists() else why_invalid(path, run.manifest, name)
            if why:
                raise Invalid(f"{path}: {why}; run it again, or --allow partial to compare what is there")
