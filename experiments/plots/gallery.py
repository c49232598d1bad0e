"""A report in its folder, with all charts and what the manifest must say of them."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from experiments import folder
from experiments.answer import TableFormat
from experiments.folder import FolderError
from experiments.plots import CHARTS, kpi_curves
from experiments.plots.actuals import Actuals
from experiments.plots.style import notice
from experiments.replication import Replication
from experiments.reporting import Report


def write(
    report: Report, path: str | os.PathLike[str] | None = None, *, tables: TableFormat = "csv",
    actuals: Actuals | None = None,
) -> Path:  # fmt: skip
    """Write a report's folder, its charts with actuals over the KPI curves, and return it.

    Beside what `Report.write` puts there, the table `actuals`; in the manifest `actuals` (number of values by KPI) and
    `notes` (see `told`). The folder appears whole or not at all. Raises `FolderError` as `Report.write` does.
    """
    place = folder.check_folder(folder.default_folder(report.replication) if path is None else path)
    if actuals is not None:
        report = replace(report, answers={**report.answers, "actuals": actuals.table})
    with folder.in_one_step(place) as making:
        try:
            report.write(making, tables=tables, charts=False)
        except FolderError as error:
            raise FolderError(str(error).replace(str(making), str(place))) from error
        _draw(making / "charts", report.replication, report.lang, actuals)
        _annotate(making / "manifest.json", told(report.lang, actuals), actuals)
    return place


def told(lang: str, actuals: Actuals | None = None) -> list[str]:
    """Return what readers of the charts must know: that they are not in the language asked for, what is not drawn."""
    return [note for note in (notice(lang), *(actuals.notes if actuals is not None else ())) if note]


def _draw(place: Path, replication: Replication, lang: str, actuals: Actuals | None) -> None:
    pictures = {name: partial(draw, replication, lang=lang) for name, draw in CHARTS.items()}
    if actuals is not None:
        pictures["kpi-curves"] = partial(kpi_curves.figure, replication, actuals.table, lang=lang)
    folder.save_charts(place, pictures)


def _annotate(path: Path, notes: list[str], actuals: Actuals | None) -> None:
    about = json.loads(path.read_text(encoding="utf-8"))
    if actuals is not None:
        kpis = actuals.table.dropna(subset="value")["kpi"]
        about["actuals"] = {str(kpi): int(number) for kpi, number in kpis.value_counts(sort=False).items()}
    if notes:
        about["notes"] = [*about.get("notes", []), *notes]
    path.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
