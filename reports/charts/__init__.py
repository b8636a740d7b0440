"""How charts look and become bytes; ``percentiles`` and ``heatmap`` make the charts that every scenario with latencies has."""

from reports.charts.axes import logarithmic, points_by_row, scaled_axis
from reports.charts.files import to_png, to_png_data_uri, to_svg
from reports.charts.look import INK, MUTED, OKABE_ITO, PAPER, new_axes, new_panels, new_rows, style

__all__ = [
    "INK",
    "MUTED",
    "OKABE_ITO",
    "PAPER",
    "logarithmic",
    "new_axes",
    "new_panels",
    "new_rows",
    "points_by_row",
    "scaled_axis",
    "style",
    "to_png",
    "to_png_data_uri",
    "to_svg",
]
