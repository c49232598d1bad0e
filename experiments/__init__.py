"""Asking questions: replicate a scenario over seeds, keep the answer in a folder, show it."""

from importlib import import_module
from typing import Any

_HOME = {"Replication": "replicate", "replicate": "replicate", "write_folder": "folder"}

__all__ = ["Replication", "replicate", "write_folder"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    return getattr(import_module(f"experiments.{_HOME[name]}"), name)
