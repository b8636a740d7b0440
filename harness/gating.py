"""Gates of a run: what can be said against them before anything is measured, and the child that judges them afterwards."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageError
from harness.gate_rules import GateError, NoWorse, parse
from harness.reader import READER_GONE
from harness.report_child import answer, ask
from harness.stores import Store

Inconclusive = Literal["pass", "fail"]
ELSEWHERE_VARIABLE = "DBHARNESS_GATES_ELSEWHERE"
"""Set for `dbharness run` by what makes runs to compare them: it judges their gates, with both sides at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """How gates are judged: ``baselines`` are places of runs, each a run directory or a store whose newest run is meant.

    A baseline may differ from the run in what ``allowed`` names, as in `dbharness compare`; ``inconclusive`` gates pass with a warning
    or fail.
    """

    baselines: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    inconclusive: Inconclusive = "pass"

    def runs(self, gates: Sequence[str], *, besides: Path | None = None) -> tuple[Path, ...]:
        """The runs that the relative ones of ``gates`` are held against, none where there is no such gate.

        Of a store that is the newest whole run with all their scenarios, ``besides`` aside. Raises UsageError where there is none,
        with how to make one.
        """
        relative = [gate for gate in map(parse, gates) if isinstance(gate.demand, NoWorse)]
        if not relative:
            return ()
        scenarios = {gate.selector.scenario for gate in relative}
        how = f"`dbharness run {' '.join(sorted(scenarios))} --out BASELINE`, then --baseline BASELINE"
        if not self.baselines:
            raise UsageError(
                f"gate {relative[0]} is relative, and there is no baseline; make one: {how} (`dbharness baseline add` keeps it)"
            )
        return tuple(_newest(place, scenarios, how, besides) for place in self.baselines)

    def judge(self, run: Path, baselines: Sequence[Path], *, gates: Sequence[str] = (), as_json: bool = False) -> int:
        """Judge ``gates``, without any those of the run's own configuration; the exit code of the child, which prints.

        0 kept, 1 a gate failed, 2 one that can't be asked, 3 invalid, 4 inconclusive where that fails.
        """
        return ask("reports.gates", [*self._words(run, baselines, gates), *(["--json"] if as_json else [])])

    def after_report(
        self, run: Path, gates: Sequence[str], baselines: Sequence[Path], *, as_json: bool = False
    ) -> tuple[int, dict[str, Any] | None]:
        """What the run's own ``gates`` come to; ``as_json`` with what gates.json has, and nothing is printed.

        0 and None without any, and without findings, of which its report has said why.
        """
        if not gates or not (run / "findings.json").is_file():
            return 0, None
        return answer("reports.gates", self._words(run, baselines, ()), as_json=as_json)

    def _words(self, run: Path, baselines: Sequence[Path], gates: Sequence[str]) -> list[str]:
        words = [str(run.resolve()), "--inconclusive", self.inconclusive]
        for option, values in (("--gate", gates), ("--baseline", baselines), ("--allow", self.allowed)):
            for value in values:
                words += [option, str(value.resolve() if isinstance(value, Path) else value)]
        return words


def checked(texts: Sequence[str], option: str = "--gate") -> tuple[str, ...]:
    """Gates as they were typed, each once, in their canonical form. Raises UsageError."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            found[str(parse(text))] = None
        except GateError as error:
            raise UsageError(f"{option} {text!r} {error}") from error
    return tuple(found)


def judged_here(gates: Sequence[str]) -> Sequence[str]:
    """``gates``, unless whoever started this process judges them."""
    return () if os.environ.get(ELSEWHERE_VARIABLE) else gates


def declared(manifest: Mapping[str, Any]) -> list[str]:
    """The gates of the configuration that a manifest keeps; none where it is of a version without."""
    return (manifest.get("config") or {}).get("gates") or []


def about(gates: Sequence[str], scenarios: Collection[str]) -> list[str]:
    """Those of ``gates`` that are about one of ``scenarios``."""
    return [gate for gate in gates if parse(gate).selector.scenario in scenarios]


def worse(code: int, other: int) -> int:
    """Which of two exit codes a command that did both ends with: 130, then 141, 2, 3, 1 and 4, then 0."""
    return min((code, other), key=(130, READER_GONE, 2, 3, 1, 4, 0).index)


def _newest(place: str, scenarios: set[str], how: str, besides: Path | None) -> Path:
    store = Store.of(place, "--baseline")
    whole = [
        entry for entry in store.entries() if entry.whole and scenarios <= set(entry.scenarios)
        and (besides is None or entry.path.resolve() != besides.resolve())
    ]  # fmt: skip
    if not whole:
        names = ", ".join(sorted(scenarios))
        raise UsageError(f"--baseline {store.name}: has no whole run of {names}; make one: {how}")
    return whole[-1].path
