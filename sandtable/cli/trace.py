"""trace: what one user did, day by day, in words."""

from argparse import Namespace
from collections.abc import Callable
from datetime import date
from itertools import groupby

from rich.console import Console
from rich.text import Text

from experiments.tables import rows
from experiments.units import amount
from sandtable.cli.screen import InputError, bar, load, page
from scenarios import Scenario
from sim.run import Run, simulate
from sim.weather import Names


def trace_(args: Namespace) -> int:
    """Tell the journey of one user."""
    scenario = load(args.scenario, args.overlays, args.changes, args.users)
    if args.user >= scenario.market.users:
        raise InputError(f"users are numbered 0 to {scenario.market.users - 1}, but got {args.user}")
    try:
        with bar(shown=True) as progress:
            run = simulate(
                scenario, args.seed, engine=args.engine, days=args.days, journeys=[args.user], progress=progress
            )
    except ValueError as error:
        raise InputError(str(error)) from None
    page(lambda console: show(run, args.user, console))
    return 0


def show(run: Run, user: int, console: Console) -> None:
    """Print the timeline of a user, a paragraph a day."""
    scenario, names = run.scenario, run.observer.names
    console.print(Text(f"User {user} of {scenario.name}, seed {run.seed}", style="bold"))
    lines = [line for line in rows(run.journeys) if line.user == user]
    if not lines:
        console.print("nothing happened to this user in the simulated days")
    for day, events in groupby(lines, key=lambda line: int(line.day)):
        console.print(Text(heading(scenario.clock.date(day), day), style="bold"))
        for line in events:
            hour = f"{line.hour:02d}:00" if line.hour >= 0 else "     "
            words = Text(f"  {hour}  {tell(line.event, int(line.detail), float(line.value), scenario, names)}")
            console.print(words, soft_wrap=True)


def heading(when: date, day: int) -> str:
    """Return a day in words.

    >>> heading(date(2024, 11, 11), 315)
    'Monday 11 November 2024, day 315'
    """
    return f"{when:%A} {when.day} {when:%B %Y}, day {day}"


def tell(event: str, detail: int, value: float, scenario: Scenario, names: Names) -> str:
    """Return one event in words, levers by their titles."""

    def title(name: str) -> str:
        return getattr(scenario.levers.get(name), "title", "") or name

    def credit() -> str:
        return title(names.credits[detail])

    def touch() -> str:
        return title(names.touches[detail]) or "word of mouth"

    def basket() -> str:
        return f"{names.goods[detail]}, {amount(value, 'yuan')}"

    def tier() -> str:
        return names.tiers[detail - 1] if detail else "no tier"

    def visit() -> str:
        return "visits of own accord" if detail == 0 else f"visits through {credit()}"

    phrases: dict[str, Callable[[], str]] = {
        "hears": lambda: f"sees {touch()}",
        "hears-word": lambda: f"hears of it from user {value:.0f}",
        "is-invited": lambda: f"is invited by user {value:.0f} ({touch()})",
        "gets-message": lambda: f"gets a message: {credit()}",
        "visits": visit,
        "registers": lambda: "registers" + (f", brought by {credit()}" if detail else ""),
        "bounces": lambda: "leaves without a click",
        "leaves-detail-page": lambda: "leaves from the detail page",
        "does-not-cart": lambda: f"looks, but puts nothing into the cart ({basket()})",
        "abandons-payment": lambda: f"gives up while paying ({basket()})",
        "orders": lambda: f"orders ({basket()})",
        "out-of-stock": lambda: f"finds it out of stock ({basket()})",
        "gets-coupon": lambda: f"gets a coupon: {credit()}",
        "coupon-expires": lambda: f"lets a coupon expire: {credit()}",
        "lapses": lambda: "loses interest and will not come back of own accord",
        "is-recalled": lambda: f"is won back by {credit()}",
        "becomes-dormant": lambda: "becomes dormant",
        "churns": lambda: "churns",
        "is-replaced": lambda: "leaves the market; a new person takes the place",
        "talks": lambda: f"tells user {detail} about it",
        "invites": lambda: f"invites user {detail}",
        "starts-group": lambda: f"starts a group-buy: {credit()}",
        "joins-group": lambda: f"joins a group-buy: {credit()}",
        "group-fails": lambda: f"sees the group-buy fail: {title(names.groups[detail])}",
        "forgets": lambda: "forgets the shop",
        "changes-tier": lambda: f"is now in tier {tier()}",
        "visit-lost": lambda: "comes, but the servers are down",
    }
    return phrases[event]() if event in phrases else event.replace("-", " ")
