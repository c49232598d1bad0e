"""The report of a plan: one file for people, without network access, in English or Chinese."""

import pandas as pd

from experiments.replication import Replication


def build(
    replication: Replication,
    *,
    stress: pd.DataFrame | None = None,
    sweep: pd.DataFrame | None = None,
    levers: pd.DataFrame | None = None,
    actuals: pd.DataFrame | None = None,
    lang: str = "en",
) -> str:
    """Return report.html: promises, curves, funnel, money, sensitivity, risks, assumptions, and how it was made.

    `stress` is the table of `experiments.stress.stress`, `sweep` that of `experiments.sweep.sweep`, `levers` that of
    `experiments.reporting.switched_off`; a section whose table is missing says which command adds it. `actuals` is what
    was measured in the real market, drawn over the curves, as `experiments.plots.kpi_curves.observed` takes it. All text
    of the scenario is escaped. The same tables give the same bytes; only the time at which the runs began tells two runs
    apart. Raises `ValueError` for a language other than en and zh, and for actuals that are none.
    """
    from experiments.report.contents import contents

    return contents(replication, stress, sweep, levers, lang, actuals)


__all__ = ["build"]
