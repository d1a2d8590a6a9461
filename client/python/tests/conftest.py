"""What the tests share: data with a hidden rule, a bundle of it, a server.

Users like items whose number has the same remainder by 5.
"""
from __future__ import annotations

import contextlib
import datetime
import pathlib
import socket
from typing import Any, Iterator

import pytest

import tributary

USERS, ITEMS = 60, 400
# Small models, which train in seconds.
FAST: dict[str, Any] = {
    "als": {"dim": 8}, "content": {"dim": 16},
    "behavior": {"history": {"dim": 8, "epochs": 5, "dropout": 0.5,
                             "weight_decay": 0.01, "decay": 0.5,
                             "cut_share": 0.5, "dropped_targets": True}}}


def interaction_columns() -> dict[str, list[Any]]:
    """The interactions, as columns."""
    users, items, times = [], [], []
    start = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
    for user in range(USERS):
        for i in range(20):
            users.append(f"u{user}")
            items.append(f"v{(user % 5 + 5 * (i * (user + 3) % 60)) % ITEMS}")
            times.append(start + datetime.timedelta(hours=user, minutes=i))
    return {"user": users, "item": items, "time": times}


def item_columns() -> dict[str, list[Any]]:
    """The items, as columns."""
    numbers = range(ITEMS)
    return {
        "item": [f"v{i}" for i in numbers],
        "title": [f'The "{i}th" thing, of kind {i % 5}' for i in numbers],
        "genres": [[f"kind{i % 5}", "all"] for i in numbers],
        "price": [i / 4 if i % 7 else None for i in numbers],
        "in_stock": [i % 2 == 0 for i in numbers],
    }


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """The address of something that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def bundle(bundles: pathlib.Path) -> tributary.Bundle:
    lines: list[str] = []
    made = tributary.build(interaction_columns(), items=item_columns(),
                           out=bundles, holdout=0.2, progress=lines.append,
                           **FAST)
    # Progress comes as the program writes it.
    assert any("behavior" in line for line in lines), lines
    return made


@pytest.fixture(scope="session")
def client(bundle: tributary.Bundle) -> Iterator[tributary.ServedClient]:
    with tributary.serve(bundle) as made:
        yield made
