"""Cross-checks of money: what costs names an account, and no account promises more than it holds."""

from collections.abc import Iterator

from scenarios.faults import nearest
from scenarios.levers import AnyLever, Experience, GroupBuy, Media, Membership, Message, Offer, Referral
from scenarios.literals import number
from scenarios.tree import Finding
from scenarios.view import View


def spending(view: View) -> Iterator[Finding]:
    """Yield a finding for each lever that costs and has no account, and each account that is promised away twice."""
    for name, lever in view.levers.items():
        why = cost(lever)
        if lever.account is None and why:
            fix = nearest("", view.paths, "accounts")
            yield Finding(("levers", name, "account"), f"is missing, and {why}", fix, "")
    yield from _budgets(view)


def cost(lever: AnyLever) -> str:
    """Return why a lever costs money, or an empty text when it costs none."""
    if isinstance(lever, Media):
        return "media costs money"
    if isinstance(lever, Offer):
        return "the saving is paid from it (unless cost: 0)" if lever.cost > 0 else ""
    if isinstance(lever, GroupBuy):
        return "the saving is paid from it"
    if isinstance(lever, Message):
        return f"a message costs {lever.price:g} yuan" if lever.price > 0 else ""
    if isinstance(lever, Membership):
        paid = any(tier.discount > 0 or tier.monthly_cost > 0 for tier in lever.tiers.values())
        return "benefits are paid from it" if paid else ""
    if isinstance(lever, Experience):
        return "the improvement costs money" if lever.once > 0 or lever.daily > 0 else ""
    assert isinstance(lever, Referral)
    rewards = (lever.on_register, lever.on_order, *lever.thresholds)
    return "cash rewards are paid from it" if any(reward.cash > 0 for reward in rewards) else ""


def _budgets(view: View) -> Iterator[Finding]:
    """Yield the media lever at which an account's budgets pass what it holds; levers that are off do not count."""
    planned = view.accounts.planned() if view.accounts is not None else {}
    shares: dict[str, float] = {}
    sums: dict[str, float] = {}
    over: set[str] = set()
    for name, lever in view.levers.items():
        if not isinstance(lever, Media) or not lever.on or lever.account is None:
            continue
        account, path = lever.account, ("levers", name, "budget")
        money = planned.get(account)
        share = number(lever.budget) if isinstance(lever.budget, str) else 0.0
        yuan = lever.budget if isinstance(lever.budget, float) else share * (money or 0.0)
        left_share, left = 1 - shares.get(account, 0.0), (money or 0.0) - sums.get(account, 0.0)
        shares[account], sums[account] = shares.get(account, 0.0) + share, sums.get(account, 0.0) + yuan
        if account in over:
            continue
        if share and shares[account] > 1 + 1e-6:
            over.add(account)
            rule = f"with the levers above, {shares[account]:.6g} of account {account} is planned, more than all of it"
            yield Finding(path, rule, f"at most {left_share:.1%} is left".replace(".0%", "%"))
        elif money is not None and sums[account] > money * (1 + 1e-6) + 0.01:
            over.add(account)
            planned_money = f"{sums[account]:_.0f} yuan of account {account} are planned"
            rule = f"with the levers above, {planned_money}, but it holds {money:_.0f}"
            yield Finding(path, rule, f"at most {max(left, 0):_.0f} yuan are left")
