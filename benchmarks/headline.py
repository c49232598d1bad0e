"""The shipped plans as they are and as `optimize` proposes them, on fresh seeds: `python -m benchmarks.headline`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

import sandtable as st
from experiments.answer import Answer
from experiments.compare import shares
from experiments.tables import rows
from optimize.optimum import HOLDOUTS, Optimum
from optimize.search import Standing

KPIS = ("gmv", "orders", "profit", "spend")


def found(name: str, args: argparse.Namespace, how: dict[str, Any]) -> Optimum:
    """Return the optimum of a plan at its own media money."""
    plan = st.load(name, changes={"market.users": args.users})
    return st.optimum(plan, goal=args.goal, replications=args.replications, verify=args.verify, **how)


def sought(name: str, args: argparse.Namespace, how: dict[str, Any]) -> Answer:
    """Return the least media money that reaches all targets in 80 % of runs."""
    plan = st.load(name, changes={"market.users": args.users})
    return st.least_budget(plan, 0.8, replications=args.replications, seeds=args.verify // 2, **how)


def row(best: Optimum, least: Answer | None) -> Iterator[str]:
    """Yield the cells of a plan's row; without the least money where it was not sought."""
    yield str(best.answer.manifest["scenario"])
    yield f"{best.market.budget / 1e6:,.2f} M"
    proof = best.answer.tables["verification"]
    level = {r.kpi: r for r in rows(proof) if (r.window, r.segment, r.unit) == ("plan", "all", st.KPIS[r.kpi].unit)}
    for kpi in KPIS:
        yield change(level[kpi]) if kpi in level else "-"
    yield "yes" if best.confirmed else "no"
    yield " and ".join("-" if kept is None else f"{kept.reached}" for kept in (best.before, best.after)) + (
        f" of {best.after.seeds}" if best.after is not None else ""
    )
    if least is None:
        return
    if least.good:
        yield f"{least.manifest['budget'] / 1e6:,.2f} M"
    else:
        top = max(rows(least.table), key=lambda tried: tried.budget)
        yield f"none to {top.budget / 1e6:,.0f} M ({top.reached} of {top.seeds}, at most {top.high:.0%})"
    targets = least.tables["targets"]
    share = targets[targets["budget"] == targets["budget"].max()].set_index("target")["share"]
    yield ", ".join(f"{name} {value:.0%}" for name, value in share[share < 0.5].sort_values().items()) or "-"


def change(line: Any) -> str:
    """Return a row of the comparison as a change in percent of the base, with its interval."""
    middle, low, high = (100 * value for value in shares(line))
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


def main() -> None:
    """Print the table in Markdown; finished runs and trials are kept in the store and used again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plans", nargs="*", default=st.names())
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--replications", type=int, default=160)
    parser.add_argument("--verify", type=int, default=48)
    parser.add_argument("--holdouts", type=int, default=HOLDOUTS)
    parser.add_argument("--goal", help="another goal than the plans' own; the least money is then not sought")
    parser.add_argument("--store", default="runs/store")
    args = parser.parse_args()
    heads = ["plan", "media", *KPIS, "proved", "all targets"]
    heads += [] if args.goal else ["least media money", "reached in few runs at the most money"]
    lines = ["| " + " | ".join(heads) + " |", "| --- | ---: |" + " --- |" * (len(heads) - 2)]
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=1.0)

        def told(at: Standing) -> None:
            progress.update(task, completed=at.trials, total=at.of)

        how = {
            "runner": st.Runner(st.Store(args.store)), "storage": f"sqlite:///{Path(args.store) / 'studies.db'}",
            "report": told, "holdouts": args.holdouts,
        }  # fmt: skip
        for name in args.plans:
            progress.update(task, description=name)
            least = None if args.goal else sought(name, args, how)
            lines.append("| " + " | ".join(row(found(name, args, how), least)) + " |")
            progress.console.print(lines[-1], soft_wrap=True)
    Console(width=10_000, highlight=False).print("\n".join(lines), soft_wrap=True)


if __name__ == "__main__":
    main()
