"""What can be said on the command line. Light: nothing heavy is imported to print help."""

import argparse
import sys

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
    _scenario(run)
    run.add_argument("--seeds", type=_positive, default=5, metavar="N", help="runs, with seeds 1 to N (default 5)")
    _engine(run)
    run.add_argument("--threads", type=_positive, default=1, metavar="N", help="threads of each run (default 1)")
    run.add_argument("-o", "--output", metavar="DIR", help="run folder (default runs/NAME-TIME-DIGEST)")
    run.add_argument("--no-charts", action="store_true", help="draw no charts")
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.add_argument("--json", action="store_true", help="print one JSON document instead of tables")

    trace = verbs.add_parser("trace", help="tell what one user did, day by day")
    _scenario(trace)
    trace.add_argument("--user", type=_count, required=True, metavar="ID", help="number of the user, from 0")
    trace.add_argument("--seed", type=_count, default=1, metavar="N", help="seed of the run (default 1)")
    _engine(trace)

    fit = verbs.add_parser("fit", help="fit base rates so that the market without the plan shows today's KPIs")
    fit.add_argument("scenario", metavar="SCENARIO")
    fit.add_argument("--seeds", type=_positive, default=3, metavar="N", help="runs of each trial (default 3)")
    fit.add_argument("--users", type=_positive, metavar="N", help="simulated users")
    fit.add_argument("--write", action="store_true", help="write the fitted rates into the scenario's file")

    allocate = verbs.add_parser("allocate", help="propose how to split a budget over the plan's paid media")
    allocate.add_argument("scenario", metavar="SCENARIO")
    allocate.add_argument("--budget", type=_money, required=True, metavar="YUAN", help="money to split [yuan]")
    allocate.add_argument("--goal", default="gmv", metavar="KPI", help="KPI to improve (default gmv)")
    allocate.add_argument("--seeds", type=_positive, default=3, metavar="N", help="runs of each setting (default 3)")
    allocate.add_argument("--users", type=_positive, metavar="N", help="simulated users")
    allocate.add_argument("--json", action="store_true", help="print one JSON document instead of a table")

    schema = verbs.add_parser("schema", help="print the JSON Schema of scenario files, for editors")
    schema.add_argument("-o", "--output", metavar="FILE", help="write it to a file")

    verbs.add_parser("kpis", help="KPIs that targets, rules and baselines may name")
    return top


def _scenario(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("scenario", metavar="SCENARIO")
    verb.add_argument("--users", type=_positive, metavar="N", help="simulated users; more make less noise")
    verb.add_argument("--days", type=_positive, metavar="N", help="end after so many days of the plan")
    verb.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change a value, such as levers.coupon.off=30; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--overlay", action="append", default=[], metavar="NAME", dest="overlays",
        help="apply an overlay of the scenario; may be repeated",
    )  # fmt: skip


def _engine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--engine", choices=("columnar", "process"), default="columnar",
        help="columnar: compiled scans; process: a SimPy process for each user, slower, same results",
    )  # fmt: skip


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, but got {text!r}") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, but got {text}")
    return number


def _positive(text: str) -> int:
    number = _count(text)
    if not number:
        raise argparse.ArgumentTypeError("must be at least 1, but got 0")
    return number


def _money(text: str) -> float:
    try:
        money = float(text.replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an amount of yuan, but got {text!r}") from None
    if not 0 < money < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, but got {text}")
    return money


class _Version(argparse.Action):
    """Print the version, looked up only when asked for."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import sandtable

        sys.stdout.write(f"sandtable {sandtable.__version__}\n")
        parser.exit()
