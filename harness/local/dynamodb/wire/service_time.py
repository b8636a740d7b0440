"""A service time that the user gives, operation by operation: AWS publishes none.

``{"GetItem": {"p50_ms": 3, "p99_ms": 12}, "Query": {"samples_ms": [4.1, 5.0, 7.9]}}``: a log-normal through two
percentiles, or samples drawn with replacement. What is measured with it has basis *modelled*.
"""

import json
import math
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError

P99_Z = 2.3263478740408408  # the 99th percentile of the standard normal
_MAX_MS = 3_600_000
_SAY = 'expected {"p50_ms": …, "p99_ms": …} or {"samples_ms": […]}'
Distribution = Mapping[str, Any]


class ServiceTime:
    """Draws for each operation from its own distribution and its own seeded stream."""

    def __init__(self, distributions: Mapping[str, Distribution], seed: int = 0) -> None:
        self._distributions = distributions
        self.seed = seed
        self._draws = {name: _draw(given, random.Random(f"{seed}/{name}")) for name, given in distributions.items()}

    @classmethod
    def read(cls, path: Path, seed: int = 0) -> "ServiceTime":
        """From a JSON file; raises UsageError with file and line for what isn't right in it."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--service-time {path}: {error.strerror}; name a readable JSON file") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}:1: not UTF-8 text ({error.reason})") from error
        return cls(_checked(text, path), seed)

    def draw_s(self, operation: str) -> float:
        """Seconds from a request to its answer, at least; 0 for an operation that has no distribution."""
        draw = self._draws.get(operation)
        return 0.0 if draw is None else draw() / 1e3

    def state(self) -> dict[str, Any]:
        """What was given, and what a figure measured with it stands on."""
        return {"basis": "modelled", "seed": self.seed, "operations": dict(self._distributions)}


def _draw(given: Distribution, stream: random.Random) -> Callable[[], float]:
    if "samples_ms" in given:
        samples = given["samples_ms"]
        return lambda: float(stream.choice(samples))
    mu = math.log(given["p50_ms"])
    sigma = (math.log(given["p99_ms"]) - mu) / P99_Z
    return lambda: stream.lognormvariate(mu, sigma)


def _checked(text: str, path: Path) -> dict[str, Distribution]:
    def fail(message: str, *keys: str) -> UsageError:
        return UsageError(f"{path}:{_line(text, keys)}: {' '.join(('.'.join(keys), message)).strip()}")

    def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise fail("is given twice", name)
        return dict(pairs)

    try:
        given = json.loads(text, object_pairs_hook=once_each)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(given, dict):
        raise fail(f"expected operations by name, found {type(given).__name__}")
    for operation, distribution in given.items():
        _check_distribution(operation, distribution, fail)
    return given


def _check_distribution(operation: str, distribution: Any, fail: Callable[..., UsageError]) -> None:
    if not re.fullmatch(r"[A-Z][A-Za-z]+", operation):
        raise fail("is no operation's name; GetItem would be one", operation)
    if not isinstance(distribution, dict) or set(distribution) not in ({"p50_ms", "p99_ms"}, {"samples_ms"}):
        raise fail(f"{_SAY}, got {json.dumps(distribution)}", operation)
    if "samples_ms" in distribution:
        samples = distribution["samples_ms"]
        if not isinstance(samples, list) or not samples:
            raise fail(f"must be a list of at least one number, got {json.dumps(samples)}", operation, "samples_ms")
        for number in samples:
            if not (_is_time(number) and number >= 0):
                raise fail(f"must be >= 0 and at most {_MAX_MS:,}, got {json.dumps(number)}", operation, "samples_ms")
        return
    for member, number in distribution.items():
        if not (_is_time(number) and number > 0):
            raise fail(f"must be > 0 and at most {_MAX_MS:,}, got {json.dumps(number)}", operation, member)
    if distribution["p99_ms"] < distribution["p50_ms"]:
        said = f"must be >= p50_ms ({distribution['p50_ms']:g}), got {distribution['p99_ms']:g}"
        raise fail(said, operation, "p99_ms")


def _is_time(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and number <= _MAX_MS


def _line(text: str, keys: tuple[str, ...]) -> int:
    """The line of the last of these keys, each looked for after the one before it."""
    at = 0
    for key in keys:
        found = re.compile(re.escape(json.dumps(key)) + r"\s*:").search(text, at)
        at = found.start() if found else at
    return text.count("\n", 0, at) + 1
