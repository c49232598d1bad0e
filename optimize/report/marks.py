"""Marks that the pictures of an optimum share: the plan as it is, the proposal."""

from experiments.plots.style import GREEN, ORANGE
from experiments.report.figure import INK, Json


def diamond() -> Json:
    """Return how the plan as it is is marked."""
    return {"symbol": "diamond", "size": 10, "color": ORANGE, "line": {"color": INK, "width": 1}}


def circle() -> Json:
    """Return how the proposal is marked."""
    return {"symbol": "circle", "size": 9, "color": GREEN, "line": {"color": INK, "width": 1}}
