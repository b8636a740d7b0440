"""What else a plan may be told in a file: the shares of the busiest keys, and a table of hours."""

import contextlib
from pathlib import Path

from harness.dynamodb.planner.model import HOURS_A_DAY, Scheduled
from harness.errors import UsageError


def read_key_shares(path: Path) -> tuple[float, ...]:
    """A number a line: what share of the demand each of the busiest keys takes. Raises UsageError."""
    shares = [_share(path, number, line) for number, line in enumerate(_lines(path), start=1) if line.strip()]
    if sum(shares) > 1 + 1e-9:
        raise UsageError(f"{path.name}: shares add up to {sum(shares):g}; expected at most 1")
    return tuple(shares)


def read_schedule(path: Path) -> Scheduled:
    """A line for each hour of the UTC day: its read and its write capacity units. Raises UsageError."""
    hours: list[tuple[int, int]] = []
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split(",")
        if not line.strip() or (number == 1 and not fields[0].strip().isdigit()):
            continue
        if len(fields) != 2 or not all(field.strip().isdigit() and int(field) for field in fields):
            raise UsageError(f"{path.name}:{number}: expected read,write capacity units, found {line!r}")
        hours.append((int(fields[0]), int(fields[1])))
    if len(hours) != HOURS_A_DAY:
        raise UsageError(f"{path.name}: expected 24 lines, one an hour of the UTC day, found {len(hours)}")
    return Scheduled(read=tuple(one[0] for one in hours), write=tuple(one[1] for one in hours), name=path.name)


def _share(path: Path, number: int, line: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(line) <= 1:
            return float(line)
    raise UsageError(f"{path.name}:{number}: expected a share from 0 to 1, found {line.strip()!r}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read ({error})") from error
