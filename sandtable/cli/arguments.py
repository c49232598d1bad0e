"""What several verbs take on the command line, and the kinds of values there are. Light: nothing heavy is imported."""

import argparse


def scenario(verb: argparse.ArgumentParser, *, days: bool = True) -> None:
    """Add a plan and what changes it."""
    verb.add_argument("scenario", metavar="SCENARIO")
    verb.add_argument("--users", type=positive, metavar="N", help="simulated users; more make less noise")
    if days:
        verb.add_argument("--days", type=positive, metavar="N", help="end after so many days of the plan")
    verb.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change a value, such as levers.coupon.off=30; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--overlay", action="append", default=[], metavar="NAME", dest="overlays",
        help="apply an overlay of the scenario; may be repeated",
    )  # fmt: skip


def question(verb: argparse.ArgumentParser, *, seeds: int) -> None:
    """Add what every question to the market takes: the plan's changes, seeds, the runner, the output."""
    verb.add_argument("--seeds", type=positive, default=seeds, metavar="N", help=f"seeds 1 to N (default {seeds})")
    verb.add_argument("-o", "--output", metavar="DIR", help="write tables and charts to a new folder")
    runner(verb)


def runner(verb: argparse.ArgumentParser) -> None:
    """Add where runs are made and kept, and how the answer is told."""
    verb.add_argument("--tables", choices=("csv", "xlsx"), default="csv", help="form of the tables (default csv)")
    verb.add_argument("--on", metavar="dask://HOST:PORT", help="make the runs on a Dask cluster")
    verb.add_argument("--store", metavar="DIR", help="where finished runs are kept (default runs/store)")
    verb.add_argument("--no-store", action="store_true", help="keep no runs, reuse none")
    verb.add_argument("--quiet", action="store_true", help="no progress bar")
    verb.add_argument("--json", action="store_true", help="print one JSON document instead of tables")


def kpis(verb: argparse.ArgumentParser) -> None:
    """Add the choice of KPIs."""
    verb.add_argument(
        "--kpi", action="append", default=[], metavar="KPI", dest="kpis",
        help="KPI to look at; may be repeated (default: those of the targets)",
    )  # fmt: skip


def language(verb: argparse.ArgumentParser, what: str = "charts") -> None:
    """Add the choice of the language."""
    verb.add_argument("--lang", choices=("en", "zh"), default="en", help=f"language of {what} (default en)")


def actuals(verb: argparse.ArgumentParser) -> None:
    """Add what was measured in the real market."""
    verb.add_argument(
        "--actuals", metavar="FILE.csv",
        help="draw what was measured in the real market over the KPI curves; columns: kpi (its id, see `sandtable "
        "kpis`), value (money in yuan, shares from 0 to 1, empty: not measured), day (0 is the plan's first) or date "
        "(2024-03-01), and days (length of the period that ends there; default 7)",
    )  # fmt: skip


def engine(verb: argparse.ArgumentParser) -> None:
    """Add the choice of the engine."""
    verb.add_argument(
        "--engine", choices=("columnar", "process"), default="columnar",
        help="columnar: compiled scans; process: a SimPy process for each user, slower, same results",
    )  # fmt: skip


def count(text: str) -> int:
    """Return a whole number, at least 0."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, but got {text!r}") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, but got {text}")
    return number


def positive(text: str) -> int:
    """Return a whole number, at least 1."""
    number = count(text)
    if not number:
        raise argparse.ArgumentTypeError("must be at least 1, but got 0")
    return number


def money(text: str) -> float:
    """Return an amount of yuan above 0."""
    try:
        money = float(text.replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an amount of yuan, but got {text!r}") from None
    if not 0 < money < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, but got {text}")
    return money


def factor(text: str) -> float:
    """Return a number above 1."""
    try:
        value = float(text.removesuffix("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, but got {text!r}") from None
    if not 1 < value < 1e3:
        raise argparse.ArgumentTypeError(f"must be above 1, but got {text}")
    return value


def ratio(text: str) -> float:
    """Return a number above 0."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, but got {text!r}") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, but got {text}")
    return value


def share(text: str) -> float:
    """Return a share written as 2% or 0.02."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a share such as 2%, but got {text!r}") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0% and 100%, but got {text}")
    return value


def half_width(text: str) -> float:
    """Return the share of `half-width=2%`."""
    name, equals, value = text.partition("=")
    if name.strip() != "half-width" or not equals:
        raise argparse.ArgumentTypeError(f"must be half-width=SHARE, such as half-width=2%, but got {text!r}")
    return share(value.strip())
