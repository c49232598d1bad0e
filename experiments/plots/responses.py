"""Responses: an output against each parameter, with the plan's operating point."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from experiments.design import Parameter
from experiments.plots import naming
from experiments.plots.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    Numbers,
    canvas,
    footnote,
    nothing,
    panel,
    spoken,
    styled,
    titled,
)
from experiments.plots.tornado import beyond, heading, named
from experiments.plots.words import Words
from experiments.ranking import outputs_of, parameters_of, ranked
from experiments.summary import interval

Array = NDArray[np.float64]
ROWS, ACROSS = 3, 4
COLUMNS = ("kind", "x", "value", "low", "high")
"""Columns of a response's table."""
_BINS = 8


def response(tables: Mapping[str, pd.DataFrame], output: str, parameter: Parameter, *, alone: bool) -> pd.DataFrame:
    """Return kind, x (the parameter), value, low, high (of the output, with a 95 % interval), by kind and x.

    `plan`: the plan's own point, mean over seeds. `sample`: means over seeds of single samples. `level`: with `alone`,
    the samples in which this parameter alone differs from the plan; their interval is that of the change against the
    plan, paired by seed. Otherwise of bins with as many samples each, whose interval is over samples.
    """
    samples, values = tables["samples"], tables["values"]
    results = values[values["name"] == output].pivot(index="sample", columns="seed", values="value").to_numpy()
    x = samples[parameter.path].to_numpy(float)
    lines = [("plan", x[0], *interval(_known(results[0])))]
    if alone:
        others = samples.drop(columns=["sample", parameter.path])
        same = (others == others.iloc[0]).all(axis=1).to_numpy()
        base = lines[0][2]
        for k in np.flatnonzero(same):
            lines.append(("level", x[k], *(base + v for v in interval(_known(results[k] - results[0])))))
    else:
        means = results[1:].mean(axis=1)
        lines += [("sample", at, value, np.nan, np.nan) for at, value in zip(x[1:], means, strict=True)]
        lines += [("level", at, *interval(_known(part))) for at, part in _bins(x[1:], means, parameter)]
    return pd.DataFrame(lines, columns=list(COLUMNS)).sort_values(["kind", "x"], kind="stable", ignore_index=True)


def _known(values: Array) -> list[float]:
    return [float(v) for v in values if not np.isnan(v)]


def _bins(x: Array, y: Array, parameter: Parameter) -> list[tuple[float, Array]]:
    """Return the samples in bins of as many each, or of equal whole numbers: the middle of each bin, and its outputs."""
    levels = np.unique(x)
    if len(levels) <= _BINS:
        return [(float(level), y[x == level]) for level in levels]
    parts = np.array_split(np.argsort(x, kind="stable"), min(_BINS, max(len(x) // 5, 1)))
    even = np.log(x) if parameter.log else x
    middles = [float(even[part].mean()) for part in parts]
    return [(float(np.exp(m)) if parameter.log else m, y[part]) for m, part in zip(middles, parts, strict=True)]


@styled
def draw(
    table: pd.DataFrame, ax: Axes | None = None, *, parameter: Parameter, unit: str = "", lang: str = "en"
) -> Axes:
    """Draw a table of `response`: levels as a line with its band, samples as dots, the plan as a diamond."""
    say, ax = spoken(lang), panel(ax, 4, 3)
    table = table[table["value"].notna()]
    levels, samples, plan = (table[table["kind"] == kind] for kind in ("level", "sample", "plan"))
    if not len(levels):
        return nothing(ax, named(parameter, 40, lang=lang), say("nothing could be measured"))
    if len(samples):
        ax.plot(samples["x"], samples["value"], ".", color=GREY, alpha=0.5, ms=4, mew=0, zorder=1)
    if parameter.kind == "switch":
        error = [levels["value"] - levels["low"], levels["high"] - levels["value"]]
        ax.errorbar(levels["x"], levels["value"], yerr=error, fmt="o", color=BLUE, capsize=4, ms=6, zorder=3)
        ax.set_xlim(-0.5, 1.5)
        ax.set_xticks([0, 1], [say("off"), say("on")])
    else:
        if not levels["low"].isna().all():
            ax.fill_between(levels["x"], levels["low"], levels["high"], color=BLUE, alpha=0.2, lw=0, zorder=1)
        ax.plot(levels["x"], levels["value"], "o-", color=BLUE, ms=3.5, lw=1.6, zorder=2)
        _scale(ax, parameter, say)
    ax.plot(plan["x"], plan["value"], "D", color=VERMILLION, mec=BLACK, mew=0.7, ms=6.5, zorder=4, clip_on=False)
    shown = pd.concat([levels["value"], samples["value"], plan["value"]])
    _frame(ax, shown, levels)
    ax.yaxis.set_major_formatter(Numbers(unit, lang))
    return ax


def _scale(ax: Axes, parameter: Parameter, say: Words) -> None:
    if parameter.log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=parameter.discrete))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: naming.value(parameter, number, say)))


def _frame(ax: Axes, shown: "pd.Series[float]", levels: pd.DataFrame) -> None:
    """Show all values, and of bands as much as leaves the values legible."""
    low, high = float(shown.min()), float(shown.max())
    span = max(high - low, 1e-9 * max(abs(high), 1.0))
    ends = levels[["low", "high"]].to_numpy(float)
    bottom = low if np.isnan(ends).all() else max(min(low, float(np.nanmin(ends))), low - span)
    top = high if np.isnan(ends).all() else min(max(high, float(np.nanmax(ends))), high + span)
    ax.set_ylim(bottom - 0.06 * span, top + 0.06 * span)


@styled
def figure(tables: Mapping[str, pd.DataFrame], title: str, *, lang: str = "en") -> Figure:
    """Draw the responses of the first outputs to the parameters that each hangs on most."""
    say = spoken(lang)
    parameters, outputs = parameters_of(tables), list(outputs_of(tables))
    told = outputs[:ROWS]
    across = min(ACROSS, len(parameters))
    fig = canvas(1.2 + 2.9 * across, 1.2 + 2.5 * len(told))
    grid = fig.subplots(len(told), across, squeeze=False)
    alone = str(tables["indices"]["method"].iloc[0]) == "oat"
    for row, (output, indices) in zip(grid, told, strict=True):
        strongest = [path for path, _ in ranked(indices)][:across]
        for ax, path in zip(row, strongest, strict=True):
            table = response(tables, output.name, parameters[path], alone=alone)
            draw(table, ax, parameter=parameters[path], unit=output.axis, lang=lang)
            if ax.axison:
                ax.set_xlabel(named(parameters[path], 40, lang=lang), fontsize=8)
            else:
                ax.set_title("")
        _share_height(list(row))
        row[0].set_title(heading(output, say))
    titled(fig, title, "sweep")
    footnote(fig, _words(alone, tables, len(outputs) - len(told), say))
    return fig


def _share_height(row: list[Axes]) -> None:
    """Give the panels of an output the same scale, so that steeper is stronger."""
    seen = [ax for ax in row if ax.axison]
    if seen:
        bottom, top = min(ax.get_ylim()[0] for ax in seen), max(ax.get_ylim()[1] for ax in seen)
        for ax in seen:
            ax.set_ylim(bottom, top)
        for ax in seen[1:]:
            ax.tick_params(labelleft=False)


def _words(alone: bool, tables: Mapping[str, pd.DataFrame], more: int, say: Words) -> str:
    seeds = tables["values"]["seed"].nunique()
    over = say("the mean of {n} common seeds", n=seeds) if seeds > 1 else say("one run")
    told = [say("Diamond: the plan.")]
    if alone:
        told.append(say("Line: {over}, all else as planned.", over=over))
        told += [say("Band: 95 % interval of the difference from the plan.")] * (seeds > 1)
    else:
        told.append(say("Dots: samples, each {over}. Line: mean of neighbours, with its 95 % interval.", over=over))
    return say.sentences([*told, *beyond(0, more, say)])
