"""``python -m reports.history RUN…``: how figures went over these runs. 0 done, 2 wrong usage, 3 the page can't be written."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.gate_rules import GateError, Selector, parse_selector
from harness.reader import until_reader_goes
from reports.history import words
from reports.history.page import html
from reports.history.runs import ALLOWED, LeftOut, counted, read, scenarios_of, series_of
from reports.history.trends import History, history
from reports.records import nearest


class WrongUsage(Exception):  # noqa: N818 - the sentence that follows is the error
    """What was asked for isn't there; the message says what is."""


def main(typed: Sequence[str] | None = None) -> int:
    """Print the history, and write its page where one was asked for; ``typed`` in the place of the command line."""
    asked = _arguments().parse_args(typed)
    logging.basicConfig(format="%(message)s")
    try:
        histories, unread = _histories(asked)
    except WrongUsage as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    document = json.dumps(words.document(asked.store, histories, unread), ensure_ascii=False, allow_nan=False)
    if asked.json:
        print(document)
    else:
        _say(histories, unread)
    if asked.out is not None:
        try:
            asked.out.mkdir(parents=True, exist_ok=True)
            (asked.out / "history.json").write_text(document + "\n", encoding="utf-8")
            (asked.out / "history.html").write_text(
                html(asked.store, histories, unread, chosen=bool(asked.figure)), encoding="utf-8"
            )  # fmt: skip
        except OSError as error:
            print(f"error: --out {asked.out}: {error.strerror}", file=sys.stderr)
            return 3
        if not asked.json:
            print(f"\npage: {asked.out / 'history.html'}")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports.history", description="How figures went over runs.")
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--store", default="these runs", help="what to call where they are")
    parser.add_argument("--way-out", default="give run directories", help="what to do where there is none")
    parser.add_argument("--scenario", action="append")
    parser.add_argument("--figure", action="append")
    parser.add_argument("--allow", action="append", default=[])
    parser.add_argument("--profile")
    parser.add_argument("--last", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser


def _histories(asked: argparse.Namespace) -> tuple[list[History], list[LeftOut]]:
    if unknown := [name for name in asked.allow if name not in ALLOWED]:
        raise WrongUsage(f"--allow {unknown[0]}: there are {', '.join(ALLOWED)}")
    selectors = [_selector(text) for text in asked.figure or ()]
    runs, unread = read(asked.runs)
    there = scenarios_of(runs)
    if not there:
        raise WrongUsage(f"{asked.store}: no run to follow{_but(unread)}; {asked.way_out}")
    for name in asked.scenario or ():
        if name not in there:
            raise WrongUsage(f"--scenario {name}: no run of it in {asked.store}; there are runs of {', '.join(there)}")
    wanted = [name for name in there if name in (asked.scenario or there)]
    if selectors:
        wanted = [name for name in wanted if any(one.scenario == name for one in selectors)]
    series = [series_of(name, runs, profile=asked.profile, allow=asked.allow, last=asked.last) for name in wanted]
    if asked.profile and not any(one.runs for one in series):
        profiles = sorted({str(run.manifest.get("profile")) for run in runs})
        raise WrongUsage(f"--profile {asked.profile}: no run of it in {asked.store}; there are {', '.join(profiles)}")
    found = [history(one) for one in series]
    return (_selected(found, selectors, there) if selectors else found), unread


def _selector(text: str) -> Selector:
    try:
        return parse_selector(text)
    except GateError as error:
        raise WrongUsage(f"--figure {text}: {error}") from error


def _selected(found: Sequence[History], selectors: Sequence[Selector], there: Sequence[str]) -> list[History]:
    """The histories with the figures that are meant alone. Raises WrongUsage for a selector that means none."""
    every = [trend.figure for one in found for trend in one.trends]
    for selector in selectors:
        if not any(selector.means(figure.id, dict(figure.labels)) for figure in every):
            names = nearest(str(selector), every)
            known = f"the nearest are {', '.join(names)}" if names else f"there are runs of {', '.join(there)}"
            raise WrongUsage(f"--figure {selector}: no such figure in these runs; {known}")
    return [
        replace(
            one,
            trends=tuple(
                trend for trend in one.trends
                if any(selector.means(trend.figure.id, dict(trend.figure.labels)) for selector in selectors)
            ),
        )
        for one in found
    ]  # fmt: skip


def _but(unread: Sequence[LeftOut]) -> str:
    return f" ({counted(unread)}; the last: {unread[-1].run}, {unread[-1].reason})" if unread else ""


def _say(histories: Sequence[History], unread: Sequence[LeftOut]) -> None:
    for one in histories:
        for line in words.lines(one):
            print(line)
        print()
    for left in unread:
        print(f"left out: {left.run}: {left.reason}")
    print(words.SCREEN)


if __name__ == "__main__":
    sys.exit(until_reader_goes(main))
