"""What `dbharness ab` does before the comparison: checks what was asked for, and makes the pairs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import suite
from harness.config import Config
from harness.errors import UsageError
from harness.pairs.commits import HERE, Tree, Worktrees
from harness.pairs.folder import Folder
from harness.pairs.making import Ending, Making
from harness.pairs.plan import LETTERS, Letter, declared_looks, plan_pairs
from harness.pairs.runs import Asked, Ran, refuse_shared_services, run_side
from harness.pairs.sides import Side, names_of, side_of
from harness.paths import PROJECT_ROOT
from harness.report_child import ask
from harness.rundir import redactor_of

COMPARE = "reports.compare"
_COMPARED = (0, 1)  # a gate that fails is an answer too


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for: the words of each side, what they share, and how many pairs."""

    a: tuple[str, ...]
    b: tuple[str, ...]
    asked: Asked
    pairs: int
    most_pairs: int | None
    out: Path | None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The folder, the whole pairs in it, and how it ended."""

    folder: Path
    pairs: int
    ending: Ending


def make_pairs(wanted: Wanted, say: Callable[[str], None]) -> Made:
    """Make them; raises HarnessError for what can't start, before anything is begun where that can be known."""
    looks = declared_looks(wanted.pairs, wanted.most_pairs)
    if not (wanted.a or wanted.b):
        raise UsageError(
            "neither --a nor --b says anything: what is to be compared? `dbharness aa` compares a thing with itself"
        )
    sides: dict[Letter, Side] = {
        letter: side_of(letter, words) for letter, words in zip(LETTERS, (wanted.a, wanted.b), strict=True)
    }
    configs = [_checked(side, wanted.asked) for side in sides.values() if side.ref is None]
    if any(side.endpoint is None for side in sides.values()):
        refuse_shared_services()
    suite.interrupt_quietly()
    seed = wanted.asked.seed if wanted.asked.seed is not None else (configs or [Config()])[0].seed
    with Worktrees(say) as worktrees:
        code = {letter: worktrees.at(side.ref) if side.ref else HERE for letter, side in sides.items()}
        names = names_of(sides)
        folder = Folder.create(
            wanted.out, scenario=wanted.asked.scenario, seed=seed, looks=looks,
            sides={letter: side.as_record(names[letter], code[letter].commit) for letter, side in sides.items()},
            redactor=next(filter(None, map(redactor_of, configs)), None),
        )  # fmt: skip
        making = Making(
            folder=folder,
            run=_runner(sides, code, wanted.asked, folder),
            decided=lambda: decided(folder.path, wanted.allow),
            say=say,
        )
        ending = making.make(plan_pairs(looks, seed), looks)
        suite.ignore_interrupts()  # what is left, to take away and to compare, isn't to be lost to a second Ctrl-C
    return Made(folder=folder.path, pairs=folder.pairs, ending=ending)


def _checked(side: Side, asked: Asked) -> Config:
    """The configuration of a side whose code is ours; a commit's own code will say what it thinks of its words."""
    request = suite.Request(
        scenarios=(asked.scenario,) if asked.scenario else (), profile=asked.profile, target=None, out=None, seed=asked.seed,
        overrides=(*asked.overrides, *side.overrides), config=side.config or asked.config or PROJECT_ROOT / "config.yaml",
        command=(),
    )  # fmt: skip
    try:
        config, _ = suite.checked(request)
    except UsageError as error:
        raise UsageError("\n".join(f"--{side.letter}: {line}" for line in str(error).splitlines())) from error
    return config


def _runner(
    sides: Mapping[Letter, Side], code: Mapping[Letter, Tree], asked: Asked, folder: Folder
) -> Callable[[Letter, str], Ran]:
    def run(letter: Letter, name: str) -> Ran:
        return run_side(sides[letter], code[letter], asked, folder.path / name, folder.log(name))

    return run


def decided(folder: Path, allow: Sequence[str]) -> bool:
    """What the comparison of the pairs so far says of the figures that have to be decided. False where it can't be made."""
    if ask(COMPARE, [*words_for(folder, allow), "--quiet"]) not in _COMPARED:
        return False
    return bool(json.loads((folder / "verdicts.json").read_text())["decided"])


def words_for(folder: Path, allow: Sequence[str]) -> list[str]:
    """What the child is told that compares the pairs of a folder."""
    return ["--folder", str(folder), "--out", str(folder), *(word for name in allow for word in ("--allow", name))]
