"""How two sets of runs can be compared, by when they ran: in interleaved pairs, in sequence, or one against one."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from reports.load import NotARun
from reports.records import Recorded
from reports.stats import CONFIDENCE

Design = Literal["interleaved_pairs", "runs_in_sequence", "one_against_one"]
KNOWN_COMPARISON_SCHEMA = 1

WORDS: Mapping[Design, str] = {
    "interleaved_pairs": "interleaved pairs",
    "runs_in_sequence": "runs in sequence",
    "one_against_one": "one run against one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: its runs, of interleaved pairs in the order of the pairs; ``name`` and ``words`` say what it is."""

    name: str
    words: str
    runs: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared with what, and how it came about.

    ``order`` has, for interleaved pairs, which side went first in each. ``confidence`` is that of one look, declared beforehand;
    ``declared`` says that the sides were made to be compared, so that what they declare may differ; ``command`` made the pairs.
    """

    base: Side
    candidate: Side
    design: Design
    order: tuple[str, ...] = ()
    confidence: float = CONFIDENCE
    looks: tuple[tuple[int, float], ...] = ()
    ended: str | None = None
    declared: bool = False
    scenario: str | None = None
    seed: int | None = None
    folder: str | None = None
    command: str | None = None


def of_runs(bases: Sequence[Recorded], candidates: Sequence[Recorded]) -> Sides:
    """The sides as given, their design read from the start times of the runs."""
    base, candidate = _by_time(bases), _by_time(candidates)
    order = _alternating(base, candidate)
    design: Design = "one_against_one" if min(len(base), len(candidate)) < 2 else "runs_in_sequence"
    return Sides(
        base=Side(name="base", words=_words(base), runs=base),
        candidate=Side(name="candidate", words=_words(candidate), runs=candidate),
        design="interleaved_pairs" if order else design,
        order=order,
    )


def of_folder(folder: Path) -> Sides:
    """The pairs that ``dbharness ab`` put into ``folder``, as its comparison.json says. Raises NotARun with the way out."""
    document = _document(folder)
    pairs = [pair for pair in document["pairs"] if _is_there(folder, pair)]
    if not pairs:
        raise NotARun(f"{folder} has no whole pair of runs yet; give it some: dbharness ab")
    sides = {name: tuple(Recorded.load(folder / pair[name]) for pair in pairs) for name in ("a", "b")}
    looks = tuple((int(at), float(confidence)) for at, confidence in document.get("looks") or ())
    about = document["sides"]
    return Sides(
        base=Side(name=str(about["a"]["name"]), words=str(about["a"].get("words") or ""), runs=sides["a"]),
        candidate=Side(name=str(about["b"]["name"]), words=str(about["b"].get("words") or ""), runs=sides["b"]),
        design="interleaved_pairs" if len(pairs) > 1 else "one_against_one",
        order=tuple("base" if pair["order"][0] == "a" else "candidate" for pair in pairs),
        confidence=looks[0][1] if looks else CONFIDENCE,
        looks=looks,
        ended=document.get("ended"),
        declared=True,
        scenario=document.get("scenario"),
        seed=document.get("seed"),
        folder=str(folder),
        command=_command(document.get("command")),
    )


def _document(folder: Path) -> dict[str, Any]:
    file = folder / "comparison.json"
    try:
        document = json.loads(file.read_text())
        newer = document["schema"] > KNOWN_COMPARISON_SCHEMA
        whole = {"a", "b"} <= document["sides"].keys() and isinstance(document["pairs"], list)
    except OSError as error:
        raise NotARun(
            f"{folder}: comparison.json: {error.strerror}; give a folder that `dbharness ab` wrote"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotARun(f"{file} is damaged ({type(error).__name__}: {error}); name the runs one by one") from error
    if newer:
        raise NotARun(
            f"{folder} is of a newer dbharness (comparison schema {document['schema']}); read it with that one"
        )
    if not whole:
        raise NotARun(f"{file} is damaged (sides or pairs are missing); name the runs one by one")
    return dict(document)


def _command(words: Any) -> str | None:
    """What was typed, whatever file the program was started from."""
    return shlex.join(["dbharness", *map(str, words[1:])]) if isinstance(words, list) and words else None


def _is_there(folder: Path, pair: Mapping[str, Any]) -> bool:
    """Whether both runs of a pair were made and reported; the pair that was being made when ab was stopped isn't."""
    return all((folder / str(pair[name]) / "findings.json").exists() for name in ("a", "b"))


def _by_time(runs: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """In the order they were started; as given where a run doesn't say when."""
    times = [_instant(run, "started") for run in runs]
    if any(time is None for time in times):
        return tuple(runs)
    return tuple(runs[place] for place in sorted(range(len(runs)), key=lambda place: (times[place], place)))


def _alternating(base: Sequence[Recorded], candidate: Sequence[Recorded]) -> tuple[str, ...]:
    """Which side went first in each pair, empty unless the runs alternate pair by pair, none beginning before another's end."""
    if len(base) != len(candidate) or len(base) < 2:
        return ()
    runs = [("base", run) for run in base] + [("candidate", run) for run in candidate]
    spans = [(side, _instant(run, "started"), _instant(run, "ended")) for side, run in runs]
    known = [(start, end, side) for side, start, end in spans if start is not None and end is not None]
    if len(known) != len(spans):
        return ()
    known.sort()
    apart = all(before[1] <= after[0] for before, after in pairwise(known))
    pairs = [(known[place][2], known[place + 1][2]) for place in range(0, len(known), 2)]
    return tuple(first for first, _ in pairs) if apart and all(first != second for first, second in pairs) else ()


def _instant(run: Recorded, key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(run.manifest.get(key)))
    except ValueError:
        return None


def _words(runs: Sequence[Recorded]) -> str:
    """The runs' own names, the first and the last where they are many."""
    names = [run.id for run in runs]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} to {names[-1]}, {len(names)} runs"
