"""Tables of several runs: compact to send, stacked with a seed, walked row by row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_string_dtype, union_categoricals


def rows(table: pd.DataFrame) -> Iterator[Any]:
    """Return the rows of a table, one after the other, with its columns as attributes."""
    return table.itertuples(index=False)


def categorised(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its texts as categories, a tenth of the size."""
    texts = [name for name, kind in table.dtypes.items() if is_string_dtype(kind)] if len(table) else []
    return table.astype(dict.fromkeys(texts, "category"))


def stack(parts: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of several runs one after the other, each row with its seed in front."""
    seeds = np.array(list(parts), np.int64)
    full = [part for part in parts.values() if len(part)] or list(parts.values())[:1]
    columns: dict[str, Any] = {"seed": np.repeat(seeds, [len(part) for part in parts.values()])}
    for name in full[0].columns:
        series = [part[name] for part in full]
        if isinstance(series[0].dtype, pd.CategoricalDtype):
            columns[name] = union_categoricals(series, sort_categories=True)
        else:
            columns[name] = pd.concat(series, ignore_index=True)
    return pd.DataFrame(columns)
