"""The KPI registry: formula, unit and direction of every KPI, over any window and segment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan

from sim import metrics as M
from sim.ledger import REVENUE_KINDS
from sim.observer import Observer
from sim.snapshot import (
    ASKED,
    BUYERS_12M,
    DETRACTORS,
    MEMBERS,
    MONTHLY_ACTIVE,
    PROMOTERS,
    REPEATERS_12M,
    UPPER_MEMBERS,
)


@dataclass(frozen=True)
class Window:
    """A window of a run as KPIs see it."""

    observer: Observer
    first: int
    last: int
    segment: int | None = None
    totals: Sequence[int] | None = None
    """Sums of all metrics, for many KPIs of one window; None: each is added up when it is asked for."""

    def total(self, metric: int) -> int:
        """Return the sum of a metric [simulated market]."""
        if self.totals is not None:
            return self.totals[metric]
        return self.observer.total(metric, self.first, self.last, self.segment)

    def count(self, metric: int) -> float:
        """Return the sum of a metric [real market]."""
        return self.total(metric) * self.observer.scale

    def ratio(self, top: int, bottom: int) -> float:
        """Return the ratio of two metrics, NaN when the lower is zero."""
        below = self.total(bottom)
        return self.total(top) / below if below else nan

    def yuan(self, metric: int) -> float:
        """Return the sum of a money metric [yuan of the real market], to the cent as the ledger has it."""
        name = M.NAMES[metric]
        if self.segment is None and name in REVENUE_KINDS:
            days = self.observer.ledger.revenue[name]
            return sum(cents for day, cents in days.items() if self.first <= day <= self.last) / 100
        return self.count(metric) / 100

    def spend(self, levers: tuple[str, ...] | None = None) -> float:
        """Return what levers cost [yuan]; not known by segment."""
        return nan if self.segment is not None else self.observer.spend(self.first, self.last, levers) / 100

    def snapshot(self, what: int) -> float:
        """Return a count of the window's last day [simulated market]."""
        taken = self.observer.snapshots.get(self.last)
        if taken is None:
            return nan
        return float(taken[what].sum() if self.segment is None else taken[what, self.segment])

    def retained(self, k: int, age: int) -> float:
        """Return the share of the window's registrations who came back, of those old enough to tell."""
        o = self.observer
        lo, hi = self.first - o.calendar.first, min(self.last, o.seen_until - age) - o.calendar.first
        came, size = o.retained[lo : hi + 1, k], o.series[lo : hi + 1, M.NEW_USERS]
        if self.segment is not None:
            came, size = came[:, self.segment], size[:, self.segment]
        return float(came.sum() / size.sum()) if hi >= lo and size.sum() else nan

    @property
    def days(self) -> int:
        """Length of the window."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Kpi:
    """A key performance indicator. `better` is 1 when more is better, -1 when less is."""

    id: str
    unit: str
    better: int
    title: str
    formula: Callable[[Window], float]


def _over(a: float, b: float) -> float:
    return a / b if b else nan


def _acquiring(w: Window) -> tuple[str, ...]:
    """Return the levers that bring new customers: media, referrals, group-buys and welcome offers."""
    return tuple(
        name
        for name, lever in w.observer.scenario.levers.items()
        if lever.kind in ("media", "referral", "group_buy") or getattr(lever, "give", "") == "registration"
    )


def _kol(w: Window) -> float:
    names, o = w.observer.names.touches, w.observer
    rows = [k for k, n in enumerate(names) if n and getattr(o.scenario.levers[n], "role", "") == "kol"]
    lo, hi = w.first - o.calendar.first, w.last - o.calendar.first
    visits, orders = o.roles[lo : hi + 1, rows].sum(axis=(0, 1)) if rows else (0, 0)
    return float(orders / visits) if visits and w.segment is None else nan


def _ltv(w: Window) -> float:
    """Return the discounted margin of the 365 days up to the window's end, per customer of those days [yuan].

    NaN when fewer days were simulated.
    """
    rate = w.observer.scenario.measures.discount_rate
    if w.last - 364 < w.observer.calendar.first:
        return nan
    year = Window(w.observer, w.last - 364, w.last, w.segment)
    buyers = w.snapshot(BUYERS_12M) * w.observer.scale
    margin = year.count(M.MARGIN) / 100
    return _over(margin / (1 + rate) ** 0.5, buyers)


def profit(w: Window) -> float:
    """Return margin and shipping fees less shipping cost and what levers cost [yuan]."""
    return w.yuan(M.MARGIN) + w.yuan(M.SHIPPING_FEE) - w.yuan(M.SHIPPING_COST) - w.spend()


def _nps(w: Window) -> float:
    asked = w.snapshot(ASKED)
    return 100 * _over(w.snapshot(PROMOTERS) - w.snapshot(DETRACTORS), asked)


_ALL = (
    Kpi("exposure", "impressions", 1, "Impressions", lambda w: w.count(M.EXPOSURE)),
    Kpi("uv", "visitor-days", 1, "Daily unique visitors, summed", lambda w: w.count(M.UV)),
    Kpi("uv_per_day", "visitors", 1, "Unique visitors a day", lambda w: w.count(M.UV) / w.days),
    Kpi("pv", "views", 1, "Page views", lambda w: w.count(M.PV)),
    Kpi("ctr", "share", 1, "Clicks per item impression", lambda w: w.ratio(M.ITEM_CLICKS, M.ITEM_IMPRESSIONS)),
    Kpi("ad_ctr", "share", 1, "Clicks per paid impression", lambda w: w.ratio(M.AD_CLICKS, M.EXPOSURE)),
    Kpi("bounce_rate", "share", -1, "Visits without a click", lambda w: w.ratio(M.BOUNCES, M.UV)),
    Kpi("detail_bounce_rate", "share", -1, "Detail visits that end there", lambda w: w.ratio(M.DETAIL_BOUNCES, M.DETAILS)),
    Kpi("cart_rate", "share", 1, "Visits with a cart", lambda w: w.ratio(M.CARTS, M.UV)),
    Kpi(
        "payment_abandonment", "share", -1, "Payments given up",
        lambda w: w.ratio(M.PAYMENTS_ABANDONED, M.PAYMENTS_STARTED),
    ),
    Kpi("order_conversion", "share", 1, "Orders per unique visitor", lambda w: w.ratio(M.ORDERS, M.UV)),
    Kpi("orders", "orders", 1, "Orders", lambda w: w.count(M.ORDERS)),
    Kpi("gmv", "yuan", 1, "Gross merchandise value", lambda w: w.yuan(M.GMV)),
    Kpi("aov", "yuan", 1, "Average order value", lambda w: w.ratio(M.GMV, M.ORDERS) / 100),
    Kpi("new_users", "users", 1, "Registrations", lambda w: w.count(M.NEW_USERS)),
    Kpi("new_users_per_month", "users", 1, "Registrations a month", lambda w: w.count(M.NEW_USERS) / w.days * 365 / 12),
    Kpi("new_customers", "customers", 1, "First orders", lambda w: w.count(M.NEW_CUSTOMERS)),
    Kpi(
        "new_customer_order_share", "share", 1, "Orders by new customers",
        lambda w: w.ratio(M.NEW_CUSTOMER_ORDERS, M.ORDERS),
    ),
    Kpi("retention_d1", "share", 1, "Registrants back on day 1", lambda w: w.retained(0, 1)),
    Kpi("retention_d7", "share", 1, "Registrants back on days 1-7", lambda w: w.retained(1, 7)),
    Kpi("retention_d30", "share", 1, "Registrants back on days 24-30", lambda w: w.retained(2, 30)),
    Kpi(
        "repurchase_12m", "share", 1, "Buyers of 12 months with two or more orders",
        lambda w: _over(w.snapshot(REPEATERS_12M), w.snapshot(BUYERS_12M)),
    ),
    Kpi("ltv", "yuan", 1, "Discounted margin of 12 months per customer", _ltv),
    Kpi("member_gmv_share", "share", 1, "GMV by members of a tier", lambda w: w.ratio(M.MEMBER_GMV, M.GMV)),
    Kpi(
        "gold_share", "share", 1, "Members in the second tier or above",
        lambda w: _over(w.snapshot(UPPER_MEMBERS), w.snapshot(MEMBERS)),
    ),
    Kpi(
        "referral_share", "share", 1, "Registrations by invitation",
        lambda w: w.ratio(M.INVITED_REGISTRATIONS, M.NEW_USERS),
    ),
    Kpi("mau", "users", 1, "Visitors of the last 30 days", lambda w: w.snapshot(MONTHLY_ACTIVE) * w.observer.scale),
    Kpi("kol_conversion", "share", 1, "Orders per visit brought by KOLs", _kol),
    Kpi(
        "cac", "yuan", -1, "Acquisition spend per new customer",
        lambda w: _over(w.spend(_acquiring(w)), w.count(M.NEW_CUSTOMERS)),
    ),
    Kpi("roas", "ratio", 1, "GMV per yuan spent", lambda w: _over(w.yuan(M.GMV), w.spend())),
    Kpi("marketing_expense_ratio", "share", -1, "Spend per yuan of GMV", lambda w: _over(w.spend(), w.yuan(M.GMV))),
    Kpi("stockout_rate", "share", -1, "Order attempts out of stock", lambda w: w.ratio(M.STOCKOUTS, M.ORDER_ATTEMPTS)),
    Kpi(
        "csat", "score", 1, "Mean satisfaction score of orders, 0 to 1",
        lambda w: w.ratio(M.SATISFACTION_SUM, M.ORDERS) / M.SATISFACTION_UNIT,
    ),
    Kpi("nps", "points", 1, "Promoters less detractors", _nps),
    Kpi(
        "coupon_redemption_rate", "share", 1, "Coupons redeemed per coupon issued",
        lambda w: w.ratio(M.COUPONS_REDEEMED, M.COUPONS_ISSUED),
    ),
    Kpi("spend", "yuan", -1, "What the plan's levers cost", lambda w: w.spend()),
    Kpi("profit", "yuan", 1, "Margin and fees less shipping and spend", profit),
)  # fmt: skip

KPIS: dict[str, Kpi] = {kpi.id: kpi for kpi in _ALL}
"""Every KPI by id."""


LEVELS = ("kpi", "window", "segment", "unit", "value")
"""Columns of a table of KPIs."""


def levels(
    observer: Observer, asked: Iterable[tuple[str, str, tuple[int, int]]]
) -> list[tuple[str, str, str, str, float]]:
    """Return the rows (`LEVELS`) of every KPI in each window and segment; `asked` holds name, segment and days of each.

    What could not be measured has no row.
    """
    rows = []
    for name, segment, span in asked:
        if _seen(observer, span):
            row = _row(observer, segment)
            window = Window(observer, *span, row, observer.totals(*span, row))
            rows += [(kpi.id, name, segment, kpi.unit, float(kpi.formula(window))) for kpi in KPIS.values()]
    return [row for row in rows if not isnan(row[4])]


def measure(observer: Observer, kpi: str, span: tuple[int, int], segment: str = "all") -> float:
    """Return a KPI over days first to last; NaN when the days were not simulated or nothing was there to measure."""
    if not _seen(observer, span):
        return nan
    return float(KPIS[kpi].formula(Window(observer, *span, _row(observer, segment))))


def _row(observer: Observer, segment: str) -> int | None:
    return None if segment == "all" else observer.names.segments.index(segment)


def _seen(observer: Observer, span: tuple[int, int]) -> bool:
    first, last = span
    return observer.calendar.first <= first <= last <= observer.seen_until
