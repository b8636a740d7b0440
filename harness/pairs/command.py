"""What `dbharness ab` does before the comparison: checks what was asked for, and makes the pairs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import suite
from harness.config import Config
from harness.errors import UsageError
from harness.gate_rules import NoWorse, parse
from harness.gating import checked
from harness.pairs.commits import HERE, Tree, Worktrees, watching
from harness.pairs.folder import COMPARE, Folder, words_of_folder
from harness.pairs.making import Ending, Making
from harness.pairs.plan import LETTERS, Letter, declared_looks, plan_pairs
from harness.pairs.runs import Asked, refuse_shared_services, run_side
from harness.pairs.sides import Side, names_of, side_of
from harness.paths import PROJECT_ROOT
from harness.report_child import ask
from harness.rundir import git_state, redactor_of, refuse_taken

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
    gates: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The folder with its pairs, and how it ended."""

    folder: Folder
    ending: Ending


def make_pairs(wanted: Wanted, say: Callable[[str], None]) -> Made:
    """Make them; raises HarnessError for what can't start, before anything is begun where that can be known."""
    declared_looks(wanted.pairs, wanted.most_pairs)
    if wanted.out is not None:
        refuse_taken(wanted.out)
    if not (wanted.a or wanted.b):
        raise UsageError(
            "neither --a nor --b says anything: what is to be compared? `dbharness aa` compares a thing with itself"
        )
    sides: dict[Letter, Side] = {
        letter: side_of(letter, words) for letter, words in zip(LETTERS, (wanted.a, wanted.b), strict=True)
    }
    configs = {letter: _checked(side, wanted.asked) for letter, side in sides.items() if side.ref is None}
    if any(side.endpoint is None for side in sides.values()):
        refuse_shared_services()
    suite.interrupt_quietly()
    with Worktrees(say) as worktrees:
        code = {letter: worktrees.at(side.ref) if side.ref else HERE for letter, side in sides.items()}
        made = _make(wanted, sides, code, configs, say)
        suite.ignore_interrupts()  # what is left, to take away and to compare, isn't to be lost to a second Ctrl-C
    return made


def _make(
    wanted: Wanted,
    sides: Mapping[Letter, Side],
    code: Mapping[Letter, Tree],
    configs: Mapping[Letter, Config],
    say: Callable[[str], None],
) -> Made:
    asked, looks, names = wanted.asked, declared_looks(wanted.pairs, wanted.most_pairs), names_of(sides)
    seed = asked.seed if asked.seed is not None else next(iter(configs.values()), Config()).seed
    folder = Folder.create(
        wanted.out, scenario=asked.scenario, seed=seed, looks=looks, gates=wanted.gates,
        sides={letter: side.as_record(names[letter], code[letter].commit) for letter, side in sides.items()},
        redactor=next(filter(None, map(redactor_of, configs.values())), None),
    )  # fmt: skip

    look = watching(git_state, say)

    def run(letter: Letter, name: str) -> str | None:
        if code[letter] is HERE:
            look()
        return run_side(sides[letter], code[letter], asked, folder.path / name, folder.log(name))

    making = Making(folder=folder, run=run, decided=lambda: _decided(folder, wanted.allow), say=say)
    return Made(folder=folder, ending=making.make(plan_pairs(looks, seed), looks))


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


def relative(texts: Sequence[str]) -> tuple[str, ...]:
    """Gates as they were typed, in their canonical form. Raises UsageError for what is none, or a limit."""
    gates = checked(texts)
    for gate in gates:
        if not isinstance(parse(gate).demand, NoWorse):
            raise UsageError(
                f"--gate {gate}: pairs are held to *no worse than N%* alone; a limit is `dbharness gate`'s"
            )
    return gates


def comparing(folder: Folder, allow: Sequence[str]) -> list[str]:
    """What the child is told that compares the pairs."""
    return [*words_of_folder(folder.path), *(word for name in allow for word in ("--allow", name))]


def _decided(folder: Folder, allow: Sequence[str]) -> bool:
    """What the comparison of the pairs so far says of the figures that have to be decided. False where it can't be made."""
    if ask(COMPARE, [*comparing(folder, allow), "--quiet"]) not in _COMPARED:
        return False
    return bool(json.loads((folder.path / "verdicts.json").read_text())["decided"])
