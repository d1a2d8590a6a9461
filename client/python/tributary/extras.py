"""Packages that only some functions need."""

from __future__ import annotations

import importlib
from typing import Any

from tributary.errors import MissingExtra


def load(package: str, extra: str, purpose: str) -> Any:
    """Imports `package`.

    Raises:
      MissingExtra: it is not installed; the message says which extra has it.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package.split(
                ".")[0]:
            raise
        raise MissingExtra(package, extra, purpose) from None
