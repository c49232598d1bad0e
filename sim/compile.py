"""Compiling the verbs: one decorator, and a cache that a changed verb can never outlive."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


@cache
def source_digest() -> str:
    """Return a digest of the simulator's source: the model version that runs are stored under."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _compiled_digest() -> str:
    """Return a digest of the modules that compiled code is made of, and of the constants they share."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        text = path.read_bytes()
        if b"\n@compiled" in text or path.stem in ("compile", "metrics", "conditions"):
            digest.update(text)
    return digest.hexdigest()[:12]


def _cache_folder() -> Path:
    """Return the first writable place for compiled code.

    Numba checks only the file of the function it caches, not the functions it calls, so the folder carries the digest
    of all of them.
    """
    digest = _compiled_digest()
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sandtable"
    for root in (Path(__file__).parent / "__pycache__", home):
        try:
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK):
                return root / f"compiled-{digest}"
        except OSError:
            continue
    return Path(tempfile.gettempdir()) / f"sandtable-compiled-{digest}"


_config: Any = numba.config
_config.CACHE_DIR = str(_cache_folder())
_njit: Any = numba.njit


def compiled(function: F) -> F:
    """Compile a verb: cached, without the interpreter lock, IEEE arithmetic as written (no reordering, no fusing).

    A verb allocates nothing, so reference counting is off, and a verb is inlined into its caller: counting and passing
    every array of the market at every call would cost ten times the verb.
    """
    return _njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)(function)  # type: ignore[no-any-return]
