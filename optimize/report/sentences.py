"""Sentences of the search as patterns, so that a report can say them in its reader's language and number format.

What a sentence holds is named by its kind: n_ a number, g_ an amount of the goal, w_ the same with its noun, y_ yuan,
p_ percent, amount_ a number with its unit, of_ levers or limits, targets_ and setting_ keys of the scenario, plan_ a plan of
the search, s_ a sentence within it; other names stand for themselves.
"""

import re
from collections.abc import Mapping
from math import nan

from experiments.units import MINUS
from optimize.plan_limits import CREDITED

_STEPS = {"k": 1e3, "M": 1e6, "bn": 1e9}
NUMBER = rf"[-+{MINUS}]?(?:[\d,]*\.?\d+(?:e[-+]?\d+)?(?: (?:k|M|bn)\b)?|inf|nan)|-"
"""A number as sentences tell it."""
_GOAL = rf"(?:{'|'.join(CREDITED.values())}|of \w+)"


def _pattern(text: str) -> "re.Pattern[str]":
    """Return the pattern of a sentence in which names in braces stand for what it holds."""
    parts = re.split(r"{(\w+)}", text)
    found = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            found += re.escape(part).replace("<goal>", _GOAL)
        else:
            inside = NUMBER if part.split("_")[0] in ("n", "g", "w", "y", "p") else ".+?"
            found += f"(?P<{part}>{inside})"
    return re.compile(found, re.DOTALL)


def number(text: str) -> float:
    """Return the number that a sentence tells: plain, or as `experiments.units.compact` writes it.

    >>> number("1,208,088.00"), number("\N{MINUS SIGN}2.5 M"), number("2.2e+04"), number("-")
    (1208088.0, -2500000.0, 22000.0, nan)
    """
    if text == "-":
        return nan
    value, _, step = text.replace(",", "").replace(MINUS, "-").partition(" ")
    return float(value) * _STEPS.get(step, 1.0)


SENTENCES: Mapping[str, "re.Pattern[str]"] = {
    key: _pattern(text)
    for key, text in {
        # the proof
        "unproved": "the gain over the current plan is not proved ({g_low} to {g_high}): the current plan stays",
        "unconfirmed": "the race proved a gain, but {runs} further seeds do not confirm it ({g_low} to {g_high}): the "
        "current plan stays",
        "asked_money": "what counts is {goal} less {n_price} a yuan of media: it changes by {g_change} (95 % {g_low} to "
        "{g_high})",
        "asked_both": "what counts is {goal} less {n_price} a yuan of media and the cost of targets missed: it changes by "
        "{g_change} (95 % {g_low} to {g_high})",
        "asked_targets": "what counts is {goal} less the cost of targets missed: it changes by {g_change} (95 % {g_low} to "
        "{g_high})",
        "surprise": "the search expected {g_expected} of its finding, fresh seeds gave {g_seen} ± {g_half}",
        "expected": "the curves expected {g_expected} of the proposal, {runs} fresh runs gave {g_seen} on average",
        "by_risk": "by risk, {plan_best} is the best of {plans} plans, {n_gain} more than the plan as it is "
        "(95 % {n_low} to {n_high})",
        "broken": "{title} must be kept, but the proposal gives {n_seen} of {n_wanted}",
        "returned": "media return {n_mean} a yuan on fresh seeds (95 % {n_low} to {n_high}), no less, as far as these runs "
        "can tell, than the {asked} asked",
        "short": "media return {n_mean} a yuan on fresh seeds (95 % {n_low} to {n_high}), less than the {asked} asked",
        # all targets
        "together_now": "all {count} targets at once, as it is: {reached} of {runs} runs ({p_low}% to {p_high}%)",
        "together_then": "all {count} targets at once, proposed: {reached} of {runs} runs ({p_low}% to {p_high}%)",
        "obstacles": "in the way of all targets: {targets_rare}",
        # the money solver
        "solver": "money solver: {s_status}; {solver} says {word}",
        "optimal": "optimal within {asked} (certified gap {reached})",
        "late": "stopped at the time limit with a certified gap of {reached}",
        "stopped": "stopped with a certified gap of {reached}",
        "impossible": "infeasible: no plan meets all hard limits (proved)",
        "bound": "by the fitted curves no division within the limits is worth more than {w_bound}, the one above {w_value} "
        "(gap {gap}); this bound holds for the curves, not for the market",
        "halo": "beside what levers bring, each yuan of media brings {n_more} of the goal, by the fit",
        "halo_cost": "beside what levers bring, each yuan of media takes {n_more} of the goal, by the fit",
        "gives_both": "{of_limit} would {way} by {amount_give} in the nearest relaxation; alone it would have to {way_too} "
        "by {amount_alone}",
        "gives": "{of_limit} would {way} by {amount_give} in the nearest relaxation",
        "gives_alone": "{of_limit}: alone it would have to {way} by {amount_alone}",
        "gives_none": "{of_limit} need not give way in the nearest relaxation",
        "conflict": "by the fitted curves no division keeps all limits: {s_conflict}",
        "clash": "{of_limits} cannot hold together",
        "alone": "{of_limit} cannot hold",
        "unspent": "{y_rest} of {y_level} yuan of {of_limit} stay unspent: {s_reason}.",
        "held": "held back by {of_limits}",
        "full": "every cell in it is at its upper bound",
        "whole": "no further whole unit fits or pays",
        "enough": "more of it would not raise the goal",
        "missed": "{of_limit} is missed by {amount_short}.",
        "unknown": "At the edge of what their responses are known for: {of_posts}.",
        # prices
        "missed_price": "{of_limit} is missed: {s_price}",
        "missed_free": "{of_limit} is missed",
        "room": "{amount_step} more room in {of_post} buys {w_change} <goal>",
        "room_cost": "{amount_step} more room in {of_post} costs {w_change} <goal>",
        "buys": "{amount_step} more in {of_limit} buys {w_change} <goal>",
        "costs": "{amount_step} more in {of_limit} costs {w_change} <goal>",
        "eased": "{amount_step} less asked by {of_limit} buys {w_change} <goal>",
        "eased_cost": "{amount_step} less asked by {of_limit} costs {w_change} <goal>",
        "left": "{amount_step} more on the left of {of_limit} buys {w_change} <goal>",
        "left_cost": "{amount_step} more on the left of {of_limit} costs {w_change} <goal>",
        "free": "{of_limit} is met exactly but costs nothing",
        "priceless": "{of_limit}: the solver gave no price",
        # doubts
        "edge": "{setting_path} lies at the edge of its range ({n_end}): the best value may lie beyond it",
        "ceiling": "at the most money they may get, more was never tried: {of_posts}",
        "overcredited": "switched off alone, these lose less of the goal than is credited to them: {of_levers}; the curves "
        "count what is lost",
        "undercredited": "switched off alone, these lose more of the goal than is credited to them: {of_levers}; the curves "
        "count what is lost",
        "assumed": "{of_lever} gets {y_more} yuan more on an assumed click rate; test it before paying for it",
        "response": "{setting_path} is an assumption about the market, not a decision: no plan can move it from {n_now} to "
        "{n_then}, so do not count on what that gains",
        "unpaid": "{setting_path} costs nothing in this market, so that more always looks better: bound it by what you can "
        "pay",
        "given_up_unseen": "{of_post} is given up; only {count} of the search's beliefs ever had it so low",
        "given_up": "{of_post} is given up",
        "loss": "profit falls by {y_loss} yuan: the goal is bought at a loss",
        "invitations": "more than half of the registrations come from invitations: look for people who invite themselves",
        "baskets": "baskets shrink by more than a fifth: orders may be had for next to nothing",
        "safe": "{measure} takes {y_taken} of {y_had} yuan from {of_best}, which earns most per yuan ({n_mean}), and gives "
        "to {of_gainer}, which earns less ({n_less}) but varies less ({p_less}% against {p_more}%)",
    }.items()
}
PROOF = (
    "asked_money", "asked_both", "asked_targets", "expected", "returned", "by_risk", "solver", "bound", "overcredited",
    "undercredited",
)  # fmt: skip
"""Sentences told with the proof."""
PRICES = (
    "missed_price", "missed_free", "room", "room_cost", "buys", "costs", "eased", "eased_cost", "left", "left_cost", "free",
    "priceless",
)  # fmt: skip
"""Sentences told with the prices."""
SHOWN = ("together_now", "together_then")
"""Sentences that say what the head shows."""
