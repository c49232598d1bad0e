"""What made a report: all that is needed to make it again, and what to know before deciding on it."""

import shlex

from experiments.folder import manifest
from experiments.replication import Replication
from experiments.report.language import Language
from experiments.scoreboard import FEW_SEEDS


def facts(replication: Replication, command: str, language: Language) -> list[tuple[str, str, bool]]:
    """Return what made a report: item, value, and whether the value is a code to be copied."""
    made = manifest(replication)
    seeds = [str(seed) for seed in made["seeds"]]
    straight = made["seeds"] == list(range(made["seeds"][0], made["seeds"][-1] + 1))
    told = f"{seeds[0]}–{seeds[-1]}" if straight and len(seeds) > 2 else ", ".join(seeds)
    clock = {name: made[name] for name in ("burn_in", "days", "tail")}
    versions = ", ".join(
        f"{name} {made[key]}"
        for name, key in (
            ("Sandtable", "sandtable_version"), ("Python", "python_version"), ("NumPy", "numpy_version"),
            ("Numba", "numba_version"),
        )
    )  # fmt: skip
    lines = (
        ("scenario", made["scenario"], False),
        ("digest", made["scenario_digest"], True),
        ("model", made["model_version"], True),
        ("seeds", told, False),
        ("users", language.whole(made["users"]), False),
        ("people", language.whole(made["people"]), False),
        ("clock", language("making.clock_words", **clock), False),
        ("engine", made["engine"], False),
        ("versions", versions, False),
        ("started", f"{replication.started:%Y-%m-%d %H:%M}", False),
        ("command", command, True),
    )
    return [(language(f"making.{item}"), str(value), code) for item, value, code in lines]


def command(replication: Replication, *, sweep: bool, stress: bool, actuals: bool, language: Language) -> str:
    """Return the command that makes the report again from the run folder's scenario.yaml and actuals.csv."""
    words = ["sandtable", "report", "scenario.yaml", "--seeds", str(len(replication.seeds))]
    words += [] if sweep else ["--no-sweep"]
    words += [] if stress else ["--no-stress"]
    words += ["--actuals", "actuals.csv"] if actuals else []
    return shlex.join(words + (["--lang", language.code] if language.code != "en" else []))


def notes(replication: Replication, language: Language) -> list[str]:
    """Return what a reader must know before deciding."""
    runs, market = len(replication.seeds), replication.scenario.market
    found = [] if runs >= FEW_SEEDS else [language("making.few_one") if runs == 1 else language("making.few", n=runs)]
    users, people = language.whole(market.users), language.whole(market.people)
    return [*found, language("making.luck"), language("making.stand_for", users=users, people=people)]
