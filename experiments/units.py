"""Numbers for people: short, with their unit, four digits that count."""

from math import floor, isinf, isnan, log10

MINUS = "\N{MINUS SIGN}"
_STEPS = ((1e9, " bn"), (1e6, " M"), (1e5, " k"))
_MARKS = (MINUS, "+", "¥")


def compact(value: float, digits: int = 4) -> str:
    """Return a number in so many digits that count; below 100,000 whole numbers stay whole.

    >>> compact(2_932_500), compact(12_345), compact(0.04856), compact(-3), compact(0.04856, 2)
    ('2.932 M', '12,345', '0.04856', '−3', '0.049')
    """
    if isnan(value):
        return "-"
    if isinf(value):
        return f"{MINUS if value < 0 else ''}∞"
    rounded = float(f"{abs(value):.{digits}g}")
    sign = MINUS if value < 0 and rounded else ""
    for step, suffix in _STEPS:
        if rounded >= step:
            size = 1e3 if suffix == " k" else step
            return f"{sign}{_digits(rounded / size, digits)}{suffix}"
    return sign + (f"{round(abs(value)):,}" if rounded >= 1e3 else _digits(rounded, digits))


def _digits(value: float, digits: int) -> str:
    if not value:
        return "0"
    text = f"{value:,.{max(0, digits - 1 - floor(log10(value)))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole(value: float) -> str:
    """Return a number without decimals.

    >>> whole(-1234.6), whole(-0.2)
    ('−1,235', '0')
    """
    number = round(value)
    return f"{MINUS if number < 0 else ''}{abs(number):,}"


def amount(value: float, unit: str, digits: int = 4) -> str:
    """Return a value of a KPI with its unit's sign; counts have none.

    >>> amount(0.0486, "share"), amount(663_100_000, "yuan"), amount(31.8, "points")
    ('4.86 %', '¥663.1 M', '31.8')
    """
    if isnan(value):
        return "-"
    if unit == "share":
        return f"{compact(100 * value, digits)} %"
    if unit == "yuan":
        text = compact(value, digits)
        return f"{MINUS}¥{text[1:]}" if text.startswith(MINUS) else f"¥{text}"
    return compact(value, digits)


def change(value: float, unit: str, *, points: bool = False) -> str:
    """Return a change: relative, or in absolute points of a KPI of that unit.

    >>> change(0.3, "yuan"), change(-0.02345, "share", points=True), change(0.0, "users"), change(0.66543, "yuan")
    ('+30 %', '−2.3 points', '0 %', '+66.5 %')
    """
    if isnan(value):
        return "-"
    scaled = 100 * value if unit == "share" or not points else value
    text = f"{abs(scaled):,.{2 if abs(scaled) < 1 else 1}f}".rstrip("0").rstrip(".")
    sign = "" if text == "0" else MINUS if scaled < 0 else "+"
    return f"{sign}{text} {'points' if points else '%'}"


def spell(value: float, unit: str, kpi_unit: str) -> str:
    """Return a value in the unit of a row of the summary, where a change names its base (`change vs last-year`).

    >>> spell(0.3, "change vs last-year", "yuan"), spell(0.05, "share", "share")
    ('+30 %', '5 %')
    """
    if unit.startswith("change vs "):
        return change(value, kpi_unit)
    if unit.startswith("points vs "):
        return change(value, kpi_unit, points=True)
    return amount(value, unit)


def probability(value: float) -> str:
    """Return a probability in whole percent, never rounded to certainty.

    >>> probability(0.997), probability(1.0), probability(0.002), probability(float("nan"))
    ('> 99 %', '100 %', '< 1 %', '-')
    """
    if isnan(value):
        return "-"
    if 0.99 < value < 1:
        return "> 99 %"
    if 0 < value < 0.01:
        return "< 1 %"
    return f"{100 * value:.0f} %"


def duration(seconds: float) -> str:
    """Return a time span.

    >>> duration(8.24), duration(75)
    ('8.2 s', '1 min 15 s')
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def between(low: str, high: str) -> str:
    """Return an interval of two spelled values, the unit once where both have it.

    Thousands and millions stand at both ends where one has a sign or ¥: −¥341 to +¥250 k would read as 341 yuan.

    >>> between("2.737 M", "2.935 M"), between("¥980 k", "¥1.2 M"), between("-", "-")
    ('2.737 to 2.935 M', '¥980 k to ¥1.2 M', '-')
    >>> between("¥43.59 M", "¥47.05 M"), between("−341 k", "250 k"), between("−2.1 %", "+3 %")
    ('¥43.59 M to ¥47.05 M', '−341 k to 250 k', '−2.1 to +3 %')
    """
    if low == high == "-":
        return "-"
    marked = low.startswith(_MARKS) or high.startswith(_MARKS)
    shared = (" %", " points") if marked else (" %", " points", *(suffix for _, suffix in _STEPS))
    unit = next((unit for unit in shared if low.endswith(unit) and high.endswith(unit)), "")
    return f"{low.removesuffix(unit)} to {high}"
