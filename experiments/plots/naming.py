"""How charts name outputs, where they are measured, and values of parameters."""

from typing import Any

from experiments.design import Parameter
from experiments.plots.words import Words
from sim.kpis import KPIS


def output(row: Any, say: Words) -> str:
    """Return the title of an output; in Chinese the KPI's, where the plan gives it none of its own.

    `row` has name, title and kpi, as rows of all tables of outputs and `experiments.ranking.Measured` have.
    """
    own = row.title not in (row.name, KPIS[row.kpi].title)
    return str(row.title) if own or say.lang == "en" else say.kpi(row.kpi)


def where(row: Any, say: Words) -> str:
    """Return the window of an output, the segment if it is of one, and the window of which a change is told."""
    place, against = say.name(row.window), row.unit.partition(" vs ")[2]
    if row.segment != "all":
        place = say("{title}, {where}", title=place, where=row.segment)
    return say("{where} vs {against}", where=place, against=say.name(against)) if against else place


def value(parameter: Parameter, number: float, say: Words) -> str:
    """Return a value of a parameter: on or off, a percentage, or a number.

    >>> value(Parameter("a", 0, 1, own=0, kind="switch"), 1.0, Words("zh"))
    '开'
    """
    if parameter.kind == "switch":
        return say("on") if number else say("off")
    return say.share(number, 4) if parameter.kind == "percentage" else say.compact(number)
