"""What was looked at, how it is, what for, and how to mend it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "limited", "missing"]
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing: what was ``found``, what it is needed for, and one command that mends it where it isn't ok."""

    subject: str
    state: State
    found: str
    needed_for: str
    mend: str | None = None

    def line(self, width: int) -> str:
        """For people: ``missing  Chromium  not found · for the browser tests · mend: apt install chromium``."""
        said = f"{self.state:8} {self.subject:{width}} {self.found} · for {self.needed_for}"
        return f"{said} · mend: {self.mend}" if self.mend and self.state != "ok" else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """A scenario: whether it can run here, and what it lacks."""

    scenario: str
    state: State
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All that was looked at, and what it means for each scenario."""

    checks: Sequence[Check]
    scenarios: Sequence[Runnable]

    @property
    def exit_code(self) -> int:
        """0; 3 where no scenario could measure anything."""
        return 3 if all(one.state == "missing" for one in self.scenarios) else 0

    def lines(self) -> Iterator[str]:
        """For people: a line for each check, one for each scenario, and how many are ok."""
        width = max(len(check.subject) for check in self.checks)
        yield from (check.line(width) for check in self.checks)
        yield ""
        width = max((len(one.scenario) for one in self.scenarios), default=0)
        yield from (f"{one.state:8} {one.scenario:{width}} {one.why}" for one in self.scenarios)
        well = sum(check.state == "ok" for check in self.checks)
        able = sum(one.state != "missing" for one in self.scenarios)
        yield f"{well} of {len(self.checks)} are ok; {able} of {len(self.scenarios)} scenarios can run here"

    def as_record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "schema": SCHEMA, "checks": [asdict(check) for check in self.checks],
            "scenarios": [asdict(one) for one in self.scenarios],
        }  # fmt: skip


def state_of(*, missing: bool = False, limited: bool = False) -> State:
    """The worse of the two, else ok."""
    return "missing" if missing else "limited" if limited else "ok"


def by_subject(checks: Sequence[Check]) -> Mapping[str, Check]:
    """Each check under its subject."""
    return {check.subject: check for check in checks}
