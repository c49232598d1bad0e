"""holdouts: the plan as it is with each lever's money taken away, under common seeds: what a lever truly brings.

Credit is shared out by what touched a customer before an order, whether or not he would have come without it. The difference
to the same market without the lever is its increment; curves are corrected by it (`optimize.fitting`).
"""

import numpy as np
import pandas as pd
from optuna.study import Study

from experiments.summary import interval
from optimize.coupled import column, gross
from optimize.market import Market, Plan, Space
from optimize.response import Responses
from optimize.runs import Runs, outcome_row

KEPT = "holdout"
"""Attributes of a study that keep the rows of one seed each; numbered."""
COLUMNS = ("lever", "money", "credited", "incremental", "low", "high", "fitted", "fitted_low", "fitted_high")
"""Columns of `increments`."""


def plans(space: Space) -> dict[str, Plan]:
    """Return the current plan, and by group the same without the money of its levers; groups without money are left out."""
    current = space.current
    found = {"": current}
    for group, levers in space.holdouts.items():
        if any(current.money[name] > 0 for name in levers):
            left = {name: 0.0 if name in levers else money for name, money in current.money.items()}
            found[group] = Plan(left, current.settings)
    return found


def hold_out(study: Study, market: Market, seeds: range) -> Runs | None:
    """Return the runs of `plans` under each seed, those that the study keeps and those made now; None without seeds.

    Raises `ValueError` as `outcome_row` does.
    """
    space = market.space
    asked = list(plans(space).values())
    if len(asked) < 2 or not seeds:
        return None
    table: list[list[float]] = []
    for k, seed in enumerate(seeds):
        rows = study.user_attrs.get(f"{KEPT} {k}")
        if rows is None:
            outcomes = market.evaluate([(plan, seed) for plan in asked])
            rows = [outcome_row(space, seed, outcome) for outcome in outcomes]
            study.set_user_attr(f"{KEPT} {k}", rows)
        table += rows
    return Runs.of_rows(space, asked * len(seeds), table)


def increments(space: Space, runs: Runs | None, responses: Responses, *, refund: float = 0.0) -> pd.DataFrame:
    """Return what each lever is credited with at the current plan, and what is lost without it, by the runs of `hold_out`.

    Columns: lever; money of the current plan [yuan]; credited [goal]; incremental, low, high: the goal, before what a yuan
    costs of it, less that of the same seed without the lever, with its 95 % Student-t interval; fitted, fitted_low,
    fitted_high: the same by the fit of all runs, 95 % of its posterior. What is credited and fitted is NaN where the goal is
    not credited; `refund`: what each yuan then costs of it.
    """
    if runs is None:
        return pd.DataFrame(columns=list(COLUMNS))
    asked, current = plans(space), space.current
    aims = [weight * column(space, runs, name) for name, weight in space.aims.items()]
    goal = np.sum(aims, axis=0) + refund * runs.spend.sum(1) if aims else gross(space, runs).kpi
    by_seed = goal.reshape(-1, len(asked))
    credit = runs.credit.reshape(len(by_seed), len(asked), -1)[:, 0].mean(0)
    fitted = responses.charged(-space.price).lost(runs.spend[: len(asked)], runs.unit[: len(asked)])
    names, lines = list(space.levers), []
    for k, (group, levers) in enumerate((g, space.holdouts[g]) for g in list(asked)[1:]):
        money = sum(current.money[lever] for lever in levers)
        credited = np.nan if aims else float(credit[[names.index(lever) for lever in levers]].sum())
        lost = interval((by_seed[:, 0] - by_seed[:, 1 + k]).tolist())
        lines.append((group, money, credited, *lost, *([np.nan] * 3 if aims else fitted[k])))
    return pd.DataFrame(lines, columns=list(COLUMNS))
