"""Numbers by path: what stands there, and how a number is written there."""

import math
from typing import Annotated, Any, get_args, get_origin

from pydantic import BeforeValidator

from scenarios.literals import number
from scenarios.model import MisfitError
from scenarios.paths import bare, fields, is_record, parse, render
from scenarios.scenario import Scenario
from scenarios.steps import NoPathError, Step, narrow, reach
from scenarios.tree import plant


def value_at(scenario: Scenario, path: str) -> float | bool:
    """Return the number, or true or false, at a path such as behaviour.shop.ctr or phases.sale.days[0].

    A field that the files leave out has its default. A percentage of an account is a share: 0.4 for 40%. Raises
    `ValueError` with the nearest fix when the path does not exist or holds no number.

    >>> import scenarios
    >>> plan = scenarios.load("store-campaign-28-days")
    >>> value_at(plan, "levers.ppc.budget"), value_at(plan, "goods.classes.hit.stock.lead_days")
    (0.65, 7)
    """
    found = _found(scenario, path)
    value = read_number(found)
    assert value is not None
    return value


def as_written(scenario: Scenario, path: str, value: float) -> float | int | str | bool:
    """Return a number as `override` takes it at a path: rounded where only whole numbers or true and false are allowed,
    and as a percentage where a percentage of an account stands.

    Raises `ValueError` as `value_at` does, and when the value is not finite.

    >>> import scenarios
    >>> plan = scenarios.load("store-campaign-28-days")
    >>> as_written(plan, "levers.ppc.budget", 0.5), as_written(plan, "market.contacts.mean", 9.7)
    ('50%', 10)
    """
    found = _found(scenario, path)
    if not math.isfinite(value):
        raise ValueError(f"{path}: {value}: must be a finite number")
    kind = bare(found.annotation)
    return kind(round(value)) if kind in (int, bool) else spelled(found, value)


def spelled(found: Step, value: float) -> float | str:
    """Return a number as it is written where a step leads: yuan, or a percentage, where both are allowed."""
    both = str in get_args(bare(found.annotation))
    return f"{value * 100:.12g}%" if both and isinstance(found.node.value, str) else value


def read_number(found: Step) -> float | bool | None:
    """Return the number where a step leads, or None when none is written there."""
    if not is_numeric(found.annotation, flags=True):
        return None
    value = found.node.value
    try:
        for reader in _readers(found.annotation):
            value = reader(value)
        value = number(value) if isinstance(value, str) else value
    except MisfitError:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float) else None


def is_numeric(annotation: Any, *, flags: bool = False) -> bool:
    """Return whether values of a type are numbers; with `flags`, or true and false."""
    kind = bare(annotation)
    if get_origin(kind) in (dict, tuple):
        return False
    return bool({kind, *get_args(kind)} & ({int, float, bool} if flags else {int, float}))


def numbers_below(found: Step) -> list[str]:
    """Return the keys of the numbers of the record to which a step leads."""
    kind = narrow(found.annotation, found.node)
    return [key for key, field in fields(kind).items() if is_numeric(field.annotation)] if is_record(kind) else []


def _found(scenario: Scenario, path: str) -> Step:
    try:
        parts = parse(path)
    except ValueError:
        raise ValueError(f"{path!r} is not a path; write a path such as levers.welfare.off or clock.x[0]") from None
    try:
        found = reach(plant(scenario), Scenario, parts)
    except NoPathError as error:
        raise ValueError("; ".join(x for x in (f"{render(error.path)}: {error.rule}", error.fix) if x)) from None
    if read_number(found) is None:
        keys = numbers_below(found)
        raise ValueError(f"{path}: is not a number" + (f"; numbers below it: {', '.join(keys)}" if keys else ""))
    return found


def _readers(annotation: Any) -> list[Any]:
    """Return the functions that read the literals of a type, in the order in which they apply."""
    found: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        found += [mark.func for mark in marks if isinstance(mark, BeforeValidator)]
    members = [member for member in get_args(annotation) if member is not type(None)]
    return found + (_readers(members[0]) if len(members) == 1 else [])
