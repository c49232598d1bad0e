"""What stands in the report, section by section."""

from typing import Any

import pandas as pd

from experiments.plots.kpi_curves import observed
from experiments.replication import Replication
from experiments.report import course, making, money, people, promises, supply
from experiments.report.actuals import measured
from experiments.report.assumptions import assumptions
from experiments.report.funnel import steps
from experiments.report.language import Language
from experiments.report.page import page
from experiments.report.risks import shocks
from experiments.report.sensitivity import tornados
from experiments.report.strongest import lever_name

SECTIONS = ("promises", "course", "people", "money", "sensitivity", "risks", "assumptions", "making")


def contents(
    replication: Replication,
    stress: pd.DataFrame | None,
    sweep: pd.DataFrame | None,
    levers: pd.DataFrame | None,
    lang: str,
    actuals: pd.DataFrame | None = None,
) -> str:
    """Return the page; see `experiments.report.build`."""
    language = Language(lang)
    curves, strained = course.charts(replication, language, actuals), supply.charts(replication, language)
    real = observed(actuals, replication.scenario)
    registrations, stays = people.registrations(replication, language), people.stays(replication, language)
    return page(
        language,
        [*curves, *strained, *(chart for chart in (registrations, stays) if chart is not None)],
        [(part, language(f"page.{part}")) for part in SECTIONS],
        kind="page.kind",
        **_head(replication, levers, language),
        curves=curves,
        measured=measured(real, replication.scenario, language),
        strained=strained,
        unlimited=supply.unlimited(replication.scenario, language),
        phases=course.phases(replication.scenario, language),
        festivals=course.festivals(replication.scenario, language),
        funnel=steps(replication, language),
        registrations=registrations,
        retention=stays,
        **_money(replication, language),
        **_sensitivity(replication, sweep, language),
        shocks=None if stress is None else shocks(replication, stress, language),
        assumptions=assumptions(replication, None if sweep is None or sweep.empty else sweep, language),
        **_making(replication, stress, sweep, len(real) > 0, language),
    )


def _head(replication: Replication, levers: pd.DataFrame | None, language: Language) -> dict[str, Any]:
    scenario, runs = replication.scenario, len(replication.seeds)
    clock, market = scenario.clock, scenario.market
    days = min(replication.days, clock.days)
    first, last = (language.date(clock.date(day)) for day in (0, days - 1))
    found = promises.promises(replication, levers, language)
    sizes = {"users": language.whole(market.users), "people": language.whole(market.people)}
    note = "" if not found else language("lever.note_credit")
    if levers is not None and found:
        tried = [lever_name(scenario, str(name), language) for name in levers["lever"].unique()]
        goal = language.kpi(scenario.choices.goal)
        names, seeds = language("lever.and").join(tried), int(levers["seeds"].max())
        note = language("lever.note_off", goal=goal, names=names, n=len(tried), seeds=seeds)
    early = days < clock.days
    return {
        "name": scenario.name,
        "question": scenario.question,
        "dates": language("head.dates", first=first, last=last, days=days),
        "runs": language("head.run", **sizes) if runs == 1 else language("head.runs", n=runs, **sizes),
        "early": language("head.early", days=days, of=clock.days) if early else "",
        "headline": promises.headline(replication, found, language),
        "figures_title": language("head.figures_early", days=days) if early else language("head.figures"),
        "figures": promises.figures(replication, language),
        "promises": found,
        "lever_note": note,
        "several": runs > 1,
    }


def _money(replication: Replication, language: Language) -> dict[str, Any]:
    accounts, total = money.accounts(replication, language)
    sources, more, rest = money.sources(replication, language)
    owed = money.owed(replication)
    return {
        "accounts": accounts,
        "all_accounts": total,
        "moved": money.moved(replication),
        "owed": language.amount(owed, "yuan") if owed >= 1 else "",
        "owed_whole": language.whole(owed),
        "acted": money.acted(replication, language),
        "flow": money.flows(replication, language),
        "sources": sources,
        "more": language("money.more", n=more) if more else "",
        "more_orders": language.compact(rest),
    }


def _sensitivity(replication: Replication, sweep: pd.DataFrame | None, language: Language) -> dict[str, Any]:
    if sweep is None or sweep.empty:
        lead = language("sensitivity.none" if sweep is None else "sensitivity.no_priors")
        return {"tornados": (), "sensitivity_lead": lead, "oat": False}
    method = str(sweep["method"].iloc[0])
    numbers = int(sweep.loc[sweep["parameter"] != "", "parameter"].nunique())
    key = "sensitivity.lead_oat" if method == "oat" else "sensitivity.lead_index"
    lead = language(key, n=numbers, method=method)
    return {"tornados": tornados(replication, sweep, language), "sensitivity_lead": lead, "oat": method == "oat"}


def _making(
    replication: Replication, stress: pd.DataFrame | None, sweep: pd.DataFrame | None, actuals: bool, language: Language
) -> dict[str, Any]:
    asked = {"sweep": sweep is not None, "stress": stress is not None, "actuals": actuals}
    again = making.command(replication, **asked, language=language)
    return {"facts": making.facts(replication, again, language), "notes": making.notes(replication, language)}
