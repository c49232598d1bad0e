"""optimize: the best plan for the money, as tables for people and as a scenario file."""

import os
import shlex
from argparse import Namespace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

import scenarios
from experiments.answer import Answer
from experiments.folder import FolderError, check_folder
from experiments.runner import Runner, Stopped
from experiments.scoreboard import ruled
from experiments.tables import rows
from experiments.units import between, compact, whole
from sandtable.cli.compare import show_differences
from sandtable.cli.question import FAULTS, store_of
from sandtable.cli.screen import InputError, bar, complain, load, page, print_json, told
from scenarios import Scenario
from scenarios.uncertainty import Range

if TYPE_CHECKING:
    from optimize.optimum import Optimum
    from optimize.search import Standing


def optimize_(args: Namespace) -> int:
    """Find the best plan for the money; exit status 1 when no gain is confirmed, or no money reaches the targets."""
    from optimize import report
    from optimize.optimum import InfeasibleError

    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    place, folder = (None if p is None else Path(p) for p in (args.output, args.folder))
    try:
        _check(place, folder)
        _refuse(args)
        with bar(shown=not (args.quiet or args.json)) as progress:
            counted = _Counted(progress)
            runner = Runner(None if args.no_store else store_of(args), args.on, progress=counted)
            how = {
                "goal": args.goal, "replications": args.replications, "holdouts": args.holdouts, "seed": args.seed,
                "storage": _storage(args), "runner": runner, "report": counted.stand,
            }  # fmt: skip
            if args.reach is not None:
                return _told(_reach(args, scenario, how), args, folder)
            found = _found(args, scenario, how)
            place = None if found.infeasible else place
            text = found.text(_shipped(args), _users(args))
            if place is not None:
                place.write_text(text, encoding="utf-8")
            if folder is not None:
                progress("writing the folder")
                pages = {} if found.infeasible else {"plan.yaml": text}
                pages["report.html"] = report.page(found, args.lang, shlex.join(["sandtable", *args.words]))
                found.answer.write(folder, tables=args.tables, extra=pages)
    except Stopped:
        raise
    except InfeasibleError as error:
        complain(str(error))
        return 1
    except scenarios.ScenarioError as error:
        raise InputError(told(error.faults)) from None
    except (*FAULTS, OSError) as error:
        raise InputError(str(error)) from None
    if folder is not None and found.answer.notice:
        complain(found.answer.notice)
    if args.json:
        print_json(found.answer.document() | {"plan": None if place is None else str(place)})
    else:
        page(lambda console: _show(found, place, folder, console))
    return 0 if found.answer.good else 1


def _found(args: Namespace, scenario: Scenario, how: dict[str, Any]) -> "Optimum":
    from optimize.optimum import directions, optimum
    from optimize.risk import parsed

    return optimum(
        scenario, budget=args.budget, free=dict(_free(text, scenario) for text in args.free), locked=args.locked,
        targets=dict(_target(text) for text in args.targets), roas=args.roas, marginal=args.marginal_roas or 0.0,
        risk=None if args.risk is None else parsed(args.risk), shocks=args.shocks, pareto=directions(args.pareto),
        tolerance=args.tolerance, verify=args.verify, search_users=args.search_users, alone=not args.join,
        lang=args.lang, **how,
    )  # fmt: skip


def _storage(args: Namespace) -> str | None:
    """Return where the trials are kept: a SQLite file beside the finished runs, unless told otherwise."""
    if args.storage is not None or args.no_store:
        if args.join and args.storage is None:
            raise InputError("--join needs a storage to share: leave --no-store out, or give --storage")
        return str(args.storage) if args.storage is not None else None
    return f"sqlite:///{store_of(args).folder / 'studies.db'}"


def _refuse(args: Namespace) -> None:
    """Raise `InputError` for what --reach would leave aside."""
    given = {
        "--budget": args.budget, "--free": args.free, "--target": args.targets, "--roas": args.roas,
        "--marginal-roas": args.marginal_roas, "--risk": args.risk, "--shocks": args.shocks, "--pareto": args.pareto,
        "--search-users": args.search_users, "--join": args.join, "--locked": args.locked, "--output": args.output,
    }  # fmt: skip
    aside = [flag for flag, value in given.items() if value]
    if args.reach is not None and aside:
        raise InputError(f"--reach tries budgets of the plan as it is and takes no {', '.join(aside)}")


def _told(found: Answer, args: Namespace, folder: Path | None) -> int:
    if folder is not None:
        found.write(folder, tables=args.tables)
    if args.json:
        print_json(found.document())
    else:
        page(lambda console: _show_reach(found, console))
    return 0 if found.good else 1


class _Counted:
    """Tells how far a search is: trials, the best so far, simulations; then the runs of the proof."""

    def __init__(self, advance: Any) -> None:
        self.advance, self.runs, self.words = advance, 0, ""

    def __call__(self, progress: Any) -> None:
        if progress.done == progress.of:
            self.runs += progress.done - progress.reused
            self.advance(self.words or f"{self.runs} runs simulated")

    def stand(self, at: "Standing") -> None:
        """Tell how far the search is; the time left is the bar's."""
        best = "" if isnan(at.expected) else f", best so far {compact(at.expected)} ± {compact(at.half, 2)}"
        self.advance(at.trials, at.of, f"trial {at.trials} of {at.of}{best}, {self.runs} runs simulated")
        self.words = "" if at.trials < at.of else "proving what was found"


def _free(text: str, scenario: Scenario) -> tuple[str, Range]:
    """Return path and range of PATH=LO:HI, or of PATH by the plan's prior."""
    path, equals, span = text.partition("=")
    low, colon, high = span.partition(":")
    try:
        if not equals:
            if path not in scenario.priors:
                raise ValueError("has no prior in the plan; write PATH=LO:HI, such as levers.coupon.off=10:40")
            prior = scenario.priors[path]
            return path, Range(low=prior.low, high=prior.high, log=prior.log)
        if not colon:
            raise ValueError("must be PATH=LO:HI, such as levers.coupon.off=10:40")
        return path.strip(), Range.model_validate({"low": low.strip(), "high": high.strip()})
    except ValidationError as error:
        raise InputError(f"--free {text}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    except ValueError as error:
        raise InputError(f"--free {text}: {error}") from None


def _target(text: str) -> tuple[str, Any]:
    """Return key and cost of KEY or KEY=COST."""
    name, equals, cost = text.partition("=")
    if not equals:
        return name.strip(), "hard"
    try:
        value = float(cost.replace(",", ""))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"--target {text}: the cost must be a number, 0 or more, but got {cost!r}")
    return name.strip(), value


def _check(place: Path | None, folder: Path | None) -> None:
    if folder is not None:
        check_folder(folder)
    if place is not None and (place.is_dir() or not place.absolute().parent.is_dir()):
        raise FolderError(f"{place} cannot be written: name a file in a folder that exists")
    if place is not None and not os.access(place if place.exists() else place.absolute().parent, os.W_OK):
        raise FolderError(f"{place} cannot be written")


def _shipped(args: Namespace) -> str | None:
    """Return the shipped scenario that the plan's file may extend; None when it was a file."""
    return args.scenario if args.scenario in scenarios.names() else None


def _users(args: Namespace) -> int | None:
    """Return the simulated users that a plan's file has, `--users` apart; None where the shipped scenario says it."""
    if _shipped(args) is not None or args.users is None:
        return None
    return load(args.scenario, args.overlays, args.changes).market.users


def _reach(args: Namespace, scenario: Scenario, how: dict[str, Any]) -> Answer:
    from optimize.reach import least_budget

    return least_budget(scenario, args.reach, most=args.most, seeds=args.verify, **how)


def _show_reach(answer: Answer, console: Console) -> None:
    console.print(Text(answer.title, style="bold"))
    table = ruled("Budgets tried", "media budget", "all targets", "95 % interval", width=console.width)
    for row in rows(answer.table):
        table.add_row(whole(row.budget), f"{row.reached} of {row.seeds}", f"{row.low:.0%} to {row.high:.0%}")
    console.print(table)
    kept = ruled("Runs that reach each target", "target", *map(whole, answer.table["budget"]), width=console.width)
    for name, part in answer.tables["targets"].groupby("target", sort=False):
        kept.add_row(str(name), *(f"{share:.0%}" for share in part["share"]))
    console.print(kept)
    for note in answer.notes:
        console.print(Text(f"- {note}", style="dim"))


def _show(found: "Optimum", place: Path | None, folder: Path | None, console: Console) -> None:
    answer = found.answer
    goal = found.market.goal
    console.print(Text(answer.title, style="bold"))
    console.print(Text(_verdict(found)))
    _money(answer, goal, 1.0 if found.market.in_money else 10_000.0, console)
    _increments(answer, goal, console)
    settings = answer.tables["settings"]
    if len(settings):
        table = ruled("Settings", "path", "current", "proposed", "from", "to", width=console.width)
        for row in rows(settings):
            table.add_row(row.path, *(compact(v) for v in (row.current, row.proposed, row.low, row.high)))
        console.print(table)
    if "risk" in answer.tables:
        _risk(answer, console)
    if "pareto" in answer.tables:
        _pareto(answer.tables["pareto"], console)
    show_differences(answer.tables["verification"], console)
    for note in answer.notes:
        console.print(Text(f"- {note}", style="dim"))
    for what, path in (("plan", place), ("folder", folder)):
        if path is not None:
            console.print(f"{what}: {path}", soft_wrap=True)


def _verdict(found: "Optimum") -> str:
    if found.infeasible:
        return "INFEASIBLE by the fitted curves: no plan is written"
    if found.broken:
        return "NOT KEPT: the best plan found misses what must be kept; the plan as it is stays"
    return "confirmed on fresh seeds" if found.confirmed else "NOT CONFIRMED: the plan as it is stays"


def _money(answer: Answer, goal: str, each: float, console: Console) -> None:
    """Show the media money; what so much more of it (`each`, yuan) brings stands in the last column."""
    found = answer.tables["allocation"]
    if not len(found):
        return
    of_next = f"{goal} of next {'yuan' if each == 1.0 else f'{each:,.0f} yuan'}"
    table = ruled("Media money, in yuan", "lever", "current", "proposed", "change", of_next, width=console.width)
    by_lever = found.groupby("lever", sort=False)
    for lever, part in by_lever:
        sums = [float(part[name].sum()) for name in ("current", "proposed", "change")]
        table.add_row(str(lever), *(whole(v) for v in sums), between_of((each * part["marginal"]).tolist()))
    table.add_section()
    table.add_row("all", *(whole(float(found[name].sum())) for name in ("current", "proposed", "change")), "")
    console.print(table)


def _increments(answer: Answer, goal: str, console: Console) -> None:
    """Show what levers are credited with, and what is lost without them."""
    found = answer.tables["incrementality"]
    if not len(found):
        return
    heads = "lever", "credited", "lost without it", "95 % interval", "by the fit"
    table = ruled(f"What levers bring of {goal} now", *heads, width=console.width)
    for row in rows(found):
        lost = between(compact(row.low, 3), compact(row.high, 3))
        table.add_row(
            row.lever, *(compact(v, 3) for v in (row.credited, row.incremental)), lost, compact(row.fitted, 3)
        )
    console.print(table)


def between_of(values: list[float]) -> str:
    """Return the range of values, or the one value."""
    known = [v for v in values if not isnan(v)]
    if not known:
        return "-"
    low, high = compact(min(known), 3), compact(max(known), 3)
    return low if low == high else f"{low} to {high}"


def _risk(answer: Answer, console: Console) -> None:
    measure = str(answer.manifest["risk"])
    table = ruled("Plans by risk", "plan", "mean", measure, "gain", "95 % interval", width=console.width)
    for row in rows(answer.tables["risk"]):
        gain = compact(row.gain), f"{compact(row.gain_low)} to {compact(row.gain_high)}"
        table.add_row(row.plan, compact(row.mean), compact(row.risk), *gain)
    console.print(table)


def _pareto(found: pd.DataFrame, console: Console) -> None:
    def cell(row: dict[Any, Any], goal: str) -> Text:
        told, ends = Text(compact(row[goal])), [float(row[f"{kind} {goal}"]) for kind in ("difference", "low", "high")]
        if row["plan"] == "current" or isnan(ends[0]):
            return told
        gap, low, high = (("+" if end > 0 else "") + compact(end, 3) for end in ends)
        interval = between(low, high) if len(goals) < 4 else between(low, high).replace(" to ", " to\n")
        words = f"\n{gap}" if low == high else f"\n{gap}\n{interval}"
        open_ = ends[1] < ends[2] and ends[1] <= 0 <= ends[2]
        return told.append(f"{words}?", "dim") if open_ else told.append(words)

    goals = [name for name in found.columns if f"SE {name}" in found.columns]
    table = ruled("Plans that no other beats in every goal", "plan", *goals, width=console.width)
    for row in found.to_dict("records"):
        table.add_row(f"{row['plan']}{' (knee)' if row['knee'] else ''}", *(cell(row, goal) for goal in goals))
    console.print(table)
    note = (
        "below each mean: its difference to the plan as it is, paired by seed, with its 95 % interval; "
        "dim and with a question mark: no difference is proved"
    )
    console.print(Text(note, style="dim"))
