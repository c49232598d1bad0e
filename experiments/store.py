"""The store: finished runs by what they are of, so that nothing is simulated twice.

A file a run, named by the key of its job, in a folder for the version of the model. Files appear whole (written beside
their place, then renamed), so any number of processes may share a store, and a killed one leaves nothing that counts.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import codec
from sim.compile import source_digest

SUFFIX = ".run"
_PART = ".part"
_ABANDONED_SECONDS = 3600
"""Age from which a file that was never finished belongs to nobody."""


class StoreError(OSError):
    """The store cannot be written."""


@dataclass(frozen=True)
class Entry:
    """A stored run."""

    path: Path
    size: int
    """[bytes]"""
    stored: float
    """Time it was stored [s since 1970]."""
    about: dict[str, Any] | None
    """What stands at its head: scenario, digest, seed, days, users, user_days, detail, model; None: spoilt."""

    @property
    def key(self) -> str:
        """Key of its job."""
        return self.path.stem

    @property
    def current(self) -> bool:
        """Whether the present model would serve it."""
        return self.about is not None and self.about.get("model") == source_digest()


class Store:
    """Finished runs in a folder, which need not exist yet."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return where the run of a key is kept under the present model."""
        return self.folder / source_digest()[:12] / key[:2] / f"{key}{SUFFIX}"

    def get(self, key: str) -> bytes | None:
        """Return a run's bytes, or None when there is none or it is spoilt."""
        try:
            data = self.path(key).read_bytes()
            codec.describe(data)
        except (OSError, codec.SpoiltError):
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep a run. Raises `StoreError` when it cannot be written; nothing half-written is ever served."""
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{key[:8]}.", suffix=_PART)
            try:
                with open(handle, "wb") as file:
                    file.write(data)
                os.replace(name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise StoreError(f"the store {self.folder} cannot be written: {error.strerror or error}") from error

    def entries(self) -> Iterator[Entry]:
        """Yield every stored run, spoilt ones and those of other versions of the model included."""
        for path in sorted(self.folder.glob(f"*/*/*{SUFFIX}")):
            try:
                data, stored = path.read_bytes(), path.stat().st_mtime
            except OSError:
                continue
            try:
                about = codec.describe(data)
            except codec.SpoiltError:
                about = None
            yield Entry(path, len(data), stored, about)

    def prune(self, unwanted: Callable[[Entry], bool]) -> tuple[int, int]:
        """Remove unwanted runs and what killed processes left. Return how many, and their bytes."""
        files = [(entry.path, entry.size) for entry in self.entries() if unwanted(entry)]
        for path in self.folder.glob(f"*/*/*{_PART}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    files.append((path, path.stat().st_size))
        for path, _ in files:
            path.unlink(missing_ok=True)
        for folder in sorted(self.folder.glob("**/"), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        return len(files), sum(size for _, size in files)
