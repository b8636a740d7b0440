"""The charts of a comparison: the family against its margins, every ratio of a scenario, and two distributions held together."""

from reports.compare.charts.forest import forest
from reports.compare.charts.quantiles import distributions, quantile_ratio
from reports.compare.charts.ratios import ratios

__all__ = ["distributions", "forest", "quantile_ratio", "ratios"]
