"""What makes figures of this machine noisy, read from the kernel's own files; a reading that isn't there is None."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STEADY_GOVERNORS = frozenset({"performance"})
STEADY_CLOCKS = frozenset({"tsc", "kvm-clock", "arch_sys_counter"})
MOST_STEAL, MOST_LOAD, MOST_WAITING = 0.01, 0.25, 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Readings of one moment: shares from 0 to 1, ``load_1min`` a core, ``steal_share`` since the machine was started.

    ``quota_cores`` is what the control group may use, ``quota_stops`` how often it was stopped for it; ``waiting_share`` is
    the share of the last 10 s in which some process waited for a core (the kernel's pressure reading).
    """

    governors: tuple[str, ...]
    turbo: bool | None
    smt: bool | None
    clock: str | None
    virtual: bool
    container: bool
    quota_cores: float | None
    quota_stops: int | None
    steal_share: float | None
    load_1min: float | None
    waiting_share: float | None
    swap_used_bytes: int | None

    def warnings(self) -> Iterator[str]:
        """A sentence for each reading that makes figures less sure, and what to do where something can be done."""
        unsteady = sorted(set(self.governors) - STEADY_GOVERNORS)
        if unsteady:
            yield f"the processor's frequency follows its load (governor {', '.join(unsteady)}): set the governor performance"
        if self.turbo:
            yield "turbo is on: frequency depends on how warm the machine is and on what else runs"
        if self.smt:
            yield "hyper-threads share a core: what runs on the other half slows this one"
        if self.clock is not None and self.clock not in STEADY_CLOCKS:
            yield f"the clock source is {self.clock}: reading the time is slow"
        if self.quota_cores is not None:
            stops = f", stopped {self.quota_stops:,} times for it so far" if self.quota_stops else ""
            yield f"a control group allows {self.quota_cores:g} cores{stops}: a load that reaches that stands still for tens of ms"
        if self.virtual:
            yield "this is a virtual machine: its host's other guests can't be seen"
        if self.container:
            yield "this is a container: others share its cores"
        if (self.steal_share or 0) > MOST_STEAL:
            yield f"the host took {100 * (self.steal_share or 0):.1f} % of the processor's time for others (steal)"
        if (self.load_1min or 0) > MOST_LOAD:
            yield f"other work is going on: the load was {self.load_1min:.2f} a core over the last minute"
        if (self.waiting_share or 0) > MOST_WAITING:
            yield f"processes waited for a core in {100 * (self.waiting_share or 0):.0f} % of the last 10 s"
        if self.swap_used_bytes:
            yield f"{self.swap_used_bytes / 1e6:,.0f} MB are swapped out: a page that comes back takes milliseconds"

    def as_record(self) -> dict[str, Any]:
        """Readings and sentences as the manifest keeps them."""
        return asdict(self) | {"governors": list(self.governors), "warnings": list(self.warnings())}


def noise(root: Path = Path("/"), cores: int = 1) -> Noise:
    """What the files below ``root`` say now, on a machine with so many cores."""
    cpu = root / "sys/devices/system/cpu"
    governors = {_text(path) for path in cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    no_turbo, boost = _text(cpu / "intel_pstate/no_turbo"), _text(cpu / "cpufreq/boost")
    smt = _text(cpu / "smt/active")
    load = _text(root / "proc/loadavg")
    return Noise(
        governors=tuple(sorted(name for name in governors if name)),
        turbo=no_turbo == "0" if no_turbo is not None else None if boost is None else boost == "1",
        smt=None if smt is None else smt == "1",
        clock=_text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource"),
        virtual=" hypervisor" in (_text(root / "proc/cpuinfo") or ""),
        container=(root / ".dockerenv").exists() or (root / "run/.containerenv").exists(),
        quota_cores=_quota_cores(root / "sys/fs/cgroup"),
        quota_stops=_numbers(root / "sys/fs/cgroup/cpu.stat").get("nr_throttled"),
        steal_share=_steal_share(_text(root / "proc/stat") or ""),
        load_1min=float(load.split()[0]) / cores if load else None,
        waiting_share=_waiting_share(_text(root / "proc/pressure/cpu") or ""),
        swap_used_bytes=_swap_used_bytes(_numbers(root / "proc/meminfo")),
    )


def _text(path: Path) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return None


def _numbers(path: Path) -> dict[str, int]:
    """``name value`` or ``name: value kB`` a line."""
    found = {}
    for line in (_text(path) or "").splitlines():
        words = line.split()
        if len(words) >= 2 and words[1].isdigit():
            found[words[0].rstrip(":")] = int(words[1])
    return found


def _quota_cores(group: Path) -> float | None:
    """Cores that a control group allows: version 2's ``cpu.max``, else version 1's quota and period; None for all."""
    words = (_text(group / "cpu.max") or "").split()
    if not words:
        quota, period = _text(group / "cpu/cpu.cfs_quota_us"), _text(group / "cpu/cpu.cfs_period_us")
        words = [quota, period] if quota and period and not quota.startswith("-") else []
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) / int(words[1])


def _steal_share(stat: str) -> float | None:
    """The eighth figure of the line ``cpu``, of the sum of the first eight (the guests' are in the first two already)."""
    words = stat.partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    ticks = [int(word) for word in words[1:9]]
    return ticks[7] / sum(ticks) if sum(ticks) else None


def _waiting_share(pressure: str) -> float | None:
    """``some avg10=…``, in per cent there."""
    for word in pressure.partition("\n")[0].split():
        if word.startswith("avg10="):
            return float(word.removeprefix("avg10=")) / 100
    return None


def _swap_used_bytes(memory: dict[str, int]) -> int | None:
    if not {"SwapTotal", "SwapFree"} <= memory.keys():
        return None
    return 1024 * (memory["SwapTotal"] - memory["SwapFree"])
