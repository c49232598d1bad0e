"""A run's tables as bytes: a line of JSON about them, then each table as an Arrow stream; checked by SHA-256."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

FORMAT = 1
"""Version of the layout; a reader refuses any other."""
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


class SpoiltError(ValueError):
    """Bytes that are not what `encode` wrote: cut short, changed, or of another format."""


def encode(about: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return tables as bytes; equal tables give equal bytes. `about` is JSON data that `describe` gives back."""
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
            self._read[name] = _read(self._data[self._spans[name]])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Go over the names."""
        return iter(self._spans)

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self._spans)


def _written(table: pd.DataFrame) -> bytes:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, arrow.schema, options=_OPTIONS) as writer:
        writer.write_table(arrow)
    return stream.getvalue()


def _read(data: bytes) -> pd.DataFrame:
    with pa.ipc.open_stream(data) as reader:
        table: pd.DataFrame = reader.read_all().to_pandas()
    return table
