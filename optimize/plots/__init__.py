"""Charts of an optimum: where the money goes, the curves behind it, and how the search came to it."""

from optimize.plots.allocation import figure as allocation
from optimize.plots.curves import figure as curves
from optimize.plots.history import figure as history

__all__ = ["allocation", "curves", "history"]
