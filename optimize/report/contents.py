"""What stands in the report of an optimum, section by section."""

from typing import TYPE_CHECKING, Any

from experiments.report.page import page
from optimize.report import compared, gain, making, plans, prices
from optimize.report.curves import curves
from optimize.report.front import fronts
from optimize.report.head import head
from optimize.report.history import history
from optimize.report.wording import PACKAGE, Wording
from optimize.waterfall import waterfall

if TYPE_CHECKING:
    from optimize.optimum import Optimum


def contents(found: "Optimum", lang: str, command: str | None) -> str:
    """Return the page; see `optimize.report.page`."""
    wording, tables = Wording(found, lang), found.answer.tables
    change = gain.waterfall(waterfall(found.market, found.proposal, tables["verification"]), wording)
    drawn, posts = curves(found, wording)
    pictures = fronts(tables["pareto"], wording) if "pareto" in tables else []
    search = history(tables["history"], wording)
    proof, doubts = making.sentences(found, wording)
    sections = ["compare", "money", "gain", "curves", "prices", "targets", "front", "risk", "proof", "making"]
    left_out = {
        "money": tables["allocation"].empty and tables["settings"].empty, "curves": not drawn,
        "prices": tables["prices"].empty, "targets": tables["responses"].empty, "front": "pareto" not in tables,
        "risk": "risk" not in tables,
    }  # fmt: skip
    shown = [part for part in sections if not left_out.get(part)]
    return page(
        wording, [change, *drawn, *pictures, search], [(part, wording(f"page.{part}")) for part in shown],
        package=PACKAGE, kind="page.optimum", name=found.scenario.name, head=head(found, wording), shown=shown,
        compared=compared.compared(found, wording), change=change, curves=drawn,
        credited=found.market.credited, aim=wording.inside(found.market.goal),
        more_curves=posts - len(drawn), fronts=pictures, search=search, proof=proof, doubts=doubts,
        increments=plans.increments(found, wording), race=plans.race(found, wording),
        by_risk=found.choice is not None, facts=making.facts(found, wording, command),
        **_money(found, wording), **_plans(found, wording),
    )  # fmt: skip


def _money(found: "Optimum", wording: Wording) -> dict[str, Any]:
    levers, periods, whole = compared.money(found, wording)
    pushes, unmoved = prices.pushes(found, wording)
    return {
        "levers": levers, "periods": periods, "whole": whole, "return_head": compared.return_head(wording),
        "settings": compared.settings(found, wording), "prices": prices.prices(found, wording),
        "limits": prices.limits(found, wording), "pushes": pushes, "unmoved": unmoved,
    }  # fmt: skip


def _plans(found: "Optimum", wording: Wording) -> dict[str, Any]:
    tables = found.answer.tables
    goals, front = plans.front(tables["pareto"], wording) if "pareto" in tables else ([], [])
    risk = plans.risk(found, tables["risk"], wording) if "risk" in tables else []
    return {"goals": goals, "front": front, "risk": risk, "measure": plans.measure(found, wording) if risk else ""}
