"""How the market answers: users, behaviour, levers, supply, rules, KPIs."""
