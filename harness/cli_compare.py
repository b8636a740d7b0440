"""`dbharness compare` and `dbharness ab`: two sides held against each other; docs/comparing.md."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_shared import JsonOption, ProfileOption, SetOption, err
from harness.errors import UsageError

_INTERRUPTED, _NOT_MEASURED = 130, 3


class Difference(StrEnum):
    """What may differ where it was allowed to; the comparison itself says more of each (reports/compare/refusals.py)."""

    SCENARIO, SCHEMA, TARGET, SEED, DATASET = "scenario", "schema", "target", "seed", "dataset"
    PROFILE, MACHINE, PRICES, MIXED, PARTIAL = "profile", "machine", "prices", "mixed", "partial"


AllowOption = Annotated[
    list[Difference] | None,
    typer.Option("--allow", metavar="NAME", help="Compare although this differs, such as seed or machine; repeatable."),
]
GateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gate", metavar="TEXT", help="`FIGURE no worse than N%`, in place of the configuration's; repeatable."
    ),
]
_SIDE_HELP = "A configuration (FILE.yaml), KEY=VALUE, commit:REF or endpoint:URL; repeatable, all of them together."


def register(app: typer.Typer) -> None:
    """Add the two commands."""
    app.command()(compare)
    app.command()(ab)


def compare(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="BASE CANDIDATE", help="Two runs, or a folder that `ab` made.")
    ] = None,
    base: Annotated[list[str] | None, typer.Option("--base", metavar="RUN", help="Repeatable: several runs.")] = None,
    candidate: Annotated[list[str] | None, typer.Option("--candidate", metavar="RUN", help="Likewise.")] = None,
    allow: AllowOption = None,
    gate: GateOption = None,
    confidence: Annotated[float | None, typer.Option(help="Of the intervals; 0.95 where not given.")] = None,
    out_dir: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the report goes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what changed between runs, with intervals and verdicts; `dbharness ab` makes runs that can tell."""
    from harness.pairs.folder import COMPARE
    from harness.report_child import ask

    options = list(_repeated("--allow", allow or ()))
    options += ["--confidence", str(confidence)] if confidence is not None else []
    options += ["--out", str(out_dir.absolute())] if out_dir is not None else []
    options += ["--json"] if as_json else []
    raise typer.Exit(ask(COMPARE, [*words_of_runs(runs or (), base or (), candidate or (), gate or ()), *options]))


def ab(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="Which to run; all where none is named.")
    ] = None,
    a: Annotated[list[str] | None, typer.Option("--a", metavar="SIDE", help=f"The base. {_SIDE_HELP}")] = None,
    b: Annotated[list[str] | None, typer.Option("--b", metavar="SIDE", help="The candidate; likewise.")] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of runs, one of each side.")] = 8,
    most_pairs: Annotated[
        int | None,
        typer.Option(help="Make up to so many where the first ones don't decide; paid for by wider intervals."),
    ] = None,
    profile: ProfileOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every run, and of the order inside each pair.")] = None,
    overrides: SetOption = None,
    config: Annotated[
        Path | None, typer.Option(help="The configuration of a side that names none; each code's own where not given.")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder for all runs; one under runs/ without.")
    ] = None,
    gate: GateOption = None,
    allow: AllowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run two sides in interleaved pairs, and compare them."""
    from harness.pairs import command
    from harness.pairs.folder import COMPARE
    from harness.pairs.runs import Asked
    from harness.report_child import ask

    asked = Asked(
        scenario=scenario, profile=profile, seed=seed, overrides=tuple(overrides or ()),
        config=config.absolute() if config else None,
    )  # fmt: skip
    wanted = command.Wanted(
        a=tuple(a or ()), b=tuple(b or ()), asked=asked, pairs=pairs, most_pairs=most_pairs,
        out=out_dir.absolute() if out_dir else None, allow=tuple(allow or ()), gates=command.relative(gate or ()),
    )  # fmt: skip
    made = command.make_pairs(wanted, lambda line: err.print(line, markup=False))
    words = [*command.comparing(made.folder, wanted.allow), *(["--json"] if as_json else [])]
    compared = ask(COMPARE, words) if made.folder.pairs else _NOT_MEASURED
    err.print(f"everything is in {made.folder.path}", markup=False)
    raise typer.Exit({"interrupted": _INTERRUPTED, "failed": _NOT_MEASURED}.get(made.ending, compared))


def words_of_runs(
    runs: Sequence[str], bases: Sequence[str], candidates: Sequence[str], gates: Sequence[str] = ()
) -> list[str]:
    """What is compared, as the child is told. Raises UsageError for anything but two sides or one folder."""
    if runs and (bases or candidates):
        raise UsageError(f"{runs[0]}: which side is it on? name runs either one by one, or by --base and --candidate")
    if len(runs) == 1:
        from harness.pairs.folder import words_of_folder

        return words_of_folder(Path(runs[0]).absolute(), gates)
    if len(runs) > 2:
        raise UsageError(f"{len(runs)} runs: which are on which side? give several by --base RUN … --candidate RUN …")
    bases, candidates = ([runs[0]], [runs[1]]) if runs else (bases, candidates)
    if not bases or not candidates:
        missing = "--candidate" if bases else "--base"
        raise UsageError(f"{missing}: no run on that side; give BASE CANDIDATE, or --base RUN … --candidate RUN …")
    sides = ["--base", *map(_absolute, bases), "--candidate", *map(_absolute, candidates)]
    return [*sides, *_repeated("--gate", gates)]


def _absolute(run: str) -> str:
    """The child works in another folder; a URL is the same everywhere."""
    return run if "://" in run else str(Path(run).absolute())


def _repeated(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
