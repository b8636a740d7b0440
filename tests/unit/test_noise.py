"""What makes a machine noisy: the kernel's files of machines that are made up here."""

from pathlib import Path

from harness.noise import noise


def machine(root: Path, **files: str) -> Path:
    """A root directory with these files; ``__`` stands for a slash, ``_dot_`` for a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


QUIET = {
    "sys__devices__system__cpu__cpu0__cpufreq__scaling_governor": "performance\n",
    "sys__devices__system__cpu__cpu1__cpufreq__scaling_governor": "performance\n",
    "sys__devices__system__cpu__intel_pstate__no_turbo": "1\n",
    "sys__devices__system__cpu__smt__active": "0\n",
    "sys__devices__system__clocksource__clocksource0__current_clocksource": "tsc\n",
    "sys__fs__cgroup__cpu_dot_max": "max 100000\n",
    "proc__cpuinfo": "flags\t: fpu vme sse2\n",
    "proc__loadavg": "0.10 0.20 0.30 1/100 4242\n",
    "proc__stat": "cpu  600 0 300 100 0 0 0 0 0 0\ncpu0 600 0 300 100 0 0 0 0 0 0\n",
    "proc__pressure__cpu": "some avg10=0.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc__meminfo": "MemTotal: 1000 kB\nSwapTotal: 2048 kB\nSwapFree: 2048 kB\n",
}


def test_a_quiet_machine_has_nothing_to_warn_of(tmp_path: Path) -> None:
    """Governor performance, no turbo, no hyper-threads, all cores its own, nothing stolen or swapped."""
    found = noise(machine(tmp_path, **QUIET), cores=2)
    assert list(found.warnings()) == []
    assert found.governors == ("performance",)
    assert (found.turbo, found.smt, found.clock, found.virtual, found.container) == (False, False, "tsc", False, False)
    assert (found.quota_cores, found.steal_share, found.load_1min, found.waiting_share) == (None, 0.0, 0.05, 0.005)
    assert found.swap_used_bytes == 0


def test_every_source_of_noise_has_its_sentence(tmp_path: Path) -> None:
    """20 of 1,000 ticks stolen are 2.0 %; 150,000 µs in 100,000 are 1.5 cores; 1,024 kB swapped are 1 MB."""
    noisy = QUIET | {
        "sys__devices__system__cpu__cpu1__cpufreq__scaling_governor": "powersave\n",
        "sys__devices__system__cpu__intel_pstate__no_turbo": "0\n",
        "sys__devices__system__cpu__smt__active": "1\n",
        "sys__devices__system__clocksource__clocksource0__current_clocksource": "hpet\n",
        "sys__fs__cgroup__cpu_dot_max": "150000 100000\n",
        "sys__fs__cgroup__cpu_dot_stat": "usage_usec 5\nnr_periods 90\nnr_throttled 7\n",
        "proc__cpuinfo": "flags\t: fpu vme hypervisor sse2\n",
        "proc__loadavg": "1.50 0.20 0.30 1/100 4242\n",
        "proc__stat": "cpu  600 0 300 80 0 0 0 20 50 0\n",
        "proc__pressure__cpu": "some avg10=25.00 avg60=0.00 avg300=0.00 total=1\n",
        "proc__meminfo": "SwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
        "_dot_dockerenv": "",
    }
    found = noise(machine(tmp_path, **noisy), cores=2)
    assert (found.quota_cores, found.quota_stops, found.steal_share) == (1.5, 7, 0.02)
    assert (found.load_1min, found.waiting_share, found.swap_used_bytes) == (0.75, 0.25, 1_048_576)
    said = " | ".join(found.warnings())
    for words in (
        "governor powersave", "turbo is on", "hyper-threads", "clock source is hpet", "allows 1.5 cores, stopped 7 times",
        "virtual machine", "container", "2.0 % of the processor's time", "load was 0.75 a core", "25 % of the last 10 s",
        "1 MB are swapped out",
    ):  # fmt: skip
        assert words in said, said
    assert found.as_record()["warnings"] == list(found.warnings())


def test_what_the_kernel_does_not_tell_is_not_known(tmp_path: Path) -> None:
    """No file at all: None everywhere, and no sentence about what nobody knows."""
    found = noise(tmp_path)
    assert (found.turbo, found.smt, found.clock, found.steal_share, found.load_1min) == (None, None, None, None, None)
    assert (found.quota_cores, found.quota_stops, found.waiting_share, found.swap_used_bytes) == (
        None,
        None,
        None,
        None,
    )
    assert list(found.warnings()) == []


def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path) -> None:
    """A quota of 50,000 µs in 100,000 is half a core; −1 is none."""
    files = {"sys__fs__cgroup__cpu__cpu_dot_cfs_period_us": "100000\n"}
    quota = "sys__fs__cgroup__cpu__cpu_dot_cfs_quota_us"
    assert noise(machine(tmp_path, **files, **{quota: "50000\n"})).quota_cores == 0.5
    assert noise(machine(tmp_path, **files, **{quota: "-1\n"})).quota_cores is None
