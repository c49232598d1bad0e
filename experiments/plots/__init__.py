"""Charts of a replication: one file each, drawn without a display and never shown.

Every chart has `draw(table, ..., ax=None) -> ax` for one panel, and `figure(replication) -> Figure` for the picture.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from experiments.plots import acquisition, credit, funnel, kpi_curves, money, retention, states, targets
from experiments.replication import Replication

CHARTS: dict[str, Callable[[Replication], Figure]] = {
    "kpi-curves": kpi_curves.figure,
    "funnel": funnel.figure,
    "money": money.figure,
    "acquisition": acquisition.figure,
    "retention": retention.figure,
    "states": states.figure,
    "targets": targets.figure,
    "credit": credit.figure,
}
"""Every chart by the name of its file."""

__all__ = ["CHARTS"]
