"""sweep: tell which assumptions and settings the result hangs on."""

from argparse import Namespace
from collections.abc import Mapping
from math import isnan

import pandas as pd
from rich.console import Console
from rich.text import Text

from experiments.answer import Answer
from experiments.design import Parameter
from experiments.ranking import Estimate, Measured, outputs_of, parameters_of, ranked, share, shown, why_unknown
from experiments.scoreboard import ruled
from experiments.sweep import swept
from experiments.tables import rows
from experiments.units import between, probability, spell
from sandtable.cli.question import answer
from sandtable.cli.screen import load
from sim.kpis import KPIS

MOST, MOST_EACH = 12, 5
"""Parameters told of an output: when it is one of two at most, and otherwise."""
HEADS = {
    "low": "at low end", "high": "at high end", "mu_star": "size of effect", "mu": "mean effect",
    "mu_star_luck": "by luck", "prcc": "rank correlation", "S1": "alone", "ST": "in all", "S1_corrected": "alone",
    "ST_corrected": "in all",
}  # fmt: skip
CHANGES = ("low", "high", "mu_star", "mu", "mu_star_luck")
"""Indices in the unit of the output."""


def sweep_(args: Namespace) -> int:
    """Vary numbers of a plan and tell what that does to its results."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    return answer(
        args,
        lambda runner: swept(
            scenario,
            args.over,
            args.method,
            args.samples,
            args.seeds,
            args.kpis,
            args.days,
            runner=runner,
            lang=args.lang,
        ),
        show,
    )


def show(found: Answer, console: Console) -> None:
    """Print for each output the parameters that move it most, and where the variance comes from."""
    parameters = parameters_of(found.tables)
    outputs = list(outputs_of(found.tables))
    most = MOST if len(outputs) <= 2 else MOST_EACH
    for output, indices in outputs:
        console.print(_heading(output))
        noise = found.tables["noise"]
        told = sources(noise[noise["name"] == output.name])
        if told:
            console.print(Text(told, style="dim"))
        if why := why_unknown(found.tables, output.name, indices):
            console.print(f"  {why}\n")
        else:
            _print_ranking(output, indices, parameters, most, console)
    if len(parameters) > most:
        words = f"the {most} strongest of {len(parameters)} parameters; all are in --json and -o"
        console.print(Text(words, style="dim"))


def sources(noise: pd.DataFrame) -> str:
    """Return in words where the variance of one output's runs comes from; empty where that is not known."""
    by = {str(row.source): row for row in rows(noise)}
    if isnan(by["parameters"].share):
        return ""
    low, high = probability(by["parameters"].ci_low), probability(by["parameters"].ci_high)
    return (
        f"variance of runs: parameters {probability(by['parameters'].share)} ({low} to {high}), luck of the seed "
        f"{probability(by['seeds'].share)}, both together {probability(by['interaction'].share)}"
    )


def _heading(output: Measured) -> Text:
    kpi = KPIS[output.kpi]
    where = output.window if output.segment == "all" else f"{output.window}, {output.segment}"
    against = output.unit.partition(" vs ")[2]
    what = f"{where} vs {against}" if against else where
    below = what if output.title == kpi.title else f"{kpi.title}, {what}"
    value = spell(output.plan, output.unit, kpi.unit)
    return Text.assemble("\n", (output.title, "bold"), f": {value} as planned ", (f"({below})", "dim"))


def _print_ranking(
    output: Measured, indices: pd.DataFrame, parameters: Mapping[str, Parameter], most: int, console: Console
) -> None:
    names = [name for name in shown(indices) if name != "sigma"]
    names += ["mu_star_luck"] if (indices["index"] == "mu_star_luck").any() else []
    title = "changes in percentage points" if output.in_points and names[0] in CHANGES else ""
    table = ruled(title, "parameter", "range", *(HEADS[name] for name in names), width=console.width)
    for path, found in ranked(indices)[:most]:
        parameter = parameters[path]
        cells = [_cell(name, found[name], output) for name in names]
        table.add_row(path, between(parameter.text(parameter.low), parameter.text(parameter.high)), *cells)
    console.print(table)


def _cell(name: str, estimate: Estimate, output: Measured) -> str:
    if name not in CHANGES:
        return share(estimate)
    text = output.estimated(estimate).replace(" points", "")
    return text.removeprefix("+") if name.startswith("mu_star") else text
