"""What can be said on the command line. Light: nothing heavy is imported to print help."""

import argparse
import sys

from sandtable.cli.arguments import (
    actuals,
    count,
    engine,
    factor,
    half_width,
    kpis,
    language,
    money,
    positive,
    question,
    ratio,
    runner,
    scenario,
    share,
)

_EPILOG = """\
SCENARIO is a shipped name (see `sandtable list`) or the path of a YAML file.
Exit status: 0 good, 1 the answer is no, 2 bad input, 130 stopped by Ctrl-C.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of `sandtable`."""
    top = argparse.ArgumentParser(
        prog="sandtable",
        description="Rehearse a marketing plan on a simulated market before anyone pays for it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")

    verbs.add_parser("list", help="shipped scenarios and the questions they answer")

    check = verbs.add_parser("check", help="check scenarios; tell every fault")
    check.add_argument("scenarios", nargs="+", metavar="SCENARIO")

    run = verbs.add_parser("run", help="rehearse a plan; print the scoreboard, write a run folder")
    scenario(run)
    run.add_argument("--seeds", type=positive, default=5, metavar="N", help="runs, with seeds 1 to N (default 5)")
    engine(run)
    run.add_argument("--threads", type=positive, default=1, metavar="N", help="threads of each run (default 1)")
    run.add_argument("-o", "--output", metavar="DIR", help="run folder (default runs/NAME-TIME-DIGEST)")
    run.add_argument("--no-charts", action="store_true", help="draw no charts, write no report")
    language(run, "charts and report")
    actuals(run)
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.add_argument("--json", action="store_true", help="print one JSON document instead of tables")

    replicate = verbs.add_parser("replicate", help="run a plan until the intervals are narrow enough")
    scenario(replicate)
    question(replicate, seeds=10)
    replicate.add_argument(
        "--until", type=half_width, metavar="half-width=SHARE",
        help="add seeds until the 95 %% interval of each KPI is so narrow, relative to its mean, such as half-width=2%%",
    )  # fmt: skip
    replicate.add_argument("--most", type=positive, default=200, metavar="N", help="seeds at most (default 200)")
    kpis(replicate)
    language(replicate)

    compare = verbs.add_parser("compare", help="tell how plans differ, on the same luck")
    scenario(compare)
    compare.add_argument("others", nargs="*", metavar="OTHER", help="plans to compare with the first")
    question(compare, seeds=10)
    kpis(compare)
    language(compare)

    sweep = verbs.add_parser("sweep", help="tell which assumptions and settings the result hangs on")
    scenario(sweep)
    question(sweep, seeds=3)
    sweep.add_argument(
        "--over", action="append", default=[], metavar="PATH=LO:HI[:N]",
        help="vary a number between two values (N: levels of oat; default 5); default: the plan's priors",
    )  # fmt: skip
    sweep.add_argument(
        "--method", choices=("oat", "morris", "sobol", "lhs"), default="oat", help="design (default oat)"
    )
    sweep.add_argument("--samples", type=positive, metavar="N", help="size of the design (default: fit for the method)")
    kpis(sweep)
    language(sweep)

    stress = verbs.add_parser("stress", help="let each shock of the plan strike, and tell what it costs")
    scenario(stress)
    question(stress, seeds=10)
    stress.add_argument("--shock", action="append", default=[], metavar="NAME", dest="shocks", help="only this shock")
    kpis(stress)
    language(stress)

    gate = verbs.add_parser("gate", help="hold a plan to a policy, in CI")
    scenario(gate, days=False)
    question(gate, seeds=10)
    gate.set_defaults(seeds=None)
    gate.add_argument("--policy", required=True, metavar="FILE", help="policy file, such as gate.yaml")
    gate.add_argument("--update-baseline", action="store_true", help="write the KPIs of now to the policy's baseline")
    gate.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    gate.add_argument("--markdown", metavar="FILE", help="write a summary for a pull request")

    report = verbs.add_parser("report", help="write report.html: promises, curves, money, sensitivity, risks")
    scenario(report, days=False)
    question(report, seeds=10)
    language(report, "charts and report")
    actuals(report)
    report.add_argument("--no-sweep", action="store_true", help="leave the sensitivity out")
    report.add_argument("--no-stress", action="store_true", help="leave the shocks out")

    runs = verbs.add_parser("runs", help="finished runs that are kept: list, show, prune")
    acts = runs.add_subparsers(dest="act", required=True, metavar="ACT", title="acts")
    listing = acts.add_parser("list", help="which runs are kept")
    show = acts.add_parser("show", help="what a run brought")
    show.add_argument("key", metavar="KEY", help="first letters of a run's key")
    prune = acts.add_parser("prune", help="remove runs that the present model would not serve, and spoilt ones")
    prune.add_argument("--older-than", type=count, metavar="DAYS", help="also those stored more than so many days ago")
    prune.add_argument("--all", action="store_true", help="all runs")
    for act in (listing, show, prune):
        act.add_argument("--store", metavar="DIR", help="where finished runs are kept (default runs/store)")
        act.add_argument("--json", action="store_true", help="print one JSON document instead of tables")

    trace = verbs.add_parser("trace", help="tell what one user did, day by day")
    scenario(trace)
    trace.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    trace.add_argument("--user", type=count, required=True, metavar="ID", help="number of the user, from 0")
    trace.add_argument("--seed", type=count, default=1, metavar="N", help="seed of the run (default 1)")
    engine(trace)

    fit = verbs.add_parser("fit", help="fit base rates so that the market without the plan shows today's KPIs")
    fit.add_argument("scenario", metavar="SCENARIO")
    fit.add_argument("--seeds", type=positive, default=3, metavar="N", help="runs of each trial (default 3)")
    fit.add_argument("--users", type=positive, metavar="N", help="simulated users")
    fit.add_argument("--write", action="store_true", help="write the fitted rates into the scenario's file")

    optimize = verbs.add_parser("optimize", help="find the best plan for the money, and prove it on fresh seeds")
    scenario(optimize, days=False)
    runner(optimize)
    optimize.add_argument("--budget", type=money, metavar="YUAN", help="money for all media (default: the plan's own)")
    optimize.add_argument(
        "--goal", metavar="KPI", help="KPI to raise over the plan, see sandtable kpis (default: the plan's choice)"
    )
    optimize.add_argument(
        "--free", action="append", default=[], metavar="PATH[=LO:HI]",
        help="choose this number too, between two values or within its prior; may be repeated",
    )  # fmt: skip
    optimize.add_argument(
        "--target", action="append", default=[], metavar="KEY[=COST]", dest="targets",
        help="keep this target of the plan, or lose COST of the goal for each unit missed; may be repeated",
    )  # fmt: skip
    optimize.add_argument("--roas", type=ratio, metavar="N", help="media must bring so much of the goal a yuan")
    optimize.add_argument(
        "--marginal-roas", type=ratio, metavar="N", help="spend a yuan only where it brings so much more of the goal"
    )
    optimize.add_argument(
        "--risk", metavar="MEASURE",
        help="what to judge plans by over the seeds: mean, cvar=20%% (mean of the worst fifth), chance=GOAL",
    )  # fmt: skip
    optimize.add_argument("--shocks", action="store_true", help="with --risk: over the plan's shocks as well")
    optimize.add_argument(
        "--pareto", action="append", default=[], metavar="KPI",
        help="show the plans that no other beats in all of these KPIs; give two to four",
    )  # fmt: skip
    optimize.add_argument(
        "--search-users", type=positive, metavar="N", help="search on a market of so many users; prove with --users"
    )
    optimize.add_argument(
        "--join", action="store_true", help="share a search that other processes make in the same storage"
    )
    optimize.add_argument("--locked", action="store_true", help="leave the money as it is; choose settings only")
    optimize.add_argument(
        "--replications", type=positive, default=200, metavar="N", help="runs of the search (default 200)"
    )
    optimize.add_argument(
        "--holdouts", type=count, default=8, metavar="N",
        help="seeds under which each media lever is switched off, to learn what it truly brings (default 8)",
    )  # fmt: skip
    optimize.add_argument(
        "--tolerance", type=share, default=0.0, metavar="SHARE",
        help="end the search before when that is expected to lose less than this of the goal, such as 0.1%%",
    )  # fmt: skip
    optimize.add_argument(
        "--verify", type=positive, default=32, metavar="N", help="fresh seeds of the proof (default 32)"
    )
    optimize.add_argument("--seed", type=count, default=1, metavar="N", help="seed of the search (default 1)")
    optimize.add_argument(
        "--storage", metavar="URL", help="Optuna storage of the trials (default: a SQLite file in the store)"
    )
    language(optimize, "charts and report")
    optimize.add_argument("-o", "--output", metavar="FILE", help="write the plan, such as plan.yaml")
    optimize.add_argument("--folder", metavar="DIR", help="write report.html, tables and charts to a new folder")
    optimize.add_argument(
        "--reach", type=share, metavar="SHARE",
        help="find the least money that reaches all targets with this probability, such as 80%%",
    )  # fmt: skip
    optimize.add_argument(
        "--most", type=factor, default=4.0, metavar="TIMES", help="most money for --reach, in budgets (default 4)"
    )

    schema = verbs.add_parser("schema", help="print the JSON Schema of scenario files, for editors")
    schema.add_argument("-o", "--output", metavar="FILE", help="write it to a file")

    verbs.add_parser("kpis", help="KPIs that targets, rules and baselines may name")
    return top


class _Version(argparse.Action):
    """Print the version, looked up only when asked for."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import sandtable

        sys.stdout.write(f"sandtable {sandtable.__version__}\n")
        parser.exit()
