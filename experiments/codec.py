"""A run's tables as bytes: a line of JSON about them, then each table as an Arrow stream; checked by SHA-256."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

FORMAT = 2
"""Version of the layout; a reader refuses any other."""
_LARGE_BYTES = 1 << 17
"""Size from which a table is compressed: to set zstd up takes longer than to write the tables of most runs."""
_PLAIN, _PACKED = pa.ipc.IpcWriteOptions(), pa.ipc.IpcWriteOptions(compression="zstd")
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_PANDAS = {pa.bool_(): pd.BooleanDtype()}


class SpoiltError(ValueError):
    """Bytes that are not what `encode` wrote: cut short, changed, or of another format."""


@dataclass(frozen=True)
class Rows:
    """A small table row by row: quicker to write than to make a DataFrame of."""

    kinds: Mapping[str, type]
    """str, int, float or bool by column."""
    rows: Sequence[tuple[Any, ...]]
    """None stands for what is not known."""

    def frame(self) -> pd.DataFrame:
        """Return the table that comes back when it is encoded and decoded."""
        return _frame(self.arrow())

    def arrow(self) -> pa.Table:
        """Return the table as Arrow has it."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.kinds)
        parts = zip(self.kinds.items(), columns, strict=True)
        return pa.table({name: pa.array(part, _ARROW[kind], from_pandas=True) for (name, kind), part in parts})


def encode(about: Mapping[str, Any], tables: Mapping[str, pd.DataFrame | Rows]) -> bytes:
    """Return tables as bytes; equal tables give equal bytes. `about` is JSON data that `describe` gives back.

    Columns of tables are text, numbers or categories, and true or false, which come back as nullable `boolean`.
    """
    parts = {name: _written(table) for name, table in tables.items()}
    payload = b"".join(parts.values())
    head = {
        "format": FORMAT,
        **about,
        "tables": [[name, len(part)] for name, part in parts.items()],
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    return json.dumps(head, sort_keys=True, ensure_ascii=False).encode() + b"\n" + payload


def describe(data: bytes) -> dict[str, Any]:
    """Return the head of encoded tables, its payload checked.

    Raises `SpoiltError`.
    """
    line, newline, payload = data.partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        raise SpoiltError("the head is not JSON") from None
    if not newline or not isinstance(head, dict) or head.get("format") != FORMAT:
        raise SpoiltError(f"the format is not {FORMAT}")
    if hashlib.sha256(payload).hexdigest() != head.get("sha256"):
        raise SpoiltError("the checksum does not fit")
    return head


class Decoded(Mapping[str, pd.DataFrame]):
    """The tables that `encode` took, each read when it is asked for. Raises `SpoiltError`."""

    def __init__(self, data: bytes) -> None:
        self.head = describe(data)
        self._data, place = data, data.index(b"\n") + 1
        self._spans: dict[str, slice] = {}
        for name, size in self.head["tables"]:
            self._spans[name] = slice(place, place + size)
            place += size
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table by its name."""
        if name not in self._read:
            self._read[name] = _frame(self._table(name))
        return self._read[name]

    def columns(self, name: str) -> dict[str, list[Any]]:
        """Return a table as a list by column, which is quicker than a DataFrame; what is not known is None or NaN."""
        table = self._table(name)
        parts = zip(table.column_names, table.columns, strict=True)
        return {key: part.to_numpy(zero_copy_only=False).tolist() for key, part in parts}

    def _table(self, name: str) -> pa.Table:
        with pa.ipc.open_stream(self._data[self._spans[name]]) as reader:
            return reader.read_all()

    def __iter__(self) -> Iterator[str]:
        """Go over the names."""
        return iter(self._spans)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self._spans)


def _written(table: pd.DataFrame | Rows) -> bytes:
    arrow = table.arrow() if isinstance(table, Rows) else pa.table(dict(table.items()))
    stream = pa.BufferOutputStream()
    options = _PACKED if arrow.nbytes >= _LARGE_BYTES else _PLAIN
    with pa.ipc.new_stream(stream, arrow.schema, options=options) as writer:
        writer.write_table(arrow)
    data: bytes = stream.getvalue().to_pybytes()
    return data


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame
