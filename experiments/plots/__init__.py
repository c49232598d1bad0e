"""Charts of a replication: one file each, drawn without a display and never shown.

Every chart has `draw(table, ..., ax=None, lang="en") -> ax` for one panel, and `figure(replication, lang="en") -> Figure`
for the picture. `lang` is en or zh; without a font for Chinese, charts are in English and `style.notice` says so.
"""

from typing import Protocol

from matplotlib.figure import Figure

from experiments.plots import acquisition, credit, flow, funnel, kpi_curves, load, money, retention, states, targets
from experiments.replication import Replication


class Chart(Protocol):
    """A picture of a replication."""

    def __call__(self, replication: Replication, *, lang: str = "en") -> Figure:
        """Draw it in a language."""


CHARTS: dict[str, Chart] = {
    "kpi-curves": kpi_curves.figure,
    "funnel": funnel.figure,
    "money": money.figure,
    "flow": flow.figure,
    "acquisition": acquisition.figure,
    "retention": retention.figure,
    "states": states.figure,
    "targets": targets.figure,
    "credit": credit.figure,
    "load": load.figure,
}
"""Every chart by the name of its file."""

__all__ = ["CHARTS", "Chart"]
