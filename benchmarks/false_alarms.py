"""``python -m benchmarks.false_alarms RUN``: writes docs/false-alarms.md from the run of a long series, and simulates beside it.

The run is one of ``dbharness aa``. No figure on the page is typed by hand.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.simulated_runs import mann_whitney_alarms, p_at_looks, told_apart
from harness.pairs.plan import declared_looks
from harness.paths import PROJECT_ROOT
from harness.series.limits import most_alarms
from reports import stats
from reports.words import microseconds, percent

PAGE = PROJECT_ROOT / "docs" / "false-alarms.md"
SEED, COMPARISONS, ONE_AGAINST_ONE = 20261125, 2_000, 200
PLANTED = (0.05, 0.1, 0.2)
Record = Mapping[str, Any]

_PAGE = """# False alarms

How often does a comparison find a change where there is none, and how often does it find one that is there? Other tools leave that
to faith; here it is measured. This page is written by `python -m benchmarks.false_alarms RUN` from a run of `dbharness aa`; no
figure on it is typed by hand.

## The same on both sides, for real

{when}

`dbharness aa` asks one operation in turns under two names, `a` and `b`, in pairs of trials whose order is drawn. K pairs in a row are one
comparison, judged the way all are ([method](method.md)): the figure of each trial, the ratio of each pair, a t interval of the
mean log ratio. The sides are the same, so an interval that excludes *equal* is a **false alarm**, and intervals at 95 % promise
5 % of them. The same series is cut at K = 6, 8 and 10.

| figure | pairs | comparisons | false alarms | share | 95 % interval | chance gives up to | |
|---|--:|--:|--:|--:|---|--:|---|
{alarms}

*Chance gives up to*: more false alarms than these come once in a hundred such series by chance alone: 4 of 20, 7 of 50, 11 of 100, 18
of 200. The interval of a share is Clopper's and Pearson's.

**What is found** of a change that is there: every latency of side `b` times 1.05, 1.10 or 1.20, and the share of comparisons
whose interval then lies wholly above *equal*. That is the power there really was, and how much it is depends on how still the machine
stands (its load and its tail are above) and how long a trial lasts; *detectable* is the least change that is found with 80 %, in the median
comparison.

| figure | pairs | +5 % | +10 % | +20 % | detectable |
|---|--:|--:|--:|--:|--:|
{found}

**What the usual test says** of the same data: {mann_whitney}

## Simulated

{comparisons:,} comparisons each (`benchmarks/simulated_runs.py`, seed {seed}): log-normal latencies, seconds that follow each other (AR(1), φ = 0.8,
σ = 10 %), runs of 60 s with 25 requests a second, 3 % between runs, 5 % drift of the environment while a comparison lasts; figure p95.
`tests/truth/test_false_alarms.py` holds them: no more false alarms than 5 % gives once in a thousand, and the power below.

| method | equal sides told apart | +10 % found |
|---|--:|--:|
{simulated}

**Adding pairs** until something shows errs more often than 5 % unless it is declared before: a cap, and α shared by the looks
(`harness/pairs/plan.py`). That is what `dbharness ab --pairs 8 --most-pairs 16` does.

## Try it

```
.venv/bin/dbharness aa                                              # 20 comparisons of 6 pairs, 1 s a trial: four and a half minutes
.venv/bin/dbharness aa --through postgres --comparisons 50          # or valkey, mysql; dynamodb is the default
.venv/bin/dbharness aa --comparisons 200 --out runs/aa-200          # what stands above: 45 minutes; `make test-long` does it too
.venv/bin/python -m benchmarks.false_alarms runs/aa-200             # writes this page from it
```

It prints the false alarms of p50, p95, p99 and the mean and writes a run directory with a report (p values against chance, every comparison
with its interval, verdicts); exit 1 where a figure was told apart more often than chance does. A percentile that the samples of
a side can't carry isn't compared ([method](method.md)). `--think-ms 0` asks as fast as it goes.

{whole}"""


def main() -> int:
    """Read the run, simulate, write the page; 2 where the run has no series."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=PAGE, help="another file than docs/false-alarms.md")
    asked = parser.parse_args()
    try:
        manifest = json.loads((asked.run / "manifest.json").read_text())
        findings = json.loads((asked.run / "findings.json").read_text())
        asked.out.write_text(page(manifest, findings))
    except (OSError, KeyError) as error:
        print(f"{asked.run}: no run of `dbharness aa` with a report ({error})", file=sys.stderr)
        return 2
    print(asked.out)
    return 0


def page(manifest: Record, findings: Sequence[Record]) -> str:
    """The page."""
    return _PAGE.format(
        when=_when(manifest, findings), alarms="\n".join(_alarms(findings)), found="\n".join(_found(findings)),
        mann_whitney=next(one["sentence"] for one in findings if one["id"] == "series.mann_whitney_alarm_share"),
        comparisons=COMPARISONS, seed=SEED, simulated="\n".join(_simulated()), whole=_WHOLE,
    )  # fmt: skip


_WHOLE = """**Whole runs** of a scenario are compared with themselves in the same way, made as `dbharness ab` makes its pairs; each takes as
long as its runs do, comparisons × pairs × 2 of them:

```
.venv/bin/dbharness aa query_vs_scan --profile smoke --comparisons 20 --pairs 6
```

It names the figures that were told apart, and their share over all figures, a mean over comparisons with its interval: figures of one
run move together, so the comparison is the unit. Exit 1 where that share lies above 5 %, or where a figure without chance (units)
differs.
"""


def _when(manifest: Record, findings: Sequence[Record]) -> str:
    """Day, commit, machine, what was asked, and what it took: a long tail is a machine with other work to do."""
    took = {one["id"]: one for one in reversed(findings) if one["id"].startswith("series.service_")}
    p50, p95 = (microseconds(1e3 * took[f"series.service_{p}_ms"]["value"]) for p in ("p50", "p95"))
    series, machine, git = manifest["scenarios"]["series"], manifest["machine"], manifest["git"]
    params, commit = series["params"], f", commit {git['commit'][:7]}" if git else ""
    server = next(iter(series["servers"].values()))
    load = (
        f", load {machine['load_1min_at_start']:.1f} when it began"
        if machine.get("load_1min_at_start") is not None
        else ""
    )
    return (
        f"{manifest['started'][:10]}{commit}; {machine['cores']} cores of {machine['cpu']}{load}. {server}, "
        f"{series['requests']:,} requests in {len(series['trials']):,} trials of {params['trial_s']:g} s, after {params['warm_up_s']:g} s "
        f"each to warm up; a rest of {params['think_ms']:g} ms after each answer; seed {manifest['seed']}. "
        f"An answer took {p50} at p50 and {p95} at p95."
    )


def _alarms(findings: Sequence[Record]) -> Iterator[str]:
    for one in findings:
        if one["id"] != "series.false_alarm_share" or one["value"] is None:
            continue
        alarms, total = round(one["counts"][0]), round(one["counts"][1])
        most = most_alarms(total)
        yield (
            f"| {one['labels']['figure']} | {one['labels']['pairs']} | {total:,} | {alarms} | {percent(one['value'])} | "
            f"{percent(one['low'])} to {percent(one['high'])} | {most} | {'too many' if alarms > most else 'as promised'} |"
        )


def _found(findings: Sequence[Record]) -> Iterator[str]:
    by_labels = {(one["id"], *sorted(one["labels"].items())): one for one in findings}
    for one in findings:
        if one["id"] != "series.detectable_change":
            continue
        figure, pairs = one["labels"]["figure"], one["labels"]["pairs"]
        keys = [
            ("series.found_share", ("figure", figure), ("pairs", pairs), ("planted", str(more))) for more in PLANTED
        ]
        if all(key in by_labels for key in keys):
            shares = " | ".join(percent(by_labels[key]["value"]) for key in keys)
            yield f"| {figure} | {pairs} | {shares} | {percent(one['value'])} |"


def _simulated() -> Iterator[str]:
    usual = mann_whitney_alarms(SEED, ONE_AGAINST_ONE) / ONE_AGAINST_ONE
    yield f"| Mann–Whitney on all requests, one run against one ({ONE_AGAINST_ONE} times) | {percent(usual)} | – |"
    for pairs in (6, 8, 10):
        alarms, found = (told_apart(SEED, COMPARISONS, pairs, planted) / COMPARISONS for planted in (0.0, 0.10))
        yield f"| paired t on log ratios, K = {pairs} | {percent(alarms)} | {percent(found)} |"
    looked = declared_looks(8, 16)
    p = p_at_looks(SEED, COMPARISONS, [look.pairs for look in looked])
    declared = (p < [1 - look.confidence for look in looked]).any(axis=1).mean()
    undeclared = (p < 1 - stats.CONFIDENCE).any(axis=1).mean()
    yield f"| the same, looks after 8 and 16 pairs, declared: α shared | {percent(float(declared))} | – |"
    yield f"| the same, looks after 8 and 16 pairs, 95 % at each | {percent(float(undeclared))} | – |"


if __name__ == "__main__":
    sys.exit(main())
