"""An answer: what a question to the market brought, as tables, charts and words, and how it is written to a folder."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from experiments.folder import check_folder, in_one_step, save_charts
from experiments.spreadsheet import write_csv, write_xlsx

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TableFormat = Literal["csv", "xlsx"]


@dataclass(frozen=True)
class Answer:
    """What a verb found."""

    verb: str
    """The question asked: replicate, compare, sweep, ..."""
    title: str
    """The answer's subject, in one line."""
    tables: Mapping[str, pd.DataFrame]
    """Tidy tables by name; the first is the one that the verb's function returns."""
    manifest: Mapping[str, Any]
    """What made it: scenario names and digests, seeds, model version, settings. JSON data without paths and times."""
    notes: tuple[str, ...] = ()
    """What a reader must know before believing the numbers."""
    charts: Mapping[str, Callable[[], "Figure"]] = field(default_factory=dict)
    """Pictures by the name of their file, drawn when they are asked for."""
    lang: str = "en"
    """Language that was asked for in the pictures."""
    good: bool = True
    """Whether the answer is yes; no makes exit status 1."""

    @property
    def table(self) -> pd.DataFrame:
        """The first table."""
        return next(iter(self.tables.values()))

    @property
    def notice(self) -> str:
        """Why the pictures are not in the language asked for; empty: they are, or there are none."""
        if self.lang == "en" or not self.charts:
            return ""
        from experiments.plots.style import notice

        return notice(self.lang)

    def document(self) -> dict[str, Any]:
        """Return verb, title, good, notes, manifest, and each table as a list of records; unknown values are None."""
        return {
            "verb": self.verb, "title": self.title, "good": self.good, "notes": list(self.notes),
            "manifest": dict(self.manifest), **{name: records(table) for name, table in self.tables.items()},
        }  # fmt: skip

    def write(
        self, path: str | os.PathLike[str], *, tables: TableFormat = "csv", charts: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> Path:  # fmt: skip
        """Write manifest.json, the tables (a .csv each, or tables.xlsx), charts/*.png and `extra` texts by file name.

        The manifest's notes tell when the pictures are not in the language asked for. The folder appears whole or not
        at all. Raises `FolderError` when it exists and is not empty, or cannot be
        written.
        """
        folder = check_folder(path)
        with in_one_step(folder) as making:
            notes = [*self.notes, *([self.notice] if charts and self.notice else [])]
            head = {"verb": self.verb, "title": self.title, **self.manifest, "notes": notes}
            text = json.dumps(head, indent=2, ensure_ascii=False)
            (making / "manifest.json").write_text(text + "\n", encoding="utf-8")
            if tables == "xlsx":
                write_xlsx(making / "tables.xlsx", self.tables)
            else:
                write_csv(making, self.tables)
            for name, words in (extra or {}).items():
                (making / name).write_text(words, encoding="utf-8")
            if charts and self.charts:
                save_charts(making / "charts", self.charts)
        return folder


def check_language(lang: str) -> None:
    """Raise `ValueError` for a language that the charts do not have, so that nothing is simulated for it."""
    if lang != "en":
        from experiments.plots.words import Words

        Words(lang)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON data; what is not known, or infinite, is None."""
    return [
        {str(k): None if v is pd.NA or (isinstance(v, float) and not isfinite(v)) else v for k, v in row.items()}
        for row in table.astype({c: str for c, kind in table.dtypes.items() if kind == "category"}).to_dict("records")
    ]
