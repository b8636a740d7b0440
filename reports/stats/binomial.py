"""A share of things that don't depend on each other: comparisons, repetitions; never requests of one trial."""

from scipy import stats

from reports.stats.intervals import CONFIDENCE, Interval


def binomial_share(successes: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """``successes`` of ``total`` with the exact interval of Clopper and Pearson, Biometrika 26 (10.1093/biomet/26.4.404).

    Its ends are the shares p at which so many or more, and so many or fewer, come with (1 − confidence)/2. Raises
    ValueError where nothing was tried, or more succeeded than were.
    """
    if not 0 <= successes <= total or not total:
        raise ValueError(f"a share needs successes of something, got {successes} of {total}")
    tail = (1 - confidence) / 2
    low = float(stats.beta.ppf(tail, successes, total - successes + 1)) if successes else 0.0
    high = float(stats.beta.ppf(1 - tail, successes + 1, total - successes)) if successes < total else 1.0
    return Interval(
        value=successes / total, low=low, high=high, n=total, method="Clopper–Pearson", counts=(successes, total)
    )
