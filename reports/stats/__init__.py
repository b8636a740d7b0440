"""Statistics that may refuse: pure functions from numbers to dataclasses; docs/method.md says why these.

The unit is the trial, never the request: requests of one trial move together. Sources: Kalibera & Jones, ISMM'13
(10.1145/2464157.2464160); Bakshy & Frachtenberg, WWW'15 (10.1145/2736277.2741082).
"""

from reports.stats.binomial import binomial_share
from reports.stats.change_points import LEAST_RUNS, ChangePoint, by_chance, change_points, exact_changes
from reports.stats.curves import ALWAYS, NEVER, crossing, crossing_of_rounds, growth_exponent
from reports.stats.intervals import (
    CONFIDENCE,
    Interval,
    Numbers,
    difference_of_trials,
    geometric_mean_of_trials,
    mean_of_trials,
    median_of_trials,
    share_of_trials,
)
from reports.stats.levels import holm_levels
from reports.stats.pairs import Difference, PairedRatio, Ratio, paired_difference, paired_odds, paired_ratio
from reports.stats.quantiles import grouped_percentiles
from reports.stats.series import (
    LEAST_SAMPLES,
    Percentiles,
    block_percentile,
    effective_n,
    highest_percentile,
    percentile,
    percentiles,
    run_percentile,
)
from reports.stats.sets import difference_of_sets, odds_of_sets, ratio_of_sets
from reports.stats.verdicts import (
    MARGINS,
    Verdict,
    Word,
    holm,
    least_pairs,
    minimum_detectable_effect,
    pairs_needed,
    verdict,
    verdict_of_difference,
)

__all__ = [
    "ALWAYS",
    "CONFIDENCE",
    "LEAST_RUNS",
    "LEAST_SAMPLES",
    "MARGINS",
    "NEVER",
    "ChangePoint",
    "Difference",
    "Interval",
    "Numbers",
    "PairedRatio",
    "Percentiles",
    "Ratio",
    "Verdict",
    "Word",
    "binomial_share",
    "block_percentile",
    "by_chance",
    "change_points",
    "crossing",
    "crossing_of_rounds",
    "difference_of_sets",
    "difference_of_trials",
    "effective_n",
    "exact_changes",
    "geometric_mean_of_trials",
    "grouped_percentiles",
    "growth_exponent",
    "highest_percentile",
    "holm",
    "holm_levels",
    "least_pairs",
    "mean_of_trials",
    "median_of_trials",
    "minimum_detectable_effect",
    "odds_of_sets",
    "paired_difference",
    "paired_odds",
    "paired_ratio",
    "pairs_needed",
    "percentile",
    "percentiles",
    "ratio_of_sets",
    "run_percentile",
    "share_of_trials",
    "verdict",
    "verdict_of_difference",
]
