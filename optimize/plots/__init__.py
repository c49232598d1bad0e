"""Charts of an optimum: where the money goes, the curves behind it, what the gain is made of, how the search came to it."""

from optimize.plots.allocation import figure as allocation
from optimize.plots.curves import figure as curves
from optimize.plots.history import figure as history
from optimize.plots.pareto import figure as pareto
from optimize.plots.waterfall import figure as waterfall

__all__ = ["allocation", "curves", "history", "pareto", "waterfall"]
