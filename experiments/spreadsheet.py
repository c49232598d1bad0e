"""Tables for people who live in spreadsheets: no cell ever starts a formula."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

_FORMULA = ("=", "+", "-", "@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def harmless(value: Any) -> Any:
    """Return a cell that a spreadsheet takes as text: an apostrophe before what would start a formula, spaces for line
    ends and other control characters.

    >>> harmless("=1+1"), harmless("gmv"), harmless(-2.5)
    ("'=1+1", 'gmv', -2.5)
    """
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(" ", value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def write_csv(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each table to a file of its name."""
    for name, table in tables.items():
        _harmless(table).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def write_xlsx(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each table to a sheet of its name: frozen header, filters, columns as wide as their content."""
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, table in tables.items():
            _harmless(table).to_excel(book, sheet_name=name[:31], index=False)
            sheet = book.sheets[name[:31]]
            sheet.freeze_panes = "A2"
            sheet.auto_filter.ref = sheet.dimensions
            for cells in sheet.columns:
                width = max(len(str(cell.value)) if cell.value is not None else 0 for cell in cells[:200])
                sheet.column_dimensions[cells[0].column_letter].width = min(max(width + 2, 9), 60)


def _harmless(table: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name, kind in table.dtypes.items() if not is_numeric_dtype(kind)]
    return table.assign(**{str(name): [harmless(v) for v in table[name]] for name in texts})
