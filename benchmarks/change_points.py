"""How often change points are seen where nothing changed, and found where something did: the tables of docs/history.md.

``python -m benchmarks.change_points``; simulated, seeded, about two minutes.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from reports.stats import by_chance, change_points

SEED = 20130101
SERIES = 4000
LENGTHS = (6, 12, 25, 50, 100)
STEPS = (2, 3, 4, 5)  # standard deviations
_Series = npt.NDArray[np.float64]
_Draw = Callable[[int], _Series]


def main() -> None:
    """Print both tables as Markdown."""
    rng = np.random.default_rng(SEED)
    kinds: dict[str, _Draw] = {
        "normal": lambda runs: rng.normal(100, 5, runs),
        "log-normal, σ = 0.3": lambda runs: np.exp(rng.normal(0, 0.3, runs)),
        "neighbours alike, ρ = 0.3": lambda runs: _alike(rng, runs, 0.3),
        "ρ = 0.6": lambda runs: _alike(rng, runs, 0.6),
    }
    print(f"| runs | said at most | {' | '.join(kinds)} |\n|---:|---:|{'---:|' * len(kinds)}")
    for runs in LENGTHS:
        seen = [sum(bool(change_points(draw(runs))) for _ in range(SERIES)) / SERIES for draw in kinds.values()]
        print(f"| {runs} | {by_chance(runs):.1%} | {' | '.join(f'{share:.1%}' for share in seen)} |")
    print(f"\n| runs | {' | '.join(f'{step} σ' for step in STEPS)} |\n|---:|{'---:|' * len(STEPS)}")
    for runs in LENGTHS[1:]:
        found = [sum(_is_found(rng, runs, step) for _ in range(SERIES)) / SERIES for step in STEPS]
        print(f"| {runs} | {' | '.join(f'{share:.0%}' for share in found)} |")


def _is_found(rng: np.random.Generator, runs: int, step: float) -> bool:
    """Whether a change half-way is found at most a run away."""
    values = 100 + rng.normal(0, 1, runs) + step * (np.arange(runs) >= runs // 2)
    return any(abs(point.index - runs // 2) <= 1 for point in change_points(values))


def _alike(rng: np.random.Generator, runs: int, correlation: float, settle: int = 50) -> _Series:
    """Autoregressive of order one, around 100, after it forgot where it began."""
    values = rng.normal(0, 1, runs + settle)
    for at in range(1, len(values)):
        values[at] += correlation * values[at - 1]
    return 100 + values[settle:]


if __name__ == "__main__":
    main()
