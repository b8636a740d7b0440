"""What cache_hit_rate measures: the cells of each part, their trials, and how long each of them lasts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite, log10

from harness.cache.experiments.settings import PARTS, CacheHitRateSettings, Part
from harness.cache.experiments.skews import KeySpace
from harness.errors import CannotMeasure
from harness.plan import Cell, Trial, interleave
from harness.sql.endpoint import Engine

Value = float | int | str
GUARDS = ("no_timeout", "timeout", "circuit_breaker")
STAMPEDES = ("lazy", "lazy_jitter", "single_flight", "single_flight_shared", "xfetch")
MOST_SKEW_BYTES = 8_192
"""Of values of few keys: with larger ones the clients' buffers would take more than the cache has room for."""
LEAST_SKEW_PER_S = 100
LEAST_LRU_S = 2.0
"""Valkey's LRU clock ticks once a second (E2): below this Che's T is finer than what it can tell."""
MOST_WARM_UP_S = 120.0
"""Part skew warms a cache up for Che's T, which grows beyond any patience as few keys are asked for ever more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What cells are made from: the settings, what is known of the data, and how many slots there are."""

    settings: CacheHitRateSettings
    space: Callable[[str, int], KeySpace]  # a skew's keys; how many where it is a power
    answer_bytes: int  # mean of part size's values
    slots: int
    nodes: int = 1  # of the cache

    def trials(self, engines: Mapping[Part, Sequence[Engine]], seed: str) -> list[Trial]:
        """Part after part, in each every cell once a round, arms interleaved; ``engines`` has those that are there."""
        trials: list[Trial] = []
        for part in (part for part in PARTS if part in self.settings.parts):
            cells = [cell for engine in engines[part] for cell in _CELLS[part](self, engine)]
            rounds, of_part = self.settings.rounds_of(part), seed if part == "size" else f"{seed}/{part}"
            first = trials[-1].pair + 1 if trials else 0
            trials += [
                replace(self._of_its_arm(trial), trial=len(trials) + at, pair=first + trial.pair)
                for at, trial in enumerate(interleave(cells, rounds=rounds, seed=of_part))
            ]  # fmt: skip
        return trials

    def cell(
        self, part: Part, engine: Engine, arms: Sequence[str], step: str, *, lasts_s: tuple[float, float],
        labels: Mapping[str, str] | None = None, **params: Value,
    ) -> Cell:  # fmt: skip
        """A cell with what every trial says of itself; ``lasts_s``: its warm-up, and what is measured of it.

        Raises CannotMeasure for a cache without room for one value, before anything is measured.
        """
        settings = self.settings
        common: dict[str, Value] = {
            "cache_share": 1.0, "ttl_s": 0.0, "write_share": 0.0, "value_bytes": settings.value_bytes,
            "policy": "allkeys-lru", "skew": f"zipf_{settings.zipf_alpha:g}", "keys": settings.keys,
            "warm_up_s": lasts_s[0], "measured_s": lasts_s[1],
        }  # fmt: skip
        params = common | params
        space = self.space(str(params["skew"]), int(params["keys"]))
        params |= {"keys": space.keys, "alpha": space.alpha}
        if (
            part != "size" and float(params["cache_share"]) * space.keys < self.nodes
        ):  # size has its answers measured before
            raise CannotMeasure(
                f"part {part}, step {step}: a cache of {100 * float(params['cache_share']):g} % of {space.keys:,} values doesn't hold "
                f"one{'' if self.nodes == 1 else f' in each of its {self.nodes} nodes'}; cache_hit_rate.{share_setting(part)} must be "
                f">= {least_share(space.keys, self.nodes):g}, got {params['cache_share']:g}"
            )
        return Cell(
            arms=tuple(arms), step=step, labels={"part": part, "engine": engine, **(labels or {})}, params=params
        )

    def _of_its_arm(self, trial: Trial) -> Trial:
        """What differs between the arms of a cell: no cache has no size, and a TTL is some arms' only."""
        settings, params = self.settings, trial.params
        match trial.labels["part"], trial.arm:
            case "value_size", "no_cache":
                params = params | {"cache_share": 0.0}
            case "write_share", "lazy":
                params = params | {"ttl_s": settings.write_share_ttl_s}
            case "policy", "lazy_ttl":
                params = params | {"ttl_s": settings.policy_ttl_s}
            case "stale", "lazy":
                params = params | {"ttl_s": settings.stale_ttl_s}
            case "stale", "lazy_race":
                params = params | {"race_ms": settings.stale_race_ms}
        return replace(trial, params=params)


def share_setting(part: str) -> str:
    """The setting that says how large a part's cache is."""
    return {"size": "cache_shares", "trips": "trip_shares", "warm_up": "warm_up_shares"}.get(part, "cache_share")


def least_share(values: int, nodes: int = 1) -> float:
    """The share of so many values that is one for each node, rounded up to two digits: who takes it isn't refused again."""
    digits = 10.0 ** (1 - floor(log10(nodes / values)))
    return ceil(nodes / values * digits - 1e-9) / digits


def _size(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """The steps of today's runs, without a cache first: *this aircraft and its latest flights*."""
    settings = plan.settings
    for arm, share in [("no_cache", 0.0), *(("lazy", share) for share in settings.cache_shares)]:
        yield plan.cell(
            "size", engine, (arm,), f"{share:g}", lasts_s=(settings.warm_up_s, settings.measured_s),
            cache_share=share, skew="tailnum", value_bytes=plan.answer_bytes,
        )  # fmt: skip


def _trips(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """E1 supposes that every miss costs the same, so rows that are alike; the asking is as skewed as elsewhere."""
    settings = plan.settings
    for share in settings.trip_shares:
        yield plan.cell(
            "trips", engine, ("lazy",), f"{share:g}", lasts_s=(settings.trip_warm_up_s, settings.trip_measured_s),
            cache_share=share, keys=settings.trip_keys,
        )  # fmt: skip


def _ttl(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """Measured over whole TTLs: those of popular keys, begun together, end together."""
    settings = plan.settings
    for ttl_s in settings.ttls_s:
        measured_s = round(ceil(settings.ttl_measured_s / ttl_s - 1e-9) * ttl_s, 6)
        yield plan.cell(
            "ttl", engine, ("lazy",), f"{ttl_s:g}", lasts_s=(settings.ttl_warm_up_ttls * ttl_s, measured_s),
            ttl_s=ttl_s, accesses_per_s=settings.ttl_reads_per_s,
        )  # fmt: skip


def _skew(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """Equally much data at every step, so that few keys have larger values: what a connection takes is a small part of it.

    Params beside the others: Che's T for the size that was asked for, and whether LRU's clock can tell it. Reads come as
    slowly as that T asks for, but not so slowly that there is nothing to count.
    """
    settings = plan.settings
    for skew in settings.skews:
        space = plan.space(skew, settings.keys)
        stays_reads, per_s = space.stays_reads(settings.cache_share), settings.skew_reads_per_s
        if settings.skew_stays_s and LEAST_SKEW_PER_S <= (slow := stays_reads / settings.skew_stays_s) < per_s:
            per_s = round(slow, 1)
        stays_s = stays_reads / per_s
        if isfinite(stays_s) and stays_s > max(MOST_WARM_UP_S, settings.skew_warm_up_s):
            raise CannotMeasure(
                f"part skew, step {skew}: a cache of {100 * settings.cache_share:g} % of the keys is warm only after {stays_s:.3g} s; leave "
                f"{skew} out of cache_hit_rate.skews, make skew_reads_per_s larger or cache_share smaller"
            )
        warm_up_s = max(settings.skew_warm_up_s, stays_s if isfinite(stays_s) else 0.0)
        yield plan.cell(
            "skew", engine, ("lazy",), skew, lasts_s=(round(warm_up_s, 3), settings.skew_measured_s),
            labels={"skew": skew}, skew=skew, cache_share=settings.cache_share,
            value_bytes=min(MOST_SKEW_BYTES, settings.keys * settings.value_bytes // space.keys),
            accesses_per_s=per_s, che_t_s=round(stays_s, 3) if isfinite(stays_s) else -1.0,
            che_comparable=int(stays_s >= LEAST_LRU_S),
        )  # fmt: skip


def _write_share(plan: Plan, engine: Engine) -> Iterator[Cell]:
    settings = plan.settings
    for share in settings.write_shares:
        yield plan.cell(
            "write_share", engine, ("lazy", "write_through", "invalidate"), f"{share:g}",
            lasts_s=(settings.write_share_warm_up_s, settings.write_share_measured_s), write_share=share,
            keys=settings.write_share_keys,
        )  # fmt: skip


def _value_size(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """Half of the values fit, so that hits, misses and sets are all seen."""
    settings = plan.settings
    for size_bytes in settings.value_sizes:
        yield plan.cell(
            "value_size", engine, ("no_cache", "lazy"), str(size_bytes),
            lasts_s=(settings.value_size_warm_up_s, settings.value_size_measured_s),
            value_bytes=size_bytes, keys=settings.value_size_keys, cache_share=0.5,
        )  # fmt: skip


def _policy(plan: Plan, engine: Engine) -> Iterator[Cell]:
    settings = plan.settings
    for policy in settings.policies:
        yield plan.cell(
            "policy", engine, ("lazy", "lazy_ttl"), policy, labels={"policy": policy}, policy=policy,
            lasts_s=(settings.policy_warm_up_s, settings.policy_measured_s), cache_share=settings.cache_share,
        )  # fmt: skip


def _warm_up(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """From empty, so nothing comes before what is measured."""
    settings = plan.settings
    for share in settings.warm_up_shares:
        yield plan.cell(
            "warm_up", engine, ("lazy",), f"{share:g}", lasts_s=(0.0, settings.warm_up_measured_s),
            cache_share=share, keys=settings.warm_up_keys,
        )  # fmt: skip


def _stampede(plan: Plan, engine: Engine) -> Iterator[Cell]:
    """As many readers as there are slots for; a trial lasts until so many TTLs have ended and what they caused is over."""
    settings, readers = plan.settings, min(plan.settings.stampede_readers, plan.slots)
    yield plan.cell(
        "stampede", engine, STAMPEDES, f"{readers}_readers",
        lasts_s=(0.0, settings.stampede_expiries * settings.stampede_ttl_s), ttl_s=settings.stampede_ttl_s,
        expiries=settings.stampede_expiries, readers=readers, think_ms=settings.stampede_think_ms,
    )  # fmt: skip


def _lost(plan: Plan, engine: Engine) -> Iterator[Cell]:
    settings = plan.settings
    times = {"before_s": settings.lost_before_s, "fault_s": settings.lost_fault_s, "after_s": settings.lost_after_s}
    for fault in settings.faults:
        yield plan.cell(
            "lost", engine, GUARDS, fault, labels={"fault": fault}, lasts_s=(0.0, sum(times.values())),
            keys=settings.lost_keys, accesses_per_s=settings.lost_reads_per_s, **times,
            timeout_s=settings.lost_timeout_s, delay_ms=settings.lost_delay_ms if fault == "slow" else 0.0,
        )  # fmt: skip


def _stale(plan: Plan, engine: Engine) -> Iterator[Cell]:
    settings = plan.settings
    for writes_per_s in settings.stale_writes_per_s:
        share = writes_per_s / (writes_per_s + settings.stale_reads_per_s)
        yield plan.cell(
            "stale", engine, ("lazy", "write_through", "invalidate", "lazy_race"), f"{writes_per_s:g}",
            lasts_s=(settings.stale_warm_up_s, settings.stale_measured_s), write_share=round(share, 4),
            keys=settings.stale_keys, accesses_per_s=settings.stale_reads_per_s, writes_per_s=writes_per_s,
        )  # fmt: skip


_CELLS: Mapping[Part, Callable[[Plan, Engine], Iterator[Cell]]] = {
    "size": _size, "trips": _trips, "ttl": _ttl, "skew": _skew, "write_share": _write_share, "value_size": _value_size,
    "policy": _policy, "warm_up": _warm_up, "stampede": _stampede, "lost": _lost, "stale": _stale,
}  # fmt: skip
